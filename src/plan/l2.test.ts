import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aBgpAdvertisement, aFloatingAddress, anL2Advertisement, aPool, byKey } from '../../test/support/load-balancer.ts'
import { aNode, anEndpoint, aService, aSlice, aWorld } from '../../test/support/world.ts'
import type { FloatingAddress } from '../model/load-balancer.ts'
import type { Selector } from '../model/selector.ts'
import type { Node, Service } from '../model/world.ts'
import { createL2Planner, type L2Change, type L2Input, type L2Link } from './l2.ts'

const CLUSTER_ADDRESSES: Readonly<Record<string, string>> = { n1: '192.168.0.1', n2: '192.168.0.2', n3: '192.168.0.3' }
const NAMES = Object.keys(CLUSTER_ADDRESSES)
const ETH0: L2Link = { name: 'eth0', subnets: ['192.168.0.0/16', 'fd00:192:168::/64'] }
const labelled = (key: string): Selector => [{ key, is: 'present', values: [] }]

function node(name: string, part: Partial<Node> = {}): Node {
  const ipv4 = CLUSTER_ADDRESSES[name] ?? ''
  return aNode(name, { addresses: [ipv4, `fd00:192:168::${ipv4.split('.').at(-1)}`], ...part })
}

function balanced(key: string, part: Partial<Service> = {}): Service {
  const ports = [{ name: '', protocol: 'tcp', port: 80, nodePort: 0 }] as const
  return aService(key, { type: 'LoadBalancer', clusterIPs: ['10.96.0.1'], loadBalancerIPs: ['192.168.9.0'], ports, ...part })
}

const ready = (...nodes: readonly string[]) =>
  aSlice('default/web-1', 'default/web', {
    ports: [{ name: '', protocol: 'tcp', port: 8080 }],
    endpoints: nodes.map((name, index) => anEndpoint(`10.244.0.${index + 1}`, { node: name })),
  })

interface Setting {
  readonly services?: readonly Service[]
  readonly slices?: readonly ReturnType<typeof aSlice>[]
  readonly nodes?: readonly Node[]
  readonly pools?: readonly ReturnType<typeof aPool>[]
  readonly advertisements?: readonly ReturnType<typeof anL2Advertisement>[]
  readonly bgp?: readonly ReturnType<typeof aBgpAdvertisement>[]
  readonly floating?: readonly FloatingAddress[]
  readonly links?: readonly L2Link[]
  readonly alive?: readonly string[]
}

function setting(part: Setting = {}): L2Input {
  const { services = [balanced('default/web')], slices = [], nodes = NAMES.map((name) => node(name)) } = part
  const pools = part.pools ?? [aPool('lan', ['192.168.9.0-192.168.9.255', 'fd00:192:168::9:0-fd00:192:168::9:ff'])]
  return {
    world: aWorld({ services, slices, nodes }),
    config: {
      pools: byKey(...pools),
      l2Advertisements: byKey(...(part.advertisements ?? [anL2Advertisement('all')])),
      bgpAdvertisements: byKey(...(part.bgp ?? [])),
      floatingAddresses: byKey(...(part.floating ?? [])),
    },
    links: part.links ?? [ETH0],
    alive: new Set(part.alive ?? NAMES),
  }
}

function planned(name: string, input: L2Input) {
  const planner = createL2Planner(name)
  planner.update(input, [])
  return planner
}

/** The nodes that announce the address, each asked what it would do by itself. */
function announcers(input: L2Input, address = '192.168.9.0'): readonly string[] {
  return NAMES.filter((name) => planned(name, input).entries.has(`announced-address/${address}`))
}

const reasonsOf = (input: L2Input) => planned('n1', input).findings.map(({ message }) => message)

describe('an address on the nodes’ subnets', () => {
  it('is announced by one node, on the interface whose subnet holds it', () => {
    const [owner = ''] = announcers(setting())
    expect(announcers(setting())).toHaveLength(1)
    expect([...planned(owner, setting()).entries.values()]).toEqual([
      {
        kind: 'announced-address',
        key: 'announced-address/192.168.9.0',
        family: 'ipv4',
        address: '192.168.9.0',
        interfaces: ['eth0'],
      },
    ])
  })

  it('goes to another live node when its owner dies', () => {
    const [first = ''] = announcers(setting())
    const rest = NAMES.filter((name) => name !== first)
    expect(announcers(setting({ alive: rest }))).toHaveLength(1)
    expect(announcers(setting({ alive: rest }))).not.toContain(first)
  })

  it('is announced by nobody who may not yet', () => {
    expect(announcers(setting({ alive: [] }))).toEqual([])
  })

  it.each([
    ['cordoned', { unschedulable: true }],
    ['without network', { networkUnavailable: true }],
    ['leaving', { leaving: true }],
    ['taken out of load balancing', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } }],
  ])('leaves a node that is %s', (_name, part) => {
    const [owner = ''] = announcers(setting())
    const nodes = NAMES.map((name) => node(name, name === owner ? part : {}))
    expect(announcers(setting({ nodes }))).toHaveLength(1)
    expect(announcers(setting({ nodes }))).not.toContain(owner)
  })

  it('stays with cordoned nodes when there are no others, and with none that are taken out', () => {
    expect(announcers(setting({ nodes: NAMES.map((name) => node(name, { unschedulable: true })) }))).toHaveLength(1)
    const nodes = NAMES.map((name) => node(name, { leaving: true }))
    expect(announcers(setting({ nodes }))).toEqual([])
    expect(reasonsOf(setting({ nodes }))).toEqual([
      'Nobody announces 192.168.9.0 of service/default/web: all nodes that may announce it are taken out of load balancing, or are leaving.',
    ])
  })

  it('goes where the pods are under policy Local', () => {
    const services = [balanced('default/web', { externalPolicy: 'Local' })]
    for (const name of NAMES) expect(announcers(setting({ services, slices: [ready(name)] }))).toEqual([name])
    expect(announcers(setting({ services, slices: [ready('n1', 'n2')], alive: ['n2', 'n3'] }))).toEqual(['n2'])
    expect(announcers(setting({ services }))).toEqual([])
    expect(reasonsOf(setting({ services }))).toEqual([
      'Nobody announces 192.168.9.0 of service/default/web: under externalTrafficPolicy Local no node that may announce it has a ready endpoint.',
    ])
  })

  it('obeys node selectors', () => {
    const advertisements = [anL2Advertisement('some', { nodes: [labelled('edge')] })]
    const nodes = [node('n1'), node('n2', { labels: { edge: '' } }), node('n3')]
    expect(announcers(setting({ advertisements, nodes }))).toEqual(['n2'])
    expect(reasonsOf(setting({ advertisements }))).toEqual([
      'Nobody announces 192.168.9.0 of service/default/web: the nodeSelectors of its L2Advertisements choose no node.',
    ])
  })

  it('prefers the node whose weights add up to most, while it lives', () => {
    const preferredNodes = [
      { weight: 60, selector: labelled('fast') },
      { weight: 30, selector: labelled('near') },
      { weight: 50, selector: labelled('new') },
    ]
    const advertisements = [anL2Advertisement('weighed', { preferredNodes })]
    const nodes = [
      node('n1', { labels: { fast: '' } }),
      node('n2', { labels: { near: '', new: '' } }),
      node('n3', { labels: { near: '' } }),
    ]
    const alive = (...names: string[]) => announcers(setting({ advertisements, nodes, alive: names }))
    expect([alive('n1', 'n2', 'n3'), alive('n1', 'n3'), alive('n3')]).toEqual([['n2'], ['n1'], ['n3']])
  })

  it('goes by the pool that the advertisement means, and by the Service', () => {
    expect(announcers(setting({ advertisements: [anL2Advertisement('other', { pools: ['other'] })] }))).toEqual([])
    const services = [balanced('default/web', { labels: { tier: 'web' } })]
    const advertisements = [anL2Advertisement('web', { services: [labelled('tier')] })]
    expect(announcers(setting({ services, advertisements }))).toHaveLength(1)
    expect(announcers(setting({ advertisements }))).toEqual([])
  })

  it('is not announced off its subnet, unless interfaces are named', () => {
    const services = [balanced('default/web', { loadBalancerIPs: ['203.0.113.1'] })]
    const pools = [aPool('far', ['203.0.113.0-203.0.113.255'])]
    expect(announcers(setting({ services, pools }), '203.0.113.1')).toEqual([])
    expect(reasonsOf(setting({ services, pools }))).toEqual([
      'Nobody announces 203.0.113.1 of service/default/web: no node is on a subnet that holds it.',
    ])
    const advertisements = [anL2Advertisement('named', { interfaces: ['eth0', 'eth7'] })]
    expect(announcers(setting({ services, pools, advertisements }), '203.0.113.1')).toHaveLength(1)
    const [owner = ''] = announcers(setting({ services, pools, advertisements }), '203.0.113.1')
    const [entry] = planned(owner, setting({ services, pools, advertisements })).entries.values()
    expect(entry?.interfaces).toEqual(['eth0'])
  })

  it('is told of when the node has no interface of the name', () => {
    const advertisements = [anL2Advertisement('named', { interfaces: ['eth7'] })]
    const planner = planned('n1', setting({ advertisements }))
    expect(planner.entries.size).toBe(0)
    expect(planner.findings.map(({ code, subjects }) => [code.code, subjects])).toEqual([['FW0631', ['node/n1']]])
  })

  it('is left alone when it is from no pool, and not complained of when BGP announces it', () => {
    expect(planned('n1', setting({ pools: [] })).findings).toEqual([])
    expect(reasonsOf(setting({ advertisements: [] }))).toHaveLength(1)
    expect(reasonsOf(setting({ advertisements: [], bgp: [aBgpAdvertisement('all')] }))).toEqual([])
  })

  it('is for BGP where no node is on a subnet of it, whatever L2Advertisements there are for all pools', () => {
    const services = [balanced('default/web', { loadBalancerIPs: ['198.51.100.7'] })]
    const pools = [aPool('far', ['198.51.100.0-198.51.100.255'])]
    expect(reasonsOf(setting({ services, pools }))).toHaveLength(1)
    expect(reasonsOf(setting({ services, pools, bgp: [aBgpAdvertisement('all')] }))).toEqual([])
    const advertisements = [anL2Advertisement('nowhere', { nodes: [labelled('nobody')] })]
    expect(reasonsOf(setting({ advertisements }))).toHaveLength(1)
    expect(reasonsOf(setting({ advertisements, bgp: [aBgpAdvertisement('all')] }))).toEqual([])
  })

  it('is announced as before when its pool is gone, and nobody took the address away', () => {
    const services = [balanced('default/web', { addressPool: 'lan' })]
    expect(announcers(setting({ services, pools: [] }))).toEqual(announcers(setting({ services })))
    const advertisements = [anL2Advertisement('lan', { pools: ['lan'] })]
    expect(announcers(setting({ services, advertisements, pools: [] }))).toHaveLength(1)
  })

  it('is not announced when it is that of a router, whose packets would come here', () => {
    const links = [{ ...ETH0, gateways: ['192.168.9.1'] }]
    const services = [balanced('default/web', { loadBalancerIPs: ['192.168.9.1'] })]
    expect(announcers(setting({ services, links }), '192.168.9.1')).toEqual([])
    expect(reasonsOf(setting({ services, links }))).toEqual([
      'Nobody announces 192.168.9.1 of service/default/web: it is the address of a router, through which the nodes reach other networks.',
    ])
    const floating = [aFloatingAddress('default/edge', ['n1'], { addresses: ['192.168.9.1'] })]
    expect(announcers(setting({ services: [], floating, links }), '192.168.9.1')).toEqual([])
  })

  it('is not announced when it is the address of a node, whose packets would go elsewhere', () => {
    const services = [balanced('default/web', { loadBalancerIPs: ['192.168.0.2'] })]
    const pools = [aPool('all', ['192.168.0.0-192.168.0.255'])]
    expect(announcers(setting({ services, pools }), '192.168.0.2')).toEqual([])
    expect(reasonsOf(setting({ services, pools }))).toEqual([
      'Nobody announces 192.168.0.2 of service/default/web: it is the address of a node.',
    ])
    const floating = [aFloatingAddress('default/edge', ['n1'], { addresses: ['192.168.0.2'] })]
    expect(announcers(setting({ services: [], floating }), '192.168.0.2')).toEqual([])
  })

  it('has its peers: those that may announce it, too', () => {
    expect([...planned('n1', setting()).peers].sort()).toEqual(['n2', 'n3'])
    expect([...planned('n1', setting({ services: [] })).peers]).toEqual([])
  })

  it('says who announces it, on every node alike', () => {
    const owners = NAMES.map((name) => planned(name, setting()).ownerships.map(({ owner }) => owner))
    expect(owners[0]).toHaveLength(1)
    expect(owners).toEqual([owners[0], owners[0], owners[0]])
  })
})

describe('an address that floats', () => {
  const VIP = '192.168.10.1'
  const floating = (candidates: readonly string[], part: Partial<FloatingAddress> = {}, more: Setting = {}) =>
    setting({ services: [], floating: [aFloatingAddress('default/edge', candidates, part)], ...more })
  const placesOf = (input: L2Input) => NAMES.flatMap((name) => [...planned(name, input).floating.values()].map(({ pod }) => pod))

  it('is at the first candidate that lives, without any advertisement', () => {
    const input = (alive: readonly string[]) => floating(['n3', 'n1'], {}, { advertisements: [], pools: [], alive })
    const at = (...alive: string[]) => [announcers(input(alive), VIP), placesOf(input(alive))]
    expect(at('n1', 'n2', 'n3')).toEqual([['n3'], ['pod-n3']])
    expect(at('n1', 'n2')).toEqual([['n1'], ['pod-n1']])
    expect(at('n2')).toEqual([[], []])
  })

  it('leaves a node that is cordoned for another candidate, and stays where there is none', () => {
    const nodes = NAMES.map((name) => node(name, { unschedulable: name === 'n3' }))
    expect(announcers(floating(['n3', 'n1'], {}, { nodes }), VIP)).toEqual(['n1'])
    expect(announcers(floating(['n3'], {}, { nodes }), VIP)).toEqual(['n3'])
  })

  it('is nowhere without candidates, of which the controller tells', () => {
    expect(announcers(floating([]), VIP)).toEqual([])
    expect(placesOf(floating([]))).toEqual([])
  })

  it('is announced as it says itself, whatever is said of its pool', () => {
    const pools = [aPool('float', ['192.168.10.0-192.168.10.255'])]
    const advertisements = [anL2Advertisement('named', { interfaces: ['eth7'] })]
    const entryOf = (part: Partial<FloatingAddress>) =>
      planned('n3', floating(['n3'], part, { pools, advertisements })).entries.get(`announced-address/${VIP}`)?.interfaces
    expect(entryOf({})).toBeUndefined()
    expect(entryOf({ l2: { interfaces: [] } })).toEqual(['eth0'])
    expect(entryOf({ bgp: { peers: [], communities: [] } })).toEqual(['lo'])
  })

  it('is held by every candidate where BGP brings packets, and answered for by one where ARP does', () => {
    const heldBy = (part: Partial<FloatingAddress>) =>
      NAMES.map((name) => planned(name, floating(['n3', 'n1'], part)).entries.get(`announced-address/${VIP}`)?.interfaces)
    const bgp = { peers: [], communities: [] }
    expect(heldBy({ bgp })).toEqual([['lo'], undefined, ['lo']])
    expect(heldBy({ bgp, l2: { interfaces: [] } })).toEqual([['lo'], undefined, ['eth0']])
    expect(placesOf(floating(['n3', 'n1'], { bgp }))).toEqual(['pod-n3'])
  })

  it('is held for BGP on a node that announces on no interface, and nothing else is missed there', () => {
    const advertisements = [anL2Advertisement('named', { interfaces: ['eth7'] })]
    const bgp = { peers: [], communities: [] }
    const planner = planned('n3', floating(['n3'], { bgp }, { advertisements, links: [], services: [balanced('default/web')] }))
    expect([...planner.entries.values()].map(({ address, interfaces }) => [address, interfaces])).toEqual([[VIP, ['lo']]])
    expect(planner.findings).toEqual([])
  })

  it('goes by the advertisements of its pool when it says nothing itself', () => {
    const part = { addresses: ['192.168.9.9'], addressPool: 'lan' }
    expect(announcers(floating(['n2'], part), '192.168.9.9')).toEqual(['n2'])
    expect(reasonsOf(floating(['n2'], part, { advertisements: [] }))).toEqual([
      'Nobody announces 192.168.9.9 of floatingaddress/default/edge: no L2Advertisement or BGPAdvertisement chooses pool lan and the FloatingAddress.',
    ])
  })

  it('is told of when no node with a pod for it is on a subnet that holds it', () => {
    expect(reasonsOf(floating(['n2'], { addresses: ['203.0.113.7'] }))).toEqual([
      'Nobody announces 203.0.113.7 of floatingaddress/default/edge: no node is on a subnet that holds it.',
    ])
  })
})

describe('Services of another class', () => {
  const other = balanced('default/other', { loadBalancerClass: 'example.com/other' })
  const announcers = (input: L2Input, loadBalancerClass?: string) =>
    NAMES.filter((name) => {
      const planner = createL2Planner(name, loadBalancerClass)
      planner.update(input, [])
      return planner.entries.size > 0
    })

  it('are announced by whoever serves that class, and nobody misses them', () => {
    const input = setting({ services: [other] })
    expect(announcers(input)).toEqual([])
    expect(planned('n1', input).ownerships).toEqual([])
    expect(planned('n1', setting({ services: [other], advertisements: [] })).findings).toEqual([])
    expect(announcers(input, 'example.com/other')).toHaveLength(1)
    expect(announcers(setting(), 'example.com/other')).toEqual([])
  })

  it('do not keep an address from one that is ours', () => {
    const local = { ...other, externalPolicy: 'Local' as const }
    expect(announcers(setting({ services: [balanced('default/web'), local] }))).toHaveLength(1)
  })

  it('are let go when a Service becomes one of them', () => {
    const before = setting()
    const [owner = ''] = announcers(before)
    const planner = planned(owner, before)
    const after = setting({ services: [balanced('default/web', { loadBalancerClass: 'example.com/other' })] })
    const delta = planner.update(after, [{ kind: 'service', key: 'default/web' }])
    expect(delta).toEqual({ upserts: [], removals: ['announced-address/192.168.9.0'] })
  })
})

describe('planning step by step', () => {
  const service = fc.record({
    key: fc.constantFrom('default/web', 'default/api'),
    externalPolicy: fc.constantFrom<Service['externalPolicy']>('Cluster', 'Local'),
    loadBalancerIPs: fc.subarray(['192.168.9.0', '192.168.9.1', 'fd00:192:168::9:1', '203.0.113.1']),
    labels: fc.constantFrom<Service['labels']>({}, { tier: 'web' }),
    loadBalancerClass: fc.constantFrom('', '', 'example.com/other'),
  })
  const arbitrary = fc
    .record({
      services: fc.uniqueArray(
        service.map(({ key, ...part }) => balanced(key, part)),
        { selector: ({ key }) => key },
      ),
      slices: fc.subarray([...NAMES]).map((names) => (names.length === 0 ? [] : [ready(...names)])),
      nodes: fc
        .subarray([...NAMES], { minLength: 1 })
        .chain((names) =>
          fc.tuple(
            ...names.map((name) =>
              fc.record({ unschedulable: fc.boolean(), leaving: fc.boolean() }).map((part) => node(name, part)),
            ),
          ),
        ),
      advertisements: fc.subarray([
        anL2Advertisement('all'),
        anL2Advertisement('web', { services: [labelled('tier')], interfaces: ['eth1'] }),
      ]),
      floating: fc.subarray([
        aFloatingAddress('default/edge', ['n2', 'n1']),
        aFloatingAddress('default/far', ['n1'], { addresses: ['203.0.113.1'], bgp: { peers: [], communities: [] } }),
      ]),
      links: fc.subarray([ETH0, { name: 'eth1', subnets: ['203.0.113.0/24'] }]),
      alive: fc.subarray([...NAMES]),
    })
    .map((part) => setting(part))

  it('ends where planning from scratch does', () => {
    fc.assert(
      fc.property(fc.array(arbitrary, { minLength: 2, maxLength: 5 }), (inputs) => {
        const stepwise = createL2Planner('n1')
        const installed = new Map<string, unknown>()
        let before: L2Input | undefined
        for (const input of inputs) {
          const { upserts, removals } = stepwise.update(input, before === undefined ? [] : differences(before, input))
          for (const entry of upserts) installed.set(entry.key, entry)
          for (const key of removals) installed.delete(key)
          const whole = planned('n1', input)
          expect(stepwise.entries).toEqual(whole.entries)
          expect(installed).toEqual(new Map(whole.entries))
          expect(stepwise.findings).toEqual(whole.findings)
          expect(stepwise.ownerships).toEqual(whole.ownerships)
          expect(stepwise.peers).toEqual(whole.peers)
          expect(stepwise.floating).toEqual(whole.floating)
          before = input
        }
      }),
    )
  })

  it('never has two owners among nodes that see the same', () => {
    fc.assert(
      fc.property(arbitrary, (input) => {
        for (const address of ['192.168.9.0', '192.168.9.1', 'fd00:192:168::9:1', '192.168.10.1'])
          expect(announcers(input, address).length).toBeLessThanOrEqual(1)
      }),
    )
  })
})

/** What became different, as an agent would be told. */
function differences(before: L2Input, after: L2Input): readonly L2Change[] {
  const changed = <K extends L2Change['kind']>(kind: K, one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>) =>
    [...new Set([...one.keys(), ...other.keys()])]
      .filter((key) => JSON.stringify(one.get(key)) !== JSON.stringify(other.get(key)))
      .map((key) => ({ kind, key }))
  return [
    ...changed('service', before.world.services, after.world.services),
    ...changed('endpointSlice', before.world.endpointSlices, after.world.endpointSlices),
    ...changed('node', before.world.nodes, after.world.nodes),
    ...changed('floatingAddresses', before.config.floatingAddresses, after.config.floatingAddresses),
    ...changed('l2Advertisements', before.config.l2Advertisements, after.config.l2Advertisements),
    ...(JSON.stringify(before.links) === JSON.stringify(after.links) ? [] : [{ kind: 'links', key: '' } as const]),
    { kind: 'alive', key: '' },
  ]
}
