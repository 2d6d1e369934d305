/** Random small worlds, narrow enough that their objects meet: same ports, same addresses, same names. */
import fc from 'fast-check'
import { familyOf } from '../../src/model/datapath.ts'
import type { EndpointSlice, HostPort, Node, Pod, Protocol, Service, World } from '../../src/model/world.ts'
import { aNode, anEndpoint, aPod, aService, aSlice } from './world.ts'

const NODES = ['n1', 'n2']
const protocol = fc.constantFrom<Protocol>('tcp', 'udp')
const serviceKey = fc.integer({ min: 0, max: 3 }).map((n) => `default/s${n}`)
const createdAtInMs = fc.integer({ min: 0, max: 3 })

const service: fc.Arbitrary<Service> = fc
  .record({
    key: serviceKey,
    type: fc.constantFrom<Service['type']>('ClusterIP', 'NodePort', 'NodePort', 'ExternalName'),
    clusterIPs: fc.uniqueArray(fc.constantFrom('10.96.0.1', '10.96.0.2', '10.96.0.3', 'fd00:96::1', 'fd00:96::2'), {
      maxLength: 2,
      selector: familyOf,
    }),
    ports: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom('a', 'b'),
        protocol,
        port: fc.constantFrom(80, 81),
        nodePort: fc.constantFrom(0, 30001, 30002),
      }),
      { maxLength: 2, selector: (port) => port.name },
    ),
    leftAlone: fc.constantFrom(false, false, false, true),
    createdAtInMs,
  })
  .map((part) => aService(part.key, { ...part, families: part.clusterIPs.map(familyOf) }))

const slice: fc.Arbitrary<EndpointSlice> = fc
  .record({
    key: fc.integer({ min: 0, max: 5 }).map((n) => `default/e${n}`),
    service: serviceKey,
    ipv6: fc.boolean(),
    ports: fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b'), protocol, port: fc.constantFrom(8080, 8081) }), {
      maxLength: 2,
      selector: (port) => port.name,
    }),
    endpoints: fc.array(
      fc.record({ id: fc.integer({ min: 1, max: 5 }), ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() }),
      { maxLength: 4 },
    ),
  })
  .map(({ key, service: of, ipv6, ports, endpoints }) =>
    aSlice(key, of, {
      family: ipv6 ? 'ipv6' : 'ipv4',
      ports,
      endpoints: endpoints.map(({ id, ...part }) => anEndpoint(ipv6 ? `fd00:244:1::${id}` : `10.244.1.${id}`, part)),
    }),
  )

const hostPort: fc.Arbitrary<HostPort> = fc.record({
  hostIP: fc.constantFrom('', '', '0.0.0.0', '::', '192.168.0.1', '127.0.0.1', '::1', '203.0.113.1', '10.96.0.1'),
  hostPort: fc.constantFrom(80, 30001),
  containerPort: fc.constantFrom(8080, 8081),
  protocol,
})

const pod: fc.Arbitrary<Pod> = fc
  .record({
    id: fc.integer({ min: 1, max: 5 }),
    node: fc.constantFrom(...NODES),
    ipv6: fc.boolean(),
    addressed: fc.boolean(),
    hostNetwork: fc.constantFrom(false, false, false, true),
    hostPorts: fc.array(hostPort, { maxLength: 2 }),
    finished: fc.constantFrom(false, false, true),
    createdAtInMs,
  })
  .map(({ id, node, ipv6, addressed, ...part }) => {
    const addresses = addressed ? [`10.244.1.${id}`, ...(ipv6 ? [`fd00:244:1::${id}`] : [])] : []
    return aPod(`default/p${id}`, node, { ...part, addresses })
  })

const node: fc.Arbitrary<Node> = fc
  .record({ name: fc.constantFrom(...NODES), ranged: fc.boolean(), both: fc.boolean() })
  .map(({ name, ranged, both }) =>
    aNode(name, {
      addresses: both ? ['192.168.0.1', 'fd00::1'] : ['192.168.0.1'],
      podCIDRs: ranged ? ['10.244.1.0/24'] : [],
    }),
  )

export interface Step {
  readonly kind: 'service' | 'endpointSlice' | 'pod' | 'node'
  readonly key: string
  readonly after?: Service | EndpointSlice | Pod | Node
}

const set = <T extends { key: string }>(kind: Step['kind'], of: fc.Arbitrary<T>): fc.Arbitrary<Step> =>
  fc.record({ object: of, gone: fc.constantFrom(false, false, true) }).map(({ object, gone }) => {
    return gone ? { kind, key: object.key } : { kind, key: object.key, after: object as never }
  })

/** What happens to a cluster, one object at a time. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    set('service', service),
    set('endpointSlice', slice),
    set('pod', pod),
    set(
      'node',
      node.map((one) => ({ ...one, key: one.name })),
    ).map((step) => {
      if (step.after === undefined) return step
      const { key: _, ...after } = step.after as Node & { key: string }
      return { ...step, after }
    }),
  ),
  { minLength: 1, maxLength: 30 },
)

export interface MutableWorld extends World {
  readonly services: Map<string, Service>
  readonly endpointSlices: Map<string, EndpointSlice>
  readonly pods: Map<string, Pod>
  readonly nodes: Map<string, Node>
}

export function emptyWorld(): MutableWorld {
  return { services: new Map(), endpointSlices: new Map(), pods: new Map(), nodes: new Map(), serviceCIDRs: new Map() }
}

const COLLECTION = { service: 'services', endpointSlice: 'endpointSlices', pod: 'pods', node: 'nodes' } as const

export function take(world: MutableWorld, step: Step): void {
  const objects = world[COLLECTION[step.kind]] as Map<string, unknown>
  if (step.after === undefined) objects.delete(step.key)
  else objects.set(step.key, step.after)
}
