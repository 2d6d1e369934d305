/** The engine beside routers of others: FRR with a session of each kind at once, and GoBGP. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBirdEngine } from '../../src/engine/bird/engine.ts'
import { ipBatch, netnsPath } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import type { BgpEntry, BgpSession, SessionState } from '../../src/model/bgp.ts'
import { accepted, route, SPEAKER, session } from '../support/bgp-entries.ts'
import { type PeerRouter, startFrr, startGobgp } from '../support/bgp-peers.ts'
import { NEVER } from '../support/datapath.ts'
import { until } from '../support/until.ts'

const NODE = `fwt-birdpe-n-${process.pid}`
const ROUTER = `fwt-birdpe-r-${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'fwt-birdpe-'))
const engine = createBirdEngine({ directory: join(folder, 'node'), netns: netnsPath(NODE) })

/** Session N is between 192.0.2.(10+N) and 192.0.2.(30+N), so that each has a password and an AS of its own. */
const ours = (at: number): string => `192.0.2.${10 + at}`
const theirs = (at: number): string => `192.0.2.${30 + at}`
const LOOPBACK = '10.64.0.2'

beforeAll(async () => {
  for (const name of [NODE, ROUTER]) await run(['ip', 'netns', 'add', name])
  await run(['ip', 'link', 'add', 'e0', 'netns', NODE, 'type', 'veth', 'peer', 'name', 'e0', 'netns', ROUTER])
  const addresses = (of: (at: number) => string) => Array.from({ length: 8 }, (_, at) => `addr add ${of(at)}/24 dev e0`)
  await ipBatch(NODE, [
    ...['link set lo up', 'link set e0 addrgenmode none', ...addresses(ours)],
    ...['addr add 2001:db8::1/64 dev e0 nodad', 'addr add fe80::1/64 dev e0 nodad', 'link set e0 up'],
    `route add ${LOOPBACK}/32 via ${theirs(0)}`,
  ])
  await ipBatch(ROUTER, [
    ...['link set lo up', 'link set e0 addrgenmode none', `addr add ${LOOPBACK}/32 dev lo`, ...addresses(theirs)],
    ...['addr add 2001:db8::2/64 dev e0 nodad', 'addr add fe80::2/64 dev e0 nodad', 'link set e0 up'],
  ])
})
afterAll(async () => {
  await engine.cleanup()
  for (const name of [NODE, ROUTER]) await tryRun(['ip', 'netns', 'del', name])
  rmSync(folder, { recursive: true, force: true })
})

const apply = (...upserts: BgpEntry[]) => engine.apply({ upserts, removals: [] }, NEVER)
const states = async (): Promise<ReadonlyMap<string, SessionState>> =>
  new Map((await engine.sessions()).map((state) => [state.key.replace('session/', ''), state]))
const phases = async () => Object.fromEntries([...(await states())].map(([name, { phase }]) => [name, phase]))
const phaseOf = async (name: string) => (await states()).get(name)?.phase
const judged = async () => engine.judge(await engine.sessions()).map(({ code, subjects }) => [code.name, ...subjects])

describe('FRR', () => {
  let frr: PeerRouter
  beforeAll(async () => {
    frr = await startFrr(ROUTER, CONFIG)
  })
  afterAll(() => frr.end())

  const heard = async (prefix: string, family = 'ipv4'): Promise<readonly FrrPath[]> =>
    (JSON.parse(await frr.ask(`show bgp ${family} unicast ${prefix} json`)) as { readonly paths?: readonly FrrPath[] }).paths ??
    []
  const pathFrom = (paths: readonly FrrPath[], at: number) => paths.find(({ peer }) => peer.peerId === ours(at))

  it('has sessions of every kind at once, and one that is wrong stands in no other’s way', async () => {
    const kinds = Object.values(SESSIONS)
    await apply(SPEAKER, ...kinds, route('10.244.1.0/24', [TO_ALL]), route('fd00:244::/124', [TO_ALL]))
    const right = Object.keys(SESSIONS).filter((name) => name !== 'wrong-password')
    await until(phases, (now) => right.every((name) => now[name] === 'established'), 20_000)
    // of a session that comes up late on a busy machine the same is thought until it is there
    await expect.poll(judged).toEqual([['BGP_PASSWORD_SUSPECT', 'session/wrong-password']])
    const bfd = async () => (await states()).get('external')?.bfd
    await until(bfd, (state) => state === 'up')
  })

  it('hears communities from all, and the local preference inside only', async () => {
    const outside = (paths: readonly FrrPath[]) => pathFrom(paths, 0)
    const paths = await until(
      () => heard('10.244.1.0/24'),
      (all) => outside(all) !== undefined && pathFrom(all, 1) !== undefined,
    )
    expect(outside(paths)).toMatchObject({
      community: { string: '64512:77' },
      largeCommunity: { string: '64512:1:2' },
      nexthops: [{ ip: ours(0) }],
      aspath: { string: '64512' },
    })
    expect(outside(paths)?.locPrf).toBeUndefined()
    expect(pathFrom(paths, 1)).toMatchObject({ locPrf: 250, aspath: { string: 'Local' } })
    const six = await until(
      () => heard('fd00:244::/124', 'ipv6'),
      (all) => all.length >= 3,
    )
    expect(outside(six)).toMatchObject({ community: { string: '64512:77' } })
    const hops = (path: FrrPath | undefined) => path?.nexthops.map(({ ip }) => ip)
    expect(hops(outside(six))).toContain('2001:db8::1')
  })

  it('is told of a drain, and then of nothing', async () => {
    await apply({ ...SESSIONS.external, drain: 'discouraged' })
    const external = async () => pathFrom(await heard('10.244.1.0/24'), 0)
    await until(external, (path) => path?.community?.string.includes('graceful-shutdown') === true)
    await apply({ ...SESSIONS.external, drain: 'withdrawn' })
    await until(external, (path) => path === undefined)
    expect(await phaseOf('external')).toBe('established')
    await apply({ ...SESSIONS.external, drain: 'closed' })
    await until(
      () => phaseOf('external'),
      (phase) => phase === 'disabled',
    )
    await apply(SESSIONS.external)
    await until(external, (path) => path !== undefined)
  })

  it('is heard as far as it is accepted', async () => {
    const counts = async () => (await states()).get('external')?.prefixes.ipv4
    expect(await until(counts, (all) => all?.accepted === 1 && all.refused > 0)).toMatchObject({ accepted: 1, sent: 1 })
    expect((await states()).get('internal')?.prefixes.ipv4?.accepted).toBe(0)
  })

  it('says why it closed a session', async () => {
    const shut = (no: string) => frr.ask('configure terminal', 'router bgp 64513', `${no}neighbor ${ours(0)} shutdown`)
    await shut('')
    const told = async () => engine.judge(await engine.sessions()).find(({ subjects }) => subjects[0] === 'session/external')
    const found = await until(told, (one) => /administrative/i.test(one?.message ?? ''))
    expect(found?.code.name).toBe('BGP_SESSION_REFUSED')
    await shut('no ')
    await until(
      () => phaseOf('external'),
      (phase) => phase === 'established',
      20_000,
    )
  })
})

interface FrrPath {
  readonly locPrf?: number
  readonly community?: { readonly string: string }
  readonly largeCommunity?: { readonly string: string }
  readonly nexthops: readonly { readonly ip: string }[]
  readonly aspath: { readonly string: string }
  readonly peer: { readonly peerId: string }
}

const TO_ALL = { sessions: [], communities: ['64512:1:2', '64512:77'], localPreference: 250 }

function kind(name: string, at: number, part: Partial<BgpSession> = {}): BgpSession {
  return session({ name, sourceAddress: ours(at), peerAddress: theirs(at), ...part })
}

const BFD = { receiveInMs: 50, transmitInMs: 50, detectMultiplier: 3, passive: false }
const SESSIONS = {
  external: kind('external', 0, { password: "it's{a};secret", bfd: BFD, accept: [accepted('172.16.0.0/12', 24)] }),
  internal: kind('internal', 1, { localAs: 64513, peerAs: 'internal' }),
  multihop: kind('multihop', 2, { peerAddress: LOOPBACK, hops: 2, nextHops: { ipv4: '' } }),
  'any-as': kind('any-as', 3, { localAs: 64514, peerAs: 'external', nextHops: { ipv4: '' } }),
  'wrong-password': kind('wrong-password', 4, { password: 'wrong' }),
  'over-ipv6': session({ name: 'over-ipv6', peerAddress: '2001:db8::2', sourceAddress: '', nextHops: { ipv6: '' } }),
  'link-local': session({
    name: 'link-local',
    ...{ peerAddress: 'fe80::2', sourceAddress: 'fe80::1', interface: 'e0', nextHops: { ipv6: '2001:db8::1' } },
  }),
}

const CONFIG = [
  'bfd',
  'profile fast',
  ...['detect-multiplier 3', 'transmit-interval 50', 'receive-interval 50', 'exit', 'exit'],
  'router bgp 64513',
  ...['bgp router-id 10.0.0.2', 'no bgp ebgp-requires-policy', 'no bgp default ipv4-unicast', 'no bgp network import-check'],
  ...[0, 1, 2, 3, 4].flatMap((at) => [
    `neighbor ${ours(at)} remote-as ${at === 1 ? 64513 : at === 3 ? 64514 : 64512}`,
    `neighbor ${ours(at)} timers connect 1`,
    `neighbor ${ours(at)} update-source ${at === 2 ? LOOPBACK : theirs(at)}`,
  ]),
  `neighbor ${ours(0)} password it's{a};secret`,
  `neighbor ${ours(0)} bfd profile fast`,
  `neighbor ${ours(2)} ebgp-multihop 2`,
  `neighbor ${ours(4)} password right`,
  ...['neighbor 2001:db8::1 remote-as 64512', 'neighbor fe80::1 remote-as 64512', 'neighbor fe80::1 interface e0'],
  'address-family ipv4 unicast',
  ...[
    'network 172.16.1.0/24',
    'network 198.51.100.0/24',
    ...[0, 1, 2, 3, 4].map((at) => `neighbor ${ours(at)} activate`),
    'exit',
  ],
  'address-family ipv6 unicast',
  ...[
    ...[0, 1].map((at) => `neighbor ${ours(at)} activate`),
    'neighbor 2001:db8::1 activate',
    'neighbor fe80::1 activate',
    'exit',
  ],
]

describe('GoBGP', () => {
  let gobgp: PeerRouter
  beforeAll(async () => {
    await engine.cleanup()
    gobgp = await startGobgp(ROUTER, join(folder, 'gobgp'), GOBGP_CONFIG)
  })
  afterAll(() => gobgp.end())

  interface Rib {
    readonly [prefix: string]: readonly { readonly attrs: readonly { readonly type: number; readonly value?: unknown }[] }[]
  }
  const rib = async (family: string): Promise<Rib> => JSON.parse(await gobgp.ask('global', 'rib', '-a', family, '-j')) as Rib
  const COMMUNITIES = 8

  it('hears both families over one session, and is heard', async () => {
    const to = { sessions: ['session/external'], communities: ['64512:77'] }
    await apply(SPEAKER, kind('external', 0, { password: 'same', accept: [accepted('172.16.0.0/12', 32)] }))
    await apply(route('10.244.1.1/32', [to]), route('fd00:244::1/128', [to]))
    const four = await until(
      () => rib('ipv4'),
      (all) => '10.244.1.1/32' in all,
    )
    const attributes = four['10.244.1.1/32']?.[0]?.attrs ?? []
    expect(attributes.find(({ type }) => type === COMMUNITIES)).toMatchObject({ communities: [((64512 << 16) >>> 0) + 77] })
    await until(
      () => rib('ipv6'),
      (all) => 'fd00:244::1/128' in all,
    )
    await gobgp.ask('global', 'rib', 'add', '-a', 'ipv4', '172.16.5.0/24')
    const counts = async () => (await states()).get('external')?.prefixes.ipv4
    await until(counts, (all) => all?.accepted === 1)
    await engine.apply({ upserts: [], removals: ['route/10.244.1.1/32'] }, NEVER)
    await until(
      () => rib('ipv4'),
      (all) => !('10.244.1.1/32' in all),
    )
  })
})

const GOBGP_CONFIG = `
[global.config]
  as = 64513
  router-id = "10.0.0.2"
[[neighbors]]
  [neighbors.config]
    neighbor-address = "${ours(0)}"
    peer-as = 64512
    auth-password = "same"
  [neighbors.transport.config]
    local-address = "${theirs(0)}"
  [neighbors.timers.config]
    connect-retry = 1
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
`
