import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TransportEngine } from '../../src/engine/nftables/engine.ts'
import { kernelTransport } from '../../src/engine/nftables/kernel.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import { netnsPath } from '../../src/linux/netns.ts'
import { countNftElements } from '../../src/linux/nft-sets.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { type AddressRange, type DataPathEntry, rangeKey } from '../../src/model/datapath.ts'
import type { Family } from '../../src/model/world.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { NEVER, NO_LOOPBACK } from '../support/datapath.ts'
import { engineSuite } from '../support/engine-suite.ts'
import { TEST_OPTIONS, testWorld } from './datapath/world.ts'

const NS = `fwt-dpe-${process.pid}-engine`

beforeAll(async () => {
  await tryRun(['ip', 'netns', 'del', NS])
  await run(['ip', 'netns', 'add', NS])
})

afterAll(async () => {
  await tryRun(['ip', 'netns', 'del', NS])
})

engineSuite('nftables in the kernel', () => kernelTransport(netnsPath(NS)), 10)

describe('ranges in the kernel', () => {
  const nft = (text: string) => run(['nsenter', `--net=${netnsPath(NS)}`, '--', 'nft', '-f', '-'], { input: text })
  const ranged = (family: Family, ...sourceRanges: string[]): DataPathEntry => {
    const address = family === 'ipv4' ? '10.0.0.1' : 'fd00::1'
    const backends = [{ address, port: 80 }]
    const key = `a/cluster-ranged/${family}`
    return { kind: 'group', key, family, masquerade: 'none', whenEmpty: 'refuse', affinityInSeconds: 0, sourceRanges, backends }
  }
  const range = (family: Family, cidr: string, kind: AddressRange['kind'] = 'local-source'): AddressRange => {
    return { kind, key: rangeKey(kind, cidr), family, cidr }
  }

  it.each([
    ['ipv4', '192.0.2.1/32', '192.0.2.0/24', '0.0.0.0/1'],
    ['ipv6', '2001:db8::1/128', '2001:db8::/64', '8000::/1'],
  ] as const)('come and go, single addresses and wide ones, %s', async (family, one, many, half) => {
    const engine = new TransportEngine(kernelTransport(netnsPath(NS)), NO_LOOPBACK)
    const rest = [range(family, many), range(family, half), range(family, one, 'service-range')]
    for (const ranges of [[one, half], [many], [half, many], [one], []]) {
      await engine.apply({ upserts: [ranged(family, ...ranges.toSorted()), ...rest], removals: [] }, NEVER)
      await engine.refresh(NEVER)
      expect([...engine.observed.values()].filter(({ kind }) => kind === 'group')).toEqual([ranged(family, ...ranges.toSorted())])
    }
    await engine.apply({ upserts: [], removals: [...engine.observed.keys()] }, NEVER)
    await engine.refresh(NEVER)
    expect(engine.observed.size).toBe(0)
    await engine.cleanup(NEVER)
    await engine.close()
  })

  it('that somebody else put there in forms of their own are removed', async () => {
    const engine = new TransportEngine(kernelTransport(netnsPath(NS)), NO_LOOPBACK)
    const wanted = [
      ranged('ipv4', '192.0.2.0/24'),
      ranged('ipv6', '2001:db8::/64'),
      range('ipv4', '10.244.0.0/24'),
      range('ipv6', 'fd00::/64'),
    ]
    await engine.apply({ upserts: wanted, removals: [] }, NEVER)
    await nft(`
      add element ip fairway local_source { 10.9.0.1-10.9.0.7, 10.8.0.1 }
      add element ip fairway service_range { 10.9.0.3-10.9.0.9 }
      add element ip fairway source_range { 8000:1 . 10.9.0.1-10.9.0.7, 8000:1 . 10.9.1.1, 8000:77 . 10.9.0.0/24, 8000:78 . 10.0.0.3-10.0.0.9 }
      add element ip6 fairway local_source { fd09::1-fd09::7, fd08::1 }
      add element ip6 fairway source_range { 8000:77 . fd09::1-fd09::7, 8000:78 . fd08::1 }
      add element ip fairway affinity { 192.0.2.1 . 8000:1 timeout 60s : 7 }
    `)
    const loop = createReconciler<DataPathEntry>({ engine, maxRetryInMs: 10, minRetryInMs: 1 })
    loop.want({ upserts: wanted, removals: [] })
    await loop.settled()
    await engine.refresh(NEVER)
    const sorted = (entries: Iterable<DataPathEntry>) => [...entries].toSorted((a, b) => (a.key < b.key ? -1 : 1))
    expect(sorted(engine.observed.values())).toEqual(sorted(wanted))
    await loop.stop()
    await engine.cleanup(NEVER)
    await engine.close()
  })

  it.each([
    ['delete set ip fairway service_range', 'add set ip fairway service_range { type ipv4_addr; }'],
    [
      'delete map ip fairway host_address',
      'add map ip fairway host_address { type ipv4_addr . inet_proto . inet_service : classid; size 2; }',
    ],
  ])('do not hinder when their sets are in a form that cannot hold them: %s, %s', async (...damage) => {
    const engine = new TransportEngine(kernelTransport(netnsPath(NS)), NO_LOOPBACK)
    const wanted = [ranged('ipv4', '192.0.2.0/24'), range('ipv4', '10.96.0.0/12', 'service-range')]
    await engine.apply({ upserts: wanted, removals: [] }, NEVER)
    const chains = ['behind_prerouting', 'behind_output', 'translate', 'returning'].map(
      (name) => `flush chain ip fairway ${name}\n`,
    )
    await nft(chains.join('') + damage.join('\n'))
    const loop = createReconciler<DataPathEntry>({ engine, maxRetryInMs: 10, minRetryInMs: 1 })
    loop.want({ upserts: wanted, removals: [] })
    await loop.settled()
    await engine.refresh(NEVER)
    expect(new Map(engine.observed)).toEqual(new Map(wanted.map((entry) => [entry.key, entry])))
    await loop.stop()
    await engine.cleanup(NEVER)
    await engine.close()
  })
})

describe('a table that remembers many clients', () => {
  const CLIENTS = 17_000
  const enter = ['nsenter', `--net=${netnsPath(NS)}`, '--']
  const affinity = { family: 'ip', table: 'fairway', name: 'affinity' } as const
  const rules = async () =>
    (await run([...enter, 'nft', '--terse', 'list', 'table', 'ip', 'fairway'])).replace(/elements = .*/g, '')

  it('is adopted without them: they stay, and rules are made whole whatever they were', async () => {
    const world = testWorld()
    const plan = createPlanner('n1', TEST_OPTIONS)
    const delta = plan.update(world, changesOf(world))
    const first = new TransportEngine(kernelTransport(netnsPath(NS)), NO_LOOPBACK)
    await first.apply(delta, NEVER)
    await first.close()
    const before = await rules()
    const clients = Array.from({ length: CLIENTS }, (_, n) => `10.9.${n >> 8}.${n & 255} . 8000:9999 timeout 1h : 0x40000001`)
    const damage = 'flush chain ip fairway translate\nflush chain ip fairway sticky_5_1'
    await run([...enter, 'nft', '-f', '-'], { input: `add element ip fairway affinity { ${clients.join(', ')} }\n${damage}\n` })
    const engine = new TransportEngine(kernelTransport(netnsPath(NS)), NO_LOOPBACK)
    const rounds: number[] = []
    const loop = createReconciler<DataPathEntry>({ engine, onRound: (round) => rounds.push(round.upserts, round.removals) })
    loop.want(delta)
    await loop.settled()
    await loop.stop()
    expect(rounds).toEqual([0, 1])
    expect(await rules()).toBe(before)
    expect(await countNftElements(affinity, netnsPath(NS))).toBe(CLIENTS)
    await engine.cleanup(NEVER)
    await engine.close()
  })
})
