/** Two BIRDs in two namespaces: ours, and a router that is configured by hand. */
import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BirdControl } from '../../src/engine/bird/control.ts'
import { BirdDaemon } from '../../src/engine/bird/daemon.ts'
import { createBirdEngine } from '../../src/engine/bird/engine.ts'
import { NodeBird } from '../../src/engine/bird/node.ts'
import { unheard } from '../../src/engine/bird/status.ts'
import { ipBatch, netnsPath } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import type { BgpEntry, BgpSession, SessionState } from '../../src/model/bgp.ts'
import { accepted, route, SPEAKER, session } from '../support/bgp-entries.ts'
import { birdSuite } from '../support/bird-suite.ts'
import { NEVER } from '../support/datapath.ts'
import { until } from '../support/until.ts'

const NODE = `fwt-bird-n-${process.pid}`
const ROUTER = `fwt-bird-r-${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'fwt-bird-'))
const node = { directory: join(folder, 'node'), netns: netnsPath(NODE) }
const routerFile = join(folder, 'router.conf')
const router = new BirdDaemon({ directory: join(folder), netns: netnsPath(ROUTER) }, () => routerFile)

beforeAll(async () => {
  for (const name of [NODE, ROUTER]) await run(['ip', 'netns', 'add', name])
  await run(['ip', 'link', 'add', 'e0', 'netns', NODE, 'type', 'veth', 'peer', 'name', 'e0', 'netns', ROUTER])
  for (const [name, last] of [
    [NODE, 1],
    [ROUTER, 2],
  ] as const) {
    await ipBatch(name, ['link set lo up', `addr add 192.0.2.${last}/24 dev e0`, `addr add 2001:db8::${last}/64 dev e0 nodad`])
    await ipBatch(name, ['link set e0 up'])
  }
})
afterAll(async () => {
  await router.end()
  for (const name of [NODE, ROUTER]) await tryRun(['ip', 'netns', 'del', name])
  rmSync(folder, { recursive: true, force: true })
})

birdSuite('BIRD of a node', () => new NodeBird(node))

describe('with a router', () => {
  let engine: ReturnType<typeof createBirdEngine>

  /** Starts the router; `more` are lines of its side of the session. */
  async function startRouter(more = '', remoteAs = 64512): Promise<void> {
    const channels = 'ipv4 { import all; export where source = RTS_STATIC; }; ipv6 { import all; export none; };'
    const lines = [
      'router id 10.0.0.2;',
      'protocol device { }',
      'protocol bfd { }',
      'protocol static { ipv4; route 172.16.1.0/24 unreachable; route 198.51.100.0/24 unreachable; }',
      `protocol bgp n1 { local 192.0.2.2 as 64513; neighbor 192.0.2.1 as ${remoteAs}; connect delay time 1; error wait time 1, 2; ${more} ${channels} }`,
    ]
    await writeFile(routerFile, `${lines.join('\n')}\n`)
    await router.run()
  }
  const routes = async () => (await router.ask('show route all protocol n1')).lines
  const count = async () => {
    const { lines } = await router.ask('show route protocol n1 table master4 count')
    return Number(/^(\d+) of/.exec(lines.join('\n'))?.[1])
  }
  const apply = (...upserts: BgpEntry[]) => engine.apply({ upserts, removals: [] }, NEVER)
  const state = async () => (await engine.sessions())[0] as SessionState
  const up = (one: SessionState) => one.phase === 'established'

  beforeEach(() => {
    engine = createBirdEngine({ ...node, heartbeatInMs: 200, answerTimeoutInMs: 500 })
  })
  afterEach(async () => {
    await engine.cleanup()
    await router.end()
  })

  it('announces both families over one session, with MD5 and BFD, and withdraws', async () => {
    const bfd = { receiveInMs: 50, transmitInMs: 50, detectMultiplier: 3, passive: false }
    const password = "it's {a}; # secret"
    await startRouter(`password "${password}"; bfd { min rx interval 50 ms; min tx interval 50 ms; };`)
    const to = { sessions: ['session/tor'], communities: ['64512:77', '64512:1:2'] }
    const asked = session({ password, bfd, accept: [accepted('172.16.0.0/12', 24)] })
    await apply(SPEAKER, asked, route('10.244.1.1/32', [to]), route('10.244.1.2/32', [{ ...to, sessions: ['session/other'] }]))
    await apply(route('fd00:244::1/128'))
    const heard = await until(routes, (lines) => lines.some((line) => line.startsWith('fd00:244::1/128')))
    const text = heard.join('\n')
    expect(text).toMatch(/10\.244\.1\.1\/32 [\s\S]*BGP\.next_hop: 192\.0\.2\.1\n[\s\S]*\(64512,77\)[\s\S]*\(64512, 1, 2\)/)
    expect(text).toMatch(/fd00:244::1\/128 [\s\S]*BGP\.next_hop: 2001:db8::1/)
    expect(text).not.toContain('10.244.1.2')
    const one = await until(state, (each) => each.bfd === 'up' && each.prefixes.ipv4?.accepted === 1)
    expect(one).toMatchObject({
      phase: 'established',
      holdTimeInS: 9,
      neighbourId: '10.0.0.2',
      localAddress: '192.0.2.1',
      lastError: '',
    })
    expect(one.prefixes).toEqual({ ipv4: { sent: 1, accepted: 1, refused: 1 }, ipv6: { sent: 1, accepted: 0, refused: 0 } })
    expect(Math.abs(Date.now() - one.sinceInMs)).toBeLessThan(10_000)
    expect(engine.judge([one])).toEqual([])
    await apply({ ...asked, drain: 'discouraged' })
    await until(routes, (lines) => lines.join('\n').includes('(65535,0)'))
    await engine.apply({ upserts: [], removals: ['route/10.244.1.1/32'] }, NEVER)
    await until(routes, (lines) => !lines.some((line) => line.startsWith('10.244.1.1/32')))
    await apply({ ...asked, drain: 'withdrawn' })
    await until(routes, (lines) => !lines.some((line) => line.startsWith('fd00:244::1/128')))
    expect((await state()).phase).toBe('established')
  })

  it.each<[string, string, number, Partial<BgpSession>]>([
    ['BGP_SESSION_DOWN', '', 64512, { peerPort: 1790 }],
    ['BGP_AS_MISMATCH', '', 64512, { peerAs: 64999 }],
    ['BGP_AS_MISMATCH', '', 64999, {}],
    ['BGP_PASSWORD_SUSPECT', 'password "right";', 64512, { password: 'wrong' }],
  ])('says why a session is not up: %s', async (name, more, remoteAs, part) => {
    await startRouter(more, remoteAs)
    await apply(SPEAKER, session(part))
    const judged = async () => engine.judge([await state()])
    expect(await until(judged, ([first]) => first?.code.name === name)).toMatchObject([{ subjects: ['session/tor'] }])
  })

  it('says that another program has the port', async () => {
    const other = new BirdDaemon({ directory: folder, netns: node.netns }, () => routerFile)
    await startRouter()
    await router.end()
    await writeFile(
      routerFile,
      'router id 1.1.1.1;\nprotocol device { }\nprotocol bgp x { local as 1; neighbor 192.0.2.9 as 2; ipv4 { import none; export none; }; }\n',
    )
    await other.run()
    await apply(SPEAKER, session({ sourceAddress: '' }))
    const judged = async () => engine.judge([await state()])
    await until(judged, ([first]) => first?.code.name === 'BGP_PORT_TAKEN')
    await other.end()
  })

  it('starts it anew when it dies or hangs, and the next engine finds it', async () => {
    await startRouter()
    await apply(SPEAKER, session(), route('10.244.1.1/32'))
    await until(state, up)
    const daemon = new BirdDaemon(node, () => '')
    const first = daemon.identity?.pid ?? 0
    const pidOf = async () => daemon.identity?.pid ?? 0
    const namesNow = async () => engine.findings.map(({ code }) => code.name)
    const heard = () => state().catch(() => unheard('session/tor')) // it cannot be asked while there is none
    process.kill(first, 'SIGKILL')
    const second = await until(pidOf, (pid) => pid !== first && pid !== 0)
    await until(heard, up)
    expect(await namesNow()).toEqual(['BGP_DAEMON_DIED'])
    process.kill(second, 'SIGSTOP')
    const third = await until(pidOf, (pid) => pid !== second && pid !== 0)
    await until(namesNow, (names) => names.includes('BGP_DAEMON_HUNG'))
    await until(heard, up)
    const { sinceInMs } = await state()
    await engine.close()
    engine = createBirdEngine(node)
    await engine.refresh(NEVER)
    expect([...engine.observed.keys()].toSorted()).toEqual(['route/10.244.1.1/32', 'session/tor', 'speaker'])
    expect(daemon.identity?.pid).toBe(third)
    expect((await state()).sinceInMs).toBe(sinceInMs)
  })

  it('carries 10,000 routes in one change', async () => {
    await startRouter()
    await apply(SPEAKER, session())
    await until(state, up)
    const many = Array.from({ length: 10_000 }, (_, at) => route(`10.${(at >> 16) & 255}.${(at >> 8) & 255}.${at & 255}/32`))
    const began = performance.now()
    await apply(...many)
    const applied = performance.now() - began
    await until(count, (routesThere) => routesThere === 10_000)
    const there = performance.now() - began
    await engine.apply({ upserts: [], removals: [many[7]?.key ?? ''] }, NEVER)
    await until(count, (routesThere) => routesThere === 9_999)
    process.stdout.write(`10,000 routes: applied in ${applied.toFixed(0)} ms, at the peer in ${there.toFixed(0)} ms\n`)
  })

  it('cannot be asked when there is nobody', async () => {
    await expect(BirdControl.connect(join(folder, 'nobody'), 500)).rejects.toMatchObject({ code: { name: 'BGP_CONTROL_FAILED' } })
  })
})
