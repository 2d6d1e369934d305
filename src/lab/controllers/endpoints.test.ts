import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EndpointSlice, Endpoints, Node, Pod, Service } from '../../kube/types.ts'
import { isMirrored, planMirror } from './endpoint-mirror.ts'
import { planSlices } from './endpoint-slices.ts'
import { makeEndpoints } from './endpoints.ts'
import { notReadyConditions, silentInMs, unknownConditions } from './node-life.ts'
import { OwnWrites } from './own-writes.ts'

const GOLDEN = JSON.parse(
  readFileSync(new URL('../../../test/golden/endpointslices/endpointslices.json', import.meta.url), 'utf8'),
) as Record<'steady' | 'terminating', EndpointSlice[]> & { endpoints: Endpoints[] }

const slicesOf = (service: string, phase: 'steady' | 'terminating' = 'steady') =>
  GOLDEN[phase].filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service)

/** The pods that the recorded slices were made of. */
const uidOf = (name: string) =>
  slicesOf('es-clusterip')[0]?.endpoints?.find(({ targetRef }) => targetRef?.name === name)?.targetRef?.uid
function recordedPod(name: string, ip: string, spec: object = {}, ready = true): Pod {
  const ports = name === 'es-hn' ? [] : [{ name: 'dns', containerPort: 53, protocol: 'UDP' }]
  return {
    metadata: { name, namespace: 'default', uid: uidOf(name), labels: { app: 'es' } },
    spec: { nodeName: name === 'es-b' ? 'node2' : 'node1', containers: [{ name: 'c', ports }], ...spec },
    status: { phase: 'Running', podIPs: [{ ip }], conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  }
}
const PODS = [
  recordedPod('es-hn', '192.168.7.1'),
  recordedPod('es-d', '10.244.1.24'),
  recordedPod('es-c', '10.244.1.23', {}, false),
  recordedPod('es-b', '10.244.2.22', { hostname: 'hb', subdomain: 'es-headless' }),
  recordedPod('es-a', '10.244.1.21'),
]
const NODES = new Map<string, Node>(
  [1, 2].map((n) => [`node${n}`, { metadata: { name: `node${n}`, labels: { 'topology.kubernetes.io/zone': `z${n}` } } }]),
)

function recordedService(name: string, spec: object): Service {
  const uid = slicesOf(name)[0]?.metadata.ownerReferences?.[0]?.uid
  const ports = [{ port: 80, targetPort: 8080, protocol: 'TCP' }]
  return {
    metadata: { name, namespace: 'default', uid },
    spec: { selector: { app: 'es' }, clusterIP: '10.96.0.9', ipFamilies: ['IPv4'], ports, ...spec },
  }
}

/** What of a slice is the controller's to decide. */
const content = (slice: EndpointSlice) => ({
  generateName: slice.metadata.generateName,
  labels: slice.metadata.labels,
  owners: slice.metadata.ownerReferences,
  family: slice.addressType,
  endpoints: slice.endpoints ?? [],
  ports: [...(slice.ports ?? [])].toSorted((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)),
})
const sorted = (slices: readonly EndpointSlice[]) =>
  slices.map(content).toSorted((a, b) => a.endpoints.length - b.endpoints.length)

const multi = {
  ports: [
    { name: 'w', port: 80, targetPort: 8080, protocol: 'TCP' },
    { name: 'd', port: 53, targetPort: 'dns', protocol: 'UDP', appProtocol: 'x.y/z' },
  ],
}

describe('endpoint slices beside those of a real controller', () => {
  it.each<[string, object]>([
    ['es-clusterip', {}],
    ['es-headless', { clusterIP: 'None' }],
    ['es-headless-noport', { clusterIP: 'None', ports: undefined }],
    ['es-pnra', { publishNotReadyAddresses: true }],
    ['es-multi', multi],
    ['es-empty', { selector: { app: 'nobody' } }],
    ['es-topology', { trafficDistribution: 'PreferClose' }],
  ])('%s', (name, spec) => {
    const pods = name === 'es-empty' ? [] : PODS
    const writes = planSlices(recordedService(name, spec), pods, NODES, [])
    expect(sorted(writes.create)).toEqual(sorted(slicesOf(name)))
    expect(planSlices(recordedService(name, spec), pods, NODES, slicesOf(name))).toEqual({ create: [], update: [], delete: [] })
  })

  it.each([
    ['es-clusterip', {}],
    ['es-pnra', { publishNotReadyAddresses: true }],
  ])('a pod of %s that is being deleted', (name, spec) => {
    const pods = PODS.map((pod) =>
      pod.metadata.name === 'es-d' ? { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-11-22T20:49:50Z' } } : pod,
    )
    const writes = planSlices(recordedService(name, spec), pods, NODES, slicesOf(name))
    expect(writes.update.map(content)).toEqual(slicesOf(name, 'terminating').map(content))
    expect(writes.update[0]?.metadata.name).toBe(slicesOf(name)[0]?.metadata.name)
    expect([writes.create, writes.delete]).toEqual([[], []])
  })

  it.each<[string, object]>([
    ['es-clusterip', {}],
    ['es-headless', { clusterIP: 'None' }],
    ['es-headless-noport', { clusterIP: 'None', ports: undefined }],
    ['es-multi', multi],
    ['es-empty', { selector: { app: 'nobody' } }],
  ])('the Endpoints of %s', (name, spec) => {
    const real = GOLDEN.endpoints.find(({ metadata }) => metadata.name === name)
    const made = makeEndpoints(recordedService(name, spec), name === 'es-empty' ? [] : PODS)
    expect({ subsets: made.subsets, labels: made.metadata.labels }).toEqual({
      subsets: real?.subsets,
      labels: real?.metadata.labels,
    })
  })
})

const many = (count: number, families: 'four' | 'both' = 'four'): Pod[] =>
  Array.from({ length: count }, (_, n) => ({
    metadata: { name: `p${String(n).padStart(4, '0')}`, namespace: 'default', uid: `uid-${n}` },
    spec: { containers: [] },
    status: {
      phase: 'Running',
      podIPs: [{ ip: `10.0.${n >> 8}.${n & 255}` }, ...(families === 'both' ? [{ ip: `fd00::${n}` }] : [])],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  }))

/** Does to the slices what the writes say. */
function applied(existing: readonly EndpointSlice[], writes: ReturnType<typeof planSlices>, round: number): EndpointSlice[] {
  const gone = new Set([...writes.delete, ...writes.update].map(({ metadata }) => metadata.name))
  const created = writes.create.map((slice, n) => ({ ...slice, metadata: { ...slice.metadata, name: `s-${round}-${n}` } }))
  return [...existing.filter(({ metadata }) => !gone.has(metadata.name)), ...writes.update, ...created]
}

describe('endpoint slices', () => {
  const service = recordedService('svc', { ipFamilies: ['IPv4', 'IPv6'] })

  it('hold at most 100 endpoints, each pod once a family', () => {
    const { create } = planSlices(service, many(250, 'both'), new Map(), [])
    expect(create.map(({ addressType, endpoints }) => [addressType, endpoints?.length])).toEqual([
      ['IPv4', 100],
      ['IPv4', 100],
      ['IPv4', 50],
      ['IPv6', 100],
      ['IPv6', 100],
      ['IPv6', 50],
    ])
  })

  it('come to the same endpoints whatever came before, and then rest', () => {
    const steps = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 260 }), { maxLength: 260 }), { minLength: 1, maxLength: 5 })
    const pods = many(261)
    fc.assert(
      fc.property(steps, (rounds) => {
        let slices: EndpointSlice[] = []
        for (const [round, chosen] of rounds.entries()) {
          const present = chosen.flatMap((n) => pods[n] ?? [])
          slices = applied(slices, planSlices(service, present, new Map(), slices), round)
          const addresses = slices.flatMap(({ endpoints }) => (endpoints ?? []).flatMap((endpoint) => endpoint.addresses))
          expect(addresses.toSorted()).toEqual(present.map((pod) => pod.status?.podIPs?.[0]?.ip).toSorted())
          expect(slices.every(({ endpoints }) => (endpoints ?? []).length <= 100)).toBe(true)
          expect(planSlices(service, present.toReversed(), new Map(), slices)).toEqual({ create: [], update: [], delete: [] })
        }
      }),
      { numRuns: 30 },
    )
  })

  it('go when the Service has no selector or an outside name', () => {
    const existing = slicesOf('es-clusterip')
    for (const spec of [{ selector: undefined }, { type: 'ExternalName' }])
      expect(planSlices(recordedService('es-clusterip', spec), PODS, NODES, existing)).toEqual({
        create: [],
        update: [],
        delete: existing,
      })
  })
})

describe('traffic distribution', () => {
  const hintsOf = (trafficDistribution?: string, nodes: ReadonlyMap<string, Node> = NODES) =>
    planSlices(recordedService('svc', { trafficDistribution }), PODS, nodes, []).create.flatMap(({ endpoints }) =>
      (endpoints ?? []).flatMap(({ targetRef, hints }) => (hints === undefined ? [] : [[targetRef?.name, hints]])),
    )
  const zone = (name: string) => ({ forZones: [{ name }] })

  it('says zones of the ready endpoints, and nodes too where they count first', () => {
    expect(hintsOf()).toEqual([])
    const zones = [
      ['es-a', zone('z1')],
      ['es-b', zone('z2')],
      ['es-d', zone('z1')],
      ['es-hn', zone('z1')],
    ]
    for (const wish of ['PreferClose', 'PreferSameZone']) expect(hintsOf(wish)).toEqual(zones)
    expect(hintsOf('PreferSameNode')[1]).toEqual(['es-b', { ...zone('z2'), forNodes: [{ name: 'node2' }] }])
  })

  it('has nothing to say where no zone is known', () => {
    expect(hintsOf('PreferSameZone', new Map())).toEqual([])
    expect(hintsOf('PreferSameNode', new Map())[1]).toEqual(['es-b', { forNodes: [{ name: 'node2' }] }])
  })
})

describe('Endpoints that a user wrote', () => {
  const service: Service = { metadata: { name: 's', namespace: 'n' }, spec: {} }
  const ports = [{ port: 80 }]
  const endpoints: Endpoints = {
    metadata: { name: 's', namespace: 'n', uid: 'e', labels: { mine: 'yes' } },
    subsets: [{ addresses: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }], notReadyAddresses: [{ ip: '192.0.2.2' }], ports }],
  }

  it('are mirrored for Services without a selector, unless they say not to be', () => {
    expect(isMirrored(service, endpoints)).toBe(true)
    expect(isMirrored({ ...service, spec: { selector: { a: 'b' } } }, endpoints)).toBe(false)
    expect(isMirrored({ ...service, spec: { type: 'ExternalName' } }, endpoints)).toBe(false)
    const labels = { 'endpointslice.kubernetes.io/skip-mirror': 'true' }
    expect(isMirrored(service, { ...endpoints, metadata: { ...endpoints.metadata, labels } })).toBe(false)
    expect(isMirrored(undefined, endpoints)).toBe(false)
  })

  it('become a slice a family, owned by them', () => {
    const { create } = planMirror(endpoints, [])
    expect(create.map(({ addressType, endpoints: found }) => [addressType, found])).toEqual([
      [
        'IPv4',
        [
          { addresses: ['192.0.2.1'], conditions: { ready: true } },
          { addresses: ['192.0.2.2'], conditions: { ready: false } },
        ],
      ],
      ['IPv6', [{ addresses: ['2001:db8::1'], conditions: { ready: true } }]],
    ])
    expect(create[0]?.ports).toEqual([{ name: '', port: 80, protocol: 'TCP' }])
    expect(create[0]?.metadata).toMatchObject({
      labels: {
        mine: 'yes',
        'kubernetes.io/service-name': 's',
        'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
      },
      ownerReferences: [{ kind: 'Endpoints', name: 's', uid: 'e', controller: true }],
    })
    const there = applied([], { create, update: [], delete: [] }, 0)
    expect(planMirror(endpoints, there)).toEqual({ create: [], update: [], delete: [] })
    expect(planMirror({ ...endpoints, subsets: [] }, there).delete).toEqual(there)
  })
})

describe('own writes', () => {
  const object = (version: string, uid = 'u') => ({ metadata: { namespace: 'n', name: 'a', uid, resourceVersion: version } })
  const all = () => true

  it('stand until the watch shows them or later ones', () => {
    const own = new OwnWrites()
    own.wrote(object('5'))
    expect(own.view(new Map([['n/a', object('4')]]), all)).toEqual([object('5')])
    expect(own.view(new Map([['n/a', object('10')]]), all)).toEqual([object('10')])
    expect(own.view(new Map([['n/a', object('4')]]), all)).toEqual([object('4')])
  })

  it('hide what was deleted until the watch says so, and no other object of the name', () => {
    const own = new OwnWrites()
    own.deleted(object('5'))
    expect(own.view(new Map([['n/a', object('5')]]), all)).toEqual([])
    expect(own.view(new Map([['n/a', object('9', 'other')]]), all)).toEqual([object('9', 'other')])
  })
})

describe('the life of nodes', () => {
  it('makes the conditions of a silent node unknown, once', () => {
    const node: Node = {
      metadata: {},
      status: {
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'Foreign', status: 'True' },
        ],
      },
    }
    const conditions = unknownConditions(node, 'now')
    expect(conditions).toEqual([
      {
        type: 'Ready',
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
        lastTransitionTime: 'now',
      },
      { type: 'Foreign', status: 'True' },
    ])
    expect(unknownConditions({ metadata: {}, status: { conditions } }, 'later')).toBeUndefined()
    expect(silentInMs({ heardAtInMs: 1000 }, 5000, 7000)).toBe(-1000)
  })

  it('takes the readiness of its pods', () => {
    const pod = PODS[0] as Pod
    const conditions = notReadyConditions(pod, 'now')
    expect(conditions).toMatchObject([{ type: 'Ready', status: 'False', reason: 'NodeNotReady' }])
    expect(notReadyConditions({ ...pod, status: { conditions } }, 'later')).toBeUndefined()
  })
})
