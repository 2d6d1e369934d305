import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { aBfdProfile, aBgpConfig, anAdvertisement, aPeer, type BgpObjects } from '../../test/support/bgp-config.ts'
import { aNode, aPod, aWorld } from '../../test/support/world.ts'
import type { BgpEntry, BgpRoute, BgpSession } from '../model/bgp.ts'
import type { BgpConfig, PodRouteAdvertisement } from '../model/bgp-config.ts'
import type { Selector } from '../model/selector.ts'
import type { Pod } from '../model/world.ts'
import { type BgpChange, type BgpInput, createBgpPlanner } from './bgp.ts'
import { RangeSet } from './ranges.ts'

const HERE = aNode('here', {
  addresses: ['192.168.0.10', 'fd00::10'],
  podCIDRs: ['10.244.1.0/24', 'fd00:1:0:1::/64'],
  labels: { rack: 'one' },
})
const WEB: Selector = [{ key: 'app', is: 'in', values: ['web'] }]
const ALL_PODS = { selector: [], namespaces: [] }
const ANY: readonly BgpChange[] = [{ kind: 'drain', key: '' }]

function inputOf(pods: readonly Pod[], objects: BgpObjects, part: Partial<BgpConfig> = {}): BgpInput {
  return { world: aWorld({ nodes: [HERE], pods }), config: aBgpConfig(objects, part), drain: 'none' }
}

function planned(input: BgpInput, node = 'here') {
  const planner = createBgpPlanner(node, { kernelTable: 7 })
  planner.update(input, ANY)
  return planner
}

function routesOf(entries: ReadonlyMap<string, BgpEntry>): readonly BgpRoute[] {
  const routes = [...entries.values()].filter((entry) => entry.kind === 'route')
  return routes.toSorted((one, other) => (one.prefix < other.prefix ? -1 : 1))
}

const prefixesOf = (input: BgpInput): readonly string[] => routesOf(planned(input).entries).map(({ prefix }) => prefix)

function onlySession(input: BgpInput): BgpSession {
  const sessions = [...planned(input).entries.values()].filter((entry) => entry.kind === 'session')
  expect(sessions).toHaveLength(1)
  return sessions[0] as BgpSession
}

const found = (input: BgpInput): readonly string[] =>
  planned(input).findings.map(({ code, message }) => `${code.name} ${message}`)

const pod = (name: string, addresses: readonly string[], part: Partial<Pod> = {}): Pod =>
  aPod(`default/${name}`, 'here', { addresses, ready: true, ...part })

describe('sessions', () => {
  it('are with the peers that choose the node; without one there is no speaker', () => {
    const rack = (value: string): readonly Selector[] => [[{ key: 'rack', is: 'in', values: [value] }]]
    const elsewhere = aPeer('elsewhere', { nodes: rack('two'), peerAddress: '192.168.0.2' })
    expect(planned(inputOf([], { peers: [elsewhere] })).entries.size).toBe(0)
    const entries = planned(inputOf([], { peers: [elsewhere, aPeer('tor', { nodes: rack('one') })] })).entries
    expect([...entries.keys()]).toEqual(['speaker', 'session/metallb-system/tor'])
    expect(entries.get('speaker')).toMatchObject({ routerId: '192.168.0.10', kernelTable: 7 })
  })

  it('have what their peer says', () => {
    const peer = aPeer('tor', {
      multihop: true,
      gracefulRestart: true,
      bothFamilies: true,
      password: { text: 'p' },
      bfdProfile: 'fast',
    })
    expect(onlySession(inputOf([], { peers: [peer], bfdProfiles: [aBfdProfile('fast')] }))).toMatchObject({
      name: 'tor',
      localAs: 64513,
      peerAs: 64512,
      hops: 255,
      gracefulRestart: true,
      password: 'p',
      nextHops: { ipv4: '', ipv6: 'fd00::10' },
      bfd: { receiveInMs: 50, transmitInMs: 50, detectMultiplier: 3, passive: false },
      accept: [],
      drain: 'none',
    })
  })

  it('carry one family unless both are asked for, and never one that the node lacks', () => {
    expect(onlySession(inputOf([], { peers: [aPeer('six', { peerAddress: 'fd00::1' })] })).nextHops).toEqual({ ipv6: '' })
    const single = { ...inputOf([], { peers: [aPeer('tor', { bothFamilies: true })] }) }
    const node = { ...HERE, addresses: ['192.168.0.10'] }
    expect(onlySession({ ...single, world: aWorld({ nodes: [node] }) }).nextHops).toEqual({ ipv4: '' })
  })

  it('wait for their Secret alone', () => {
    const closed = aPeer('closed', { password: { secret: 'metallb-system/tor' }, peerAddress: '192.168.0.2' })
    const objects = { peers: [closed, aPeer('open')] }
    const missing = inputOf([], objects, {
      secrets: new Map([
        ['metallb-system/tor', { key: 'metallb-system/tor', problem: 'the Secret metallb-system/tor is not there' }],
      ]),
    })
    expect(onlySession(missing).name).toBe('open')
    expect(found(missing)).toEqual([
      'BGP_SECRET_MISSING BGPPeer metallb-system/closed is without its password: the Secret metallb-system/tor is not there.',
    ])
    const there = inputOf([], objects, {
      secrets: new Map([['metallb-system/tor', { key: 'metallb-system/tor', text: 'secret', problem: '' }]]),
    })
    expect(planned(there).entries.get('session/metallb-system/closed')).toMatchObject({ password: 'secret' })
    expect(found(there)).toEqual([])
  })

  it('are made once a neighbour, without a profile that is not there, and with one router ID', () => {
    const input = inputOf([], {
      peers: [
        aPeer('b', { routerId: '9.9.9.9' }),
        aPeer('a', { bfdProfile: 'none', routerId: '1.1.1.1' }),
        aPeer('c', { interface: 'eth9', peerAddress: '' }),
      ],
    })
    expect(onlySession(input)).toMatchObject({ name: 'a' })
    expect(onlySession(input).bfd).toBeUndefined()
    expect(planned(input).entries.get('speaker')).toMatchObject({ routerId: '1.1.1.1' })
    expect(planned(input).findings.map(({ code }) => code.name)).toEqual([
      'BGP_ENTRY_INVALID',
      'BGP_BFD_PROFILE_MISSING',
      'BGP_PEER_TWICE',
      'BGP_ROUTER_ID_DIFFERS',
    ])
  })

  it('take in what imports of this node and peer allow, the longest of each', () => {
    const imports = [
      { name: 'a', peers: [], nodes: [], prefixes: [{ cidr: '172.30.0.0/16', maxLength: 16 }] },
      { name: 'b', peers: ['tor'], nodes: [], prefixes: [{ cidr: '172.30.0.0/16', maxLength: 24 }] },
      { name: 'c', peers: ['other'], nodes: [], prefixes: [{ cidr: '0.0.0.0/0', maxLength: 32 }] },
      {
        name: 'd',
        peers: [],
        nodes: [[{ key: 'rack', is: 'absent', values: [] }]] as const,
        prefixes: [{ cidr: '::/0', maxLength: 0 }],
      },
    ]
    const part = { routeImports: new Map(imports.map((one) => [one.name, one])) }
    expect(onlySession(inputOf([], { peers: [aPeer('tor')] }, part)).accept).toEqual([{ cidr: '172.30.0.0/16', maxLength: 24 }])
  })

  it('drain with the node', () => {
    const input = inputOf([], { peers: [aPeer('tor')] })
    expect(onlySession({ ...input, drain: 'discouraged' }).drain).toBe('discouraged')
  })
})

describe('routes', () => {
  const peers = [aPeer('tor')]

  it('are of Ready pods of this node, while they stay', () => {
    const pods = [
      pod('ready', ['10.244.1.5', 'fd00:1:0:1::5']),
      pod('unready', ['10.244.1.6'], { ready: false }),
      pod('leaving', ['10.244.1.7'], { terminating: true }),
      pod('done', ['10.244.1.8'], { finished: true }),
      pod('host', ['192.168.0.10'], { hostNetwork: true }),
      pod('other', ['10.244.2.9'], { node: 'there' }),
    ]
    const input = inputOf(pods, { peers, advertisements: [anAdvertisement('all', { pods: ALL_PODS })] })
    expect(prefixesOf(input)).toEqual(['10.244.1.5/32', 'fd00:1:0:1::5/128'])
    expect(planned(input).askersOf('10.244.1.5/32')).toEqual(['default/ready'])
  })

  it('are of pods and namespaces that are chosen', () => {
    const web = [{ key: 'app', is: 'in', values: ['web'] }] as const
    const open = [{ key: 'open', is: 'present', values: [] }] as const
    const pods = [
      pod('a', ['10.244.1.5'], { labels: { app: 'web' } }),
      pod('b', ['10.244.1.6']),
      aPod('shop/c', 'here', { addresses: ['10.244.1.7'], ready: true, labels: { app: 'web' } }),
    ]
    const byLabel = anAdvertisement('web', { pods: { selector: web, namespaces: [] } })
    expect(prefixesOf(inputOf(pods, { peers, advertisements: [byLabel] }))).toEqual(['10.244.1.5/32', '10.244.1.7/32'])
    const byNamespace = anAdvertisement('open', { pods: { selector: [], namespaces: open } })
    const namespaces = new Map([['shop', { name: 'shop', labels: { open: '' } }]])
    expect(prefixesOf(inputOf(pods, { peers, advertisements: [byNamespace] }, { namespaces }))).toEqual(['10.244.1.7/32'])
  })

  it('are of the ranges of the node, as they are', () => {
    const input = inputOf([], { peers, advertisements: [anAdvertisement('ranges', { nodeRanges: true })] })
    expect(prefixesOf(input)).toEqual(['10.244.1.0/24', 'fd00:1:0:1::/64'])
    const bare = { ...input, world: aWorld({ nodes: [{ ...HERE, podCIDRs: [] }] }) }
    expect(found(bare)[0]).toMatch(/^BGP_NO_POD_RANGE /)
  })

  it('stand for several pods when they are aggregated, and go with the last', () => {
    const advertisements = [anAdvertisement('some', { pods: ALL_PODS, lengths: { ipv4: 26, ipv6: 124 } })]
    const pods = [pod('a', ['10.244.1.5', 'fd00:1:0:1::5']), pod('b', ['10.244.1.9']), pod('far', ['10.7.7.7'])]
    const input = inputOf(pods, { peers, advertisements })
    expect(prefixesOf(input)).toEqual(['10.244.1.0/26', '10.7.7.7/32', 'fd00:1:0:1::/124'])
    const planner = planned(input)
    const without = (...names: readonly string[]): BgpInput =>
      inputOf(
        pods.filter(({ key }) => !names.some((name) => key.endsWith(name))),
        { peers, advertisements },
      )
    expect(planner.update(without('a'), [{ kind: 'pod', key: 'default/a' }])).toEqual({
      upserts: [],
      removals: ['route/fd00:1:0:1::/124'],
    })
    expect(planner.update(without('a', 'b'), [{ kind: 'pod', key: 'default/b' }])).toEqual({
      upserts: [],
      removals: ['route/10.244.1.0/26'],
    })
  })

  it('are never wider than the range of the node', () => {
    const wide = anAdvertisement('wide', { pods: ALL_PODS, lengths: { ipv4: 16, ipv6: 128 } })
    const input = inputOf([pod('a', ['10.244.1.5'])], { peers, advertisements: [wide] })
    expect(prefixesOf(input)).toEqual(['10.244.1.0/24'])
    expect(found(input)).toEqual([
      'BGP_AGGREGATE_TOO_WIDE PodRouteAdvertisement wide asks for prefixes of length 16, which would hold pods of other nodes than here: 10.244.1.0/24 is announced there.',
    ])
  })

  it('carry what every advertisement of them asks for', () => {
    const communities = new Map([['m/names', { key: 'm/names', names: { backup: '65000:2' } }]])
    const advertisements = [
      anAdvertisement('plain', { pods: ALL_PODS }),
      anAdvertisement('backup', { pods: ALL_PODS, peers: ['agg'], communities: ['backup', '1:2:3'], localPreference: 50 }),
    ]
    const input = inputOf(
      [pod('a', ['10.244.1.5'])],
      { peers: [...peers, aPeer('agg', { peerAddress: '192.168.0.2' })], advertisements },
      { communities },
    )
    expect(routesOf(planned(input).entries)[0]?.announcements).toEqual(
      expect.arrayContaining([
        { sessions: [], communities: [] },
        { sessions: ['session/metallb-system/agg'], communities: ['1:2:3', '65000:2'], localPreference: 50 },
      ]),
    )
  })

  it('are not announced without the community that was meant, nor to peers that are not there', () => {
    const advertisements = [
      anAdvertisement('lost', { pods: ALL_PODS, communities: ['no-such'] }),
      anAdvertisement('nowhere', { nodeRanges: true, peers: ['gone'] }),
    ]
    const input = inputOf([pod('a', ['10.244.1.5'])], { peers, advertisements })
    expect(prefixesOf(input)).toEqual([])
    expect(found(input).map((text) => text.split(' ')[0])).toEqual(['BGP_PEER_UNKNOWN', 'BGP_COMMUNITY_UNKNOWN'])
  })
})

describe('in any world', () => {
  const names = ['a', 'b', 'c', 'd']
  const labels = fc.constantFrom<Readonly<Record<string, string>>>({}, { app: 'web' }, { app: 'db', tier: 'one' })
  const selector = fc.constantFrom<Selector>([], WEB, [{ key: 'tier', is: 'absent', values: [] }])
  const somePod = fc.record({
    name: fc.constantFrom(...names),
    last: fc.integer({ min: 1, max: 40 }),
    node: fc.constantFrom('here', 'there'),
    ready: fc.boolean(),
    terminating: fc.boolean(),
    labels,
  })
  const someAdvertisement = fc.record({
    name: fc.constantFrom('x', 'y'),
    nodeRanges: fc.boolean(),
    pods: fc.option(fc.record({ selector, namespaces: selector }), { nil: undefined }),
    peers: fc.constantFrom<readonly string[]>([], ['tor'], ['gone']),
    ipv4: fc.constantFrom(16, 24, 28, 32),
  })
  type Step = { readonly change: BgpChange; readonly apply: (input: BgpInput) => BgpInput }
  const withPods = (input: BgpInput, edit: (pods: Map<string, Pod>) => void): BgpInput => {
    const pods = new Map(input.world.pods)
    edit(pods)
    return { ...input, world: { ...input.world, pods } }
  }
  const withConfig = (input: BgpInput, part: Partial<BgpConfig>): BgpInput => ({ ...input, config: { ...input.config, ...part } })
  const withAdvertisements = (input: BgpInput, edit: (all: Map<string, PodRouteAdvertisement>) => void): BgpInput => {
    const podRouteAdvertisements = new Map(input.config.podRouteAdvertisements)
    edit(podRouteAdvertisements)
    return { ...input, config: { ...input.config, podRouteAdvertisements } }
  }
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: somePod.map(podStep) },
    fc.constantFrom(...names).map(
      (name): Step => ({
        change: { kind: 'pod', key: `default/${name}` },
        apply: (input) => withPods(input, (pods) => pods.delete(`default/${name}`)),
      }),
    ),
    someAdvertisement.map(advertisementStep),
    fc
      .constantFrom<BgpInput['drain']>('none', 'withdrawn')
      .map((drain): Step => ({ change: { kind: 'drain', key: '' }, apply: (input) => ({ ...input, drain }) })),
    fc
      .constantFrom<readonly (typeof HERE)[]>([HERE], [], [{ ...HERE, podCIDRs: [] }], [{ ...HERE, podCIDRs: ['10.244.1.0/25'] }])
      .map(
        (nodes): Step => ({
          change: { kind: 'node', key: 'here' },
          apply: (input) => ({
            ...input,
            world: { ...input.world, nodes: new Map(nodes.map((node) => [node.name, node])) },
          }),
        }),
      ),
    labels.map(
      (of): Step => ({
        change: { kind: 'namespaces', key: 'default' },
        apply: (input) => withConfig(input, { namespaces: new Map([['default', { name: 'default', labels: of }]]) }),
      }),
    ),
    fc.constantFrom<readonly string[]>([], ['tor'], ['tor', 'agg']).map(
      (peers): Step => ({
        change: { kind: 'peers', key: 'metallb-system/tor' },
        apply: (input) => withConfig(input, { peers: aBgpConfig({ peers: peers.map((name) => aPeer(name)) }).peers }),
      }),
    ),
  )

  function podStep({ name, last, node, ...part }: { name: string; last: number; node: string } & Partial<Pod>): Step {
    const value = aPod(`default/${name}`, node, { ...part, addresses: [`10.244.${node === 'here' ? 1 : 2}.${last}`] })
    return { change: { kind: 'pod', key: value.key }, apply: (input) => withPods(input, (pods) => pods.set(value.key, value)) }
  }

  function advertisementStep(part: { name: string; ipv4: number } & Partial<PodRouteAdvertisement>): Step {
    const { name, ipv4, pods, ...rest } = part
    const value = anAdvertisement(name, { ...rest, ...(pods === undefined ? {} : { pods }), lengths: { ipv4, ipv6: 128 } })
    return {
      change: { kind: 'podRouteAdvertisements', key: name },
      apply: (input) => withAdvertisements(input, (all) => all.set(name, value)),
    }
  }

  it('what is planned step by step, in any batches and with repetitions, is what is planned from scratch', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(step, fc.boolean(), fc.nat(3)), { maxLength: 25 }), (steps) => {
        const lasting = anAdvertisement('z', { pods: { selector: [], namespaces: WEB }, communities: ['1:1'] })
        let input = inputOf([], { peers: [aPeer('tor')], advertisements: [anAdvertisement('x', { pods: ALL_PODS }), lasting] })
        const planner = planned(input)
        const installed = new Map(planner.entries)
        let waiting: BgpChange[] = []
        const flush = (): void => {
          const delta = planner.update(input, waiting.toReversed())
          for (const entry of delta.upserts) installed.set(entry.key, entry)
          for (const key of delta.removals) expect(installed.delete(key)).toBe(true)
          waiting = []
        }
        for (const [{ change, apply }, now, again] of steps) {
          input = apply(input)
          waiting.push(change, ...Array.from({ length: again }, () => change))
          if (now) flush()
        }
        flush()
        const scratch = planned({ ...input, world: { ...input.world, pods: new Map([...input.world.pods].toReversed()) } })
        const byKey = (entries: ReadonlyMap<string, BgpEntry>) =>
          [...entries.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
        expect(byKey(installed)).toEqual(byKey(scratch.entries))
        expect(byKey(planner.entries)).toEqual(byKey(scratch.entries))
        expect(planner.findings).toEqual(scratch.findings)
      }),
      { numRuns: 500 },
    )
  })

  it('a node announces nothing but its own', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const start = inputOf([], { peers: [aPeer('tor')] })
        const input = steps.reduce((each, { apply }) => apply(each), start)
        const own = new RangeSet(HERE.podCIDRs)
        for (const { prefix } of routesOf(planned(input).entries)) {
          const [address = '', length = ''] = prefix.split('/')
          expect(own.has(address)).toBe(true)
          expect(Number(length)).toBeGreaterThanOrEqual(address.includes(':') ? 64 : 24)
        }
      }),
    )
  })
})

it('a drain, a password and a time of a peer look at no pod', () => {
  const objects = { peers: [aPeer('tor')], advertisements: [anAdvertisement('all', { pods: ALL_PODS })] }
  const input = inputOf([pod('p', ['10.244.1.5'])], objects)
  const planner = planned(input)
  const pods = new Proxy(input.world.pods, {
    get: (_, property) => {
      throw new Error(`pods were looked at by ${String(property)}`)
    },
  })
  const peers = aBgpConfig({ peers: [aPeer('tor', { holdTimeInS: 9, password: { text: 'word' } })] }).peers
  const changed: BgpInput = { world: { ...input.world, pods }, config: { ...input.config, peers }, drain: 'withdrawn' }
  const changes: readonly BgpChange[] = [...ANY, { kind: 'peers', key: 'metallb-system/tor' }]
  expect(planner.update(changed, changes)).toMatchObject({ upserts: [{ holdTimeInS: 9, drain: 'withdrawn' }], removals: [] })
})

it('a change of one pod looks at that pod alone', () => {
  const pods = Array.from({ length: 10_000 }, (_, at) => pod(`p${at}`, [`10.${at >> 8}.${at & 255}.1`]))
  const objects = { peers: [aPeer('tor')], advertisements: [anAdvertisement('all', { pods: ALL_PODS })] }
  const input = inputOf(pods, objects)
  const planner = planned(input)
  expect(routesOf(planner.entries)).toHaveLength(10_000)
  const read: string[] = []
  const changed = new Map(input.world.pods).set('default/p7', pod('p7', ['10.0.7.2']))
  const watched = new Proxy(changed, {
    get(target, property) {
      if (property !== 'get') throw new Error(`all pods were looked at by ${String(property)}`)
      return (key: string) => {
        read.push(key)
        return target.get(key)
      }
    },
  })
  const world: BgpInput['world'] = { ...input.world, pods: watched }
  const delta = planner.update({ ...input, world }, [{ kind: 'pod', key: 'default/p7' }])
  expect(delta).toMatchObject({ upserts: [{ prefix: '10.0.7.2/32' }], removals: ['route/10.0.7.1/32'] })
  expect(read).toEqual(['default/p7'])
})
