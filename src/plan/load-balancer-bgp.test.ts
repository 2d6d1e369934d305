import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { aBgpConfig, aPeer } from '../../test/support/bgp-config.ts'
import { watch } from '../../test/support/bgp-entries.ts'
import { aBgpAdvertisement, aFloatingAddress, aPool, byKey } from '../../test/support/load-balancer.ts'
import { aNode, anEndpoint, aService, aSlice, aWorld } from '../../test/support/world.ts'
import type { BgpEntry } from '../model/bgp.ts'
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Selector } from '../model/selector.ts'
import type { EndpointSlice, Service } from '../model/world.ts'
import { type BgpChange, type BgpInput, createBgpPlanner } from './bgp.ts'

const is = (key: string, value: string): Selector => [{ key, is: 'in', values: [value] }]
const HERE = aNode('here', { addresses: ['192.168.0.10'], labels: { rack: 'a' } })
const ANY: readonly BgpChange[] = [{ kind: 'drain', key: '' }]

const web = (part: Partial<Service> = {}): Service =>
  aService('default/web', {
    type: 'LoadBalancer',
    loadBalancerIPs: ['192.168.9.7'],
    ports: [{ name: '', protocol: 'tcp', port: 80, nodePort: 0 }],
    ...part,
  })
const slice = (node: string, ready = true): EndpointSlice =>
  aSlice('default/web-1', 'default/web', {
    ports: [{ name: '', protocol: 'tcp', port: 8080 }],
    endpoints: [anEndpoint('10.244.1.2', { node, ready })],
  })

function inputOf(service: Service, part: Partial<BgpConfig> = {}, slices: readonly EndpointSlice[] = []): BgpInput {
  const config = aBgpConfig(
    { peers: [aPeer('tor')] },
    {
      pools: byKey(aPool('one', ['192.168.9.0-192.168.9.255', 'fd00:9::-fd00:9::ff'])),
      bgpAdvertisements: byKey(aBgpAdvertisement('all')),
      ...part,
    },
  )
  return { world: aWorld({ nodes: [HERE], services: [service], slices }), config, drain: 'none' }
}

function planned(input: BgpInput) {
  const planner = createBgpPlanner('here', { kernelTable: 7 })
  planner.update(input, ANY)
  return planner
}

const routes = (entries: ReadonlyMap<string, BgpEntry>) => [...entries.values()].filter((entry) => entry.kind === 'route')
const prefixes = (input: BgpInput) =>
  routes(planned(input).entries)
    .map(({ prefix }) => prefix)
    .toSorted()

describe('an address that floats', () => {
  const said = (config: Partial<BgpConfig>) => {
    const input = inputOf(web({ loadBalancerIPs: [] }), config)
    return routes(planned(input).entries).map(({ prefix, announcements }) => [prefix, ...announcements])
  }
  const float = (candidates: readonly string[], part = {}) => ({
    floatingAddresses: byKey(aFloatingAddress('default/edge', candidates, { addresses: ['192.168.9.9'], ...part })),
  })
  const announced = (metric: number, part = {}) => ({ sessions: [], communities: [], metric, ...part })

  it('is announced by each candidate, with the metric of its place', () => {
    expect(said(float(['here', 'there']))).toEqual([['192.168.9.9/32', announced(0)]])
    expect(said(float(['there', 'here']))).toEqual([['192.168.9.9/32', announced(100)]])
    expect(said(float(['there']))).toEqual([])
  })

  it('is announced as it says itself, of a pool or of none', () => {
    const bgp = { peers: [], communities: ['64513:7'], localPreference: 300 }
    const own = { addresses: ['203.0.113.7'], bgp }
    expect(said(float(['here'], own))).toEqual([
      ['203.0.113.7/32', announced(0, { communities: ['64513:7'], localPreference: 300 })],
    ])
    expect(said(float(['here'], { l2: { interfaces: [] } }))).toEqual([])
    expect(said(float(['here'], { addresses: ['203.0.113.7'] }))).toEqual([])
  })

  it('is never part of a wider prefix, which its neighbours in the pool may have', () => {
    const lengths = { lengths: { ipv4: 24, ipv6: 64 } }
    expect(said({ ...float(['here']), bgpAdvertisements: byKey(aBgpAdvertisement('all', lengths)) })).toEqual([
      ['192.168.9.9/32', announced(0)],
    ])
  })

  it('is not announced while it is the address of a node, also of one that comes later', () => {
    const config = float(['here'])
    const service = web({ loadBalancerIPs: ['192.168.9.7', '192.168.9.8'] })
    const before = inputOf(service, config)
    const nodes = [HERE, aNode('new', { addresses: ['192.168.9.7', '192.168.9.9'] })]
    const after = { ...before, world: aWorld({ nodes, services: [service] }) }
    const stepwise = planned(before)
    const prefixesOf = () =>
      routes(stepwise.entries)
        .map(({ prefix }) => prefix)
        .toSorted()
    expect(prefixesOf()).toEqual(['192.168.9.7/32', '192.168.9.8/32', '192.168.9.9/32'])
    stepwise.update(after, [{ kind: 'node', key: 'new' }])
    expect(prefixesOf()).toEqual(['192.168.9.8/32'])
  })

  it('names peers that must be there', () => {
    const config = float(['here'], { bgp: { peers: ['gone'], communities: [] } })
    const { findings } = planned(inputOf(web(), config))
    expect(findings.map(({ code, subjects, message }) => [code.code, subjects, message])).toEqual([
      ['FW0524', ['floatingaddress/default/edge'], 'FloatingAddress default/edge names the BGPPeer gone, which is not there.'],
    ])
  })

  it('is told step by step as from scratch', () => {
    const steps = [
      float(['here']),
      float(['there', 'here']),
      float([]),
      float(['here'], { bgp: { peers: [], communities: [] } }),
      {},
    ]
    const stepwise = createBgpPlanner('here', { kernelTable: 7 })
    stepwise.update(inputOf(web()), ANY)
    for (const step of steps) {
      const input = inputOf(web(), step)
      stepwise.update(input, [{ kind: 'floatingAddresses', key: 'default/edge' }])
      expect([...stepwise.entries].sort()).toEqual([...planned(input).entries].sort())
    }
  })
})

describe('what is announced of an address', () => {
  const lengths = (ipv4: number, ipv6 = 128) => ({
    bgpAdvertisements: byKey(aBgpAdvertisement('all', { lengths: { ipv4, ipv6 } })),
  })
  const six = { loadBalancerIPs: ['fd00:9::7'] }
  const cut = { pools: byKey(aPool('cut', ['192.168.9.6-192.168.9.11'])), ...lengths(24) }
  const cases: readonly (readonly [string, BgpInput, readonly string[]])[] = [
    ['itself', inputOf(web()), ['192.168.9.7/32']],
    ['both families', inputOf(web({ loadBalancerIPs: ['192.168.9.7', 'fd00:9::7'] })), ['192.168.9.7/32', 'fd00:9::7/128']],
    ['the range that is asked for', inputOf(web(), lengths(26)), ['192.168.9.0/26']],
    ['the range of IPv6', inputOf(web(six), lengths(32, 124)), ['fd00:9::/124']],
    ['no range that leaves the pool', inputOf(web(), cut), ['192.168.9.6/31']],
    ['none that is in the pool in part', inputOf(web({ loadBalancerIPs: ['192.168.9.10'] }), cut), ['192.168.9.8/30']],
    [
      'alone, when its pool has it no longer',
      inputOf(web({ addressPool: 'cut', loadBalancerIPs: ['192.168.9.99'] }), cut),
      ['192.168.9.99/32'],
    ],
    ['nothing without a pool', inputOf(web({ loadBalancerIPs: ['192.168.10.1'] })), []],
    ['nothing of another class', inputOf(web({ loadBalancerClass: 'example.com/other' })), []],
    ['nothing without an advertisement', inputOf(web(), { bgpAdvertisements: byKey() }), []],
    ['nothing without a peer', inputOf(web(), { peers: byKey() }), []],
    [
      'nothing by an advertisement for other nodes',
      inputOf(web(), { bgpAdvertisements: byKey(aBgpAdvertisement('b', { nodes: [is('rack', 'b')] })) }),
      [],
    ],
    [
      'nothing by one for other Services',
      inputOf(web(), { bgpAdvertisements: byKey(aBgpAdvertisement('b', { services: [is('app', 'web')] })) }),
      [],
    ],
    [
      'policy Local, and a ready endpoint here',
      inputOf(web({ externalPolicy: 'Local' }), {}, [slice('here')]),
      ['192.168.9.7/32'],
    ],
    ['policy Local, and one elsewhere', inputOf(web({ externalPolicy: 'Local' }), {}, [slice('there')]), []],
    ['policy Local, and none ready', inputOf(web({ externalPolicy: 'Local' }), {}, [slice('here', false)]), []],
  ]
  test.each(cases)('%s', (_, input, expected) => {
    expect(prefixes(input)).toEqual(expected)
  })

  it('is a range that stays until the last of its addresses is gone', () => {
    const input = inputOf(web(), lengths(24))
    const other = web({ key: 'default/other', loadBalancerIPs: ['192.168.9.8'] })
    const services = byKey(web(), other)
    const planner = planned({ ...input, world: { ...input.world, services } })
    expect(planner.askersOf('192.168.9.0/24')).toEqual(['service/default/other', 'service/default/web'])
    const gone = (key: string, left: ReadonlyMap<string, Service>) =>
      planner.update({ ...input, world: { ...input.world, services: left } }, [{ kind: 'service', key }])
    expect(gone('default/web', byKey(other))).toEqual({ upserts: [], removals: [] })
    expect(gone('default/other', byKey())).toEqual({ upserts: [], removals: ['route/192.168.9.0/24'] })
  })
})

describe('how it is announced', () => {
  it('with communities, a preference, and to the peers that are named', () => {
    const communities = new Map([['m/names', { key: 'm/names', names: { backup: '65000:2' } }]])
    const one = aBgpAdvertisement('one', { peers: ['tor'], communities: ['1:2:3', 'backup'], localPreference: 50 })
    const [route] = routes(planned(inputOf(web(), { communities, bgpAdvertisements: byKey(one) })).entries)
    expect(route?.announcements).toEqual([
      { sessions: ['session/metallb-system/tor'], communities: ['1:2:3', '65000:2'], localPreference: 50 },
    ])
  })

  it('in all the ways that advertisements of it ask for', () => {
    const bgpAdvertisements = byKey(
      aBgpAdvertisement('a', { communities: ['1:1'] }),
      aBgpAdvertisement('b', { communities: ['2:2'] }),
    )
    const [route] = routes(planned(inputOf(web(), { bgpAdvertisements })).entries)
    expect(route?.announcements.map(({ communities }) => communities[0]).toSorted()).toEqual(['1:1', '2:2'])
  })

  const found = (part: Partial<BgpConfig>) => planned(inputOf(web(), part)).findings.map(({ message }) => message)

  it('not without a community that was meant, nor to a peer that is not there', () => {
    const lost = aBgpAdvertisement('lost', { communities: ['no-such'] })
    const gone = aBgpAdvertisement('gone', { peers: ['nobody'] })
    expect(prefixes(inputOf(web(), { bgpAdvertisements: byKey(lost, gone) }))).toEqual([])
    expect(found({ bgpAdvertisements: byKey(lost, gone) })).toEqual([
      'BGPAdvertisement metallb-system/gone names the BGPPeer nobody, which is not there.',
      'BGPAdvertisement metallb-system/lost uses the community no-such, which no Community explains; its routes are not announced.',
    ])
  })

  it('a range wider than the pool is told', () => {
    const wide = byKey(aBgpAdvertisement('wide', { lengths: { ipv4: 24, ipv6: 128 } }))
    expect(found({ bgpAdvertisements: wide })).toEqual([])
    expect(found({ bgpAdvertisements: wide, pools: byKey(aPool('cut', ['192.168.9.6-192.168.9.11'])) })).toEqual([
      'BGPAdvertisement metallb-system/wide asks for prefixes of length 24, and 192.168.9.6-192.168.9.11 of IPAddressPool metallb-system/cut is not made of whole ones; narrower prefixes are announced at its ends.',
    ])
  })
})

it('a change of one Service, and of its endpoints, looks at no other', () => {
  const others = Array.from({ length: 1_000 }, (_, at) =>
    web({ key: `default/s${at}`, loadBalancerIPs: [`192.168.9.${at % 250}`] }),
  )
  const input = inputOf(web())
  const services = new Map(byKey(...others, web({ externalPolicy: 'Local' })))
  const planner = planned({ ...input, world: { ...input.world, services } })
  const read: string[] = []
  const watched = new Proxy(services, {
    get(target, property) {
      if (property !== 'get') throw new Error(`all Services were looked at by ${String(property)}`)
      return (key: string) => {
        read.push(key)
        return target.get(key)
      }
    },
  })
  const endpointSlices = byKey(slice('here'))
  const world = { ...input.world, services: watched, endpointSlices }
  planner.update({ ...input, world }, [{ kind: 'endpointSlice', key: 'default/web-1' }])
  planner.update({ ...input, world }, [{ kind: 'service', key: 'default/s7' }])
  expect(read).toEqual(['default/web', 'default/s7'])
})

describe('in any world', () => {
  type Step = { readonly change: BgpChange; readonly apply: (input: BgpInput) => BgpInput }
  const world = (input: BgpInput, part: Partial<BgpInput['world']>): BgpInput => ({
    ...input,
    world: { ...input.world, ...part },
  })
  const config = (input: BgpInput, part: Partial<BgpConfig>): BgpInput => ({ ...input, config: { ...input.config, ...part } })
  const changed = <T>(map: ReadonlyMap<string, T>, key: string, value: T | undefined): ReadonlyMap<string, T> => {
    const next = new Map(map)
    if (value === undefined) next.delete(key)
    else next.set(key, value)
    return next
  }
  const names = fc.constantFrom('a', 'b', 'c')
  const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined, freq: 4 })

  const serviceStep = fc
    .tuple(
      names,
      maybe(
        fc.record({
          addresses: fc.subarray(['192.168.9.1', '192.168.9.2', '192.168.10.1', 'fd00:9::1']),
          externalPolicy: fc.constantFrom('Cluster' as const, 'Local' as const),
          addressPool: fc.constantFrom('', 'one', 'two'),
          loadBalancerClass: fc.constantFrom('', '', 'example.com/other'),
          labels: fc.constantFrom<Readonly<Record<string, string>>>({}, { app: 'web' }),
        }),
      ),
    )
    .map(([name, part]): Step => {
      const key = `default/${name}`
      const value = part && web({ ...part, key, loadBalancerIPs: part.addresses })
      return {
        change: { kind: 'service', key },
        apply: (input) => world(input, { services: changed(input.world.services, key, value) }),
      }
    })
  const sliceStep = fc
    .tuple(names, names, maybe(fc.tuple(fc.constantFrom('here', 'there'), fc.boolean())))
    .map(([name, of, at]): Step => {
      const key = `default/${name}-slice`
      const value = at && { ...slice(...at), key, service: `default/${of}` }
      return {
        change: { kind: 'endpointSlice', key },
        apply: (input) => world(input, { endpointSlices: changed(input.world.endpointSlices, key, value) }),
      }
    })
  const poolStep = fc
    .tuple(
      fc.constantFrom('one', 'two'),
      maybe(fc.constantFrom('192.168.9.0-192.168.9.255', '192.168.9.2-192.168.10.2', 'fd00:9::-fd00:9::f')),
    )
    .map(([name, span]): Step => {
      const value = span === undefined ? undefined : aPool(name, [span])
      const key = `metallb-system/${name}`
      return {
        change: { kind: 'pools', key },
        apply: (input) => config(input, { pools: changed(input.config.pools, key, value) }),
      }
    })
  const advertisementStep = fc
    .tuple(
      fc.constantFrom('x', 'y'),
      maybe(
        fc.record({
          pools: fc.constantFrom<readonly string[]>([], ['one'], ['two']),
          services: fc.constantFrom<readonly Selector[]>([], [is('app', 'web')]),
          nodes: fc.constantFrom<readonly Selector[]>([], [is('rack', 'a')]),
          peers: fc.constantFrom<readonly string[]>([], ['tor'], ['gone']),
          lengths: fc.constantFrom({ ipv4: 32, ipv6: 128 }, { ipv4: 24, ipv6: 120 }),
        }),
      ),
    )
    .map(([name, part]): Step => {
      const value = part && aBgpAdvertisement(name, part)
      const key = `metallb-system/${name}`
      return {
        change: { kind: 'bgpAdvertisements', key },
        apply: (input) => config(input, { bgpAdvertisements: changed(input.config.bgpAdvertisements, key, value) }),
      }
    })
  const nodeStep = fc.constantFrom(undefined, HERE, { ...HERE, labels: { rack: 'b' } }).map(
    (node): Step => ({
      change: { kind: 'node', key: 'here' },
      apply: (input) => world(input, { nodes: changed(input.world.nodes, 'here', node) }),
    }),
  )
  const peerStep = fc.boolean().map(
    (isThere): Step => ({
      change: { kind: 'peers', key: 'metallb-system/tor' },
      apply: (input) => config(input, { peers: isThere ? byKey(aPeer('tor')) : byKey() }),
    }),
  )
  const step = fc.oneof(
    { weight: 4, arbitrary: serviceStep },
    { weight: 3, arbitrary: sliceStep },
    poolStep,
    advertisementStep,
    nodeStep,
    peerStep,
  )

  it('what is planned step by step, in any batches and with repetitions, is what is planned from scratch', () => {
    let announced = 0
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.boolean(), fc.nat(2)), { maxLength: 25 }), (steps) => {
        let input = inputOf(web(), {}, [slice('here')])
        const planner = planned(input)
        const installed = new Map(planner.entries)
        let waiting: BgpChange[] = []
        const flush = (): void => {
          const delta = planner.update(input, waiting.toReversed())
          for (const entry of delta.upserts) installed.set(entry.key, entry)
          for (const key of delta.removals) expect(installed.delete(key)).toBe(true)
          waiting = []
        }
        for (const [{ change, apply }, isNow, again] of steps) {
          input = apply(input)
          waiting.push(change, ...Array.from({ length: again }, () => change))
          if (isNow) flush()
        }
        flush()
        const scratch = planned(world(input, { services: new Map([...input.world.services].toReversed()) }))
        const sorted = (entries: ReadonlyMap<string, BgpEntry>) =>
          [...entries.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
        expect(sorted(installed)).toEqual(sorted(scratch.entries))
        expect(planner.findings).toEqual(scratch.findings)
        announced += routes(scratch.entries).length
      }),
      { numRuns: 500 },
    )
    expect(announced).toBeGreaterThan(100)
  })
})

it('nodes are watched with and without sessions, and nothing is left of it', () => {
  const input = inputOf(web())
  const planner = planned({ ...input, config: aBgpConfig() })
  const watched = (watches: BgpInput['watches'] = [], config = aBgpConfig()) =>
    planner.update({ ...input, config, watches }, [
      { kind: 'watches', key: '' },
      { kind: 'peers', key: 'metallb-system/tor' },
    ])
  expect(planner.entries.size).toBe(0)
  const one = watch('n2', '192.168.0.11')
  expect(watched([one])).toMatchObject({ upserts: [{ kind: 'speaker', routerId: '192.168.0.10' }, one], removals: [] })
  expect(watched([one], input.config).upserts.map(({ kind }) => kind)).toEqual(['session', 'route'])
  expect(watched([one])).toMatchObject({ upserts: [], removals: ['session/metallb-system/tor', 'route/192.168.9.7/32'] })
  expect(watched().removals).toEqual(['speaker', 'watch/n2'])
})

describe('who hears of a Service', () => {
  const peers = [aPeer('tor'), aPeer('six', { peerAddress: 'fd00::1' }), aPeer('other', { peerAddress: '192.168.0.2' })]
  const heard = (part: Partial<BgpInput> = {}, service = web(), only: readonly string[] = []) => {
    const input = inputOf(service, { bgpAdvertisements: byKey(aBgpAdvertisement('all', { peers: only })) })
    const config = { ...input.config, peers: byKey(...peers) }
    return [...planned({ ...input, config, ...part }).announcedServices]
  }
  test.each([
    ['every peer of its family', heard(), ['other', 'tor']],
    ['those that are named', heard({}, web(), ['tor', 'six']), ['tor']],
    ['while routes are only discouraged', heard({ drain: 'discouraged' }), ['other', 'tor']],
  ])('%s', (_, announced, names) => expect(announced).toEqual([['default/web', names]]))
  test.each([
    ['withdrawn', heard({ drain: 'withdrawn' })],
    ['closed', heard({ drain: 'closed' })],
    ['not carried by any session', heard({}, web(), ['six'])],
    ['of no pool', heard({}, web({ loadBalancerIPs: ['192.168.10.1'] }))],
  ])('nobody of one that is %s', (_, announced) => expect(announced).toEqual([]))
})
