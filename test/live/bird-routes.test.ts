/** Routes that a neighbour announces and a session accepts, seen by packets. */

import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BirdDaemon } from '../../src/engine/bird/daemon.ts'
import { createBirdEngine } from '../../src/engine/bird/engine.ts'
import { KERNEL_TABLE } from '../../src/engine/bird/lookup.ts'
import { inNetns, ipBatch, listenInNetns, netnsPath } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { accepted, route, SPEAKER, session } from '../support/bgp-entries.ts'
import { NEVER } from '../support/datapath.ts'
import { until } from '../support/until.ts'

const NODE = `fwt-birdrt-n-${process.pid}`
const ROUTER = `fwt-birdrt-r-${process.pid}`
const OTHER = `fwt-birdrt-o-${process.pid}`
const folder = mkdtempSync(join(tmpdir(), 'fwt-birdrt-'))
const routerFile = join(folder, 'router.conf')
const router = new BirdDaemon({ directory: folder, netns: netnsPath(ROUTER) }, () => routerFile)
const engine = createBirdEngine({ directory: join(folder, 'node'), netns: netnsPath(NODE) })

const servers: Server[] = []

/** The node's default route goes to OTHER, which has the same far addresses and is not the one that BGP announces. */
beforeAll(async () => {
  for (const name of [NODE, ROUTER, OTHER]) await run(['ip', 'netns', 'add', name])
  await run(['ip', 'link', 'add', 'e0', 'netns', NODE, 'type', 'veth', 'peer', 'name', 'e0', 'netns', ROUTER])
  await run(['ip', 'link', 'add', 'e1', 'netns', NODE, 'type', 'veth', 'peer', 'name', 'e1', 'netns', OTHER])
  await ipBatch(NODE, [
    'link set lo up',
    ...['addr add 192.0.2.1/24 dev e0', 'addr add 2001:db8::1/64 dev e0 nodad', 'link set e0 up'],
    ...['addr add 203.0.113.1/24 dev e1', 'addr add 2001:db8:1::1/64 dev e1 nodad', 'link set e1 up'],
    ...['route add default via 203.0.113.2', 'route add default via 2001:db8:1::2'],
    'route add 10.64.0.2/32 via 192.0.2.2',
  ])
  const far = ['addr add 172.16.1.1/32 dev lo', 'addr add 10.64.0.2/32 dev lo', 'addr add fd00:16::1/128 dev lo nodad']
  await ipBatch(ROUTER, [
    'link set lo up',
    ...['addr add 192.0.2.2/24 dev e0', 'addr add 2001:db8::2/64 dev e0 nodad', 'link set e0 up', ...far],
  ])
  await ipBatch(OTHER, [
    'link set lo up',
    'addr add 203.0.113.2/24 dev e1',
    'addr add 2001:db8:1::2/64 dev e1 nodad',
    'link set e1 up',
  ])
  listen(ROUTER, '0.0.0.0', 'router')
  listen(ROUTER, '::', 'router')
  listen(OTHER, '0.0.0.0', 'other')
})
afterAll(async () => {
  for (const server of servers) server.close()
  await engine.cleanup()
  await router.end()
  for (const name of [NODE, ROUTER, OTHER]) await tryRun(['ip', 'netns', 'del', name])
  rmSync(folder, { recursive: true, force: true })
})

/** Who answers at an address when the node asks; '' for nobody. */
async function answers(address: string): Promise<string> {
  const host = address.includes(':') ? `[${address}]` : address
  return (await tryRun(inNetns(NODE, ['curl', '-s', '-g', '--connect-timeout', '1', `http://${host}/`]))).stdout
}

function listen(namespace: string, address: string, words: string): void {
  const server = createServer((_request, response) => response.end(words))
  server.listen({ fd: listenInNetns(netnsPath(namespace), address, 80) })
  servers.push(server)
}
const rules = async (): Promise<string> => {
  const asked = ['-4', '-6'].map((family) => run(inNetns(NODE, ['ip', family, 'rule', 'show'])))
  return (await Promise.all(asked)).join('')
}
const tableNow = async (): Promise<readonly string[]> => {
  const asked = ['-4', '-6'].map((family) =>
    tryRun(inNetns(NODE, ['ip', family, 'route', 'show', 'table', String(KERNEL_TABLE)])),
  )
  return (await Promise.all(asked)).flatMap(({ stdout }) => stdout.split('\n').filter((line) => line !== ''))
}

function killBird(): void {
  const daemon = new BirdDaemon({ directory: join(folder, 'node'), netns: netnsPath(NODE) }, () => '')
  process.kill(daemon.identity?.pid ?? 0, 'SIGKILL')
}

async function startRouter(local: string, remote: string, more = ''): Promise<void> {
  const lines = [
    'router id 10.0.0.2;',
    'protocol device { }',
    'protocol static { ipv4; route 172.16.1.0/24 unreachable; route 172.16.1.1/32 unreachable; route 203.0.113.0/24 unreachable; route 198.51.100.0/24 unreachable; }',
    'protocol static { ipv6; route fd00:16::/64 unreachable; }',
    `protocol bgp n1 { local ${local}; neighbor ${remote}; connect delay time 1; error wait time 1, 2; ${more} ipv4 { import all; export where source = RTS_STATIC; next hop self; }; ipv6 { import all; export where source = RTS_STATIC; next hop self; next hop address 2001:db8::2; }; }`,
  ]
  await writeFile(routerFile, `${lines.join('\n')}\n`)
  await router.run()
}

const ACCEPT = [accepted('172.16.0.0/12', 24), accepted('203.0.113.0/24'), accepted('fd00:16::/32', 64)]
const speaker = { ...SPEAKER, kernelTable: KERNEL_TABLE }

it('sends packets along what it accepts, and along nothing else', async () => {
  await startRouter('192.0.2.2 as 64513', '192.0.2.1 as 64512')
  const before = await rules()
  expect(await answers('172.16.1.1')).toBe('')
  await engine.apply({ upserts: [speaker, session(), route('10.244.1.1/32')], removals: [] }, NEVER)
  const established = async () => (await engine.sessions())[0]
  await until(established, (state) => state?.phase === 'established')
  expect(await rules()).toBe(before)
  await engine.apply({ upserts: [session({ accept: ACCEPT })], removals: [] }, NEVER)
  const table = await until(tableNow, (lines) => lines.length === 3)
  expect(table.map((line) => line.split(' ')[0])).toEqual(['172.16.1.0/24', '203.0.113.0/24', 'fd00:16::/64'])
  expect(await rules()).toMatch(/32764:\tfrom all lookup main suppress_prefixlength 0\n32765:\tfrom all lookup 20819\n/)
  expect(await answers('172.16.1.1')).toBe('router')
  expect(await answers('fd00:16::1')).toBe('router')
  expect(await answers('203.0.113.2')).toBe('other') // a link of the node's own, which the neighbour cannot take
})

it('keeps them while BIRD is killed and comes back, and puts back rules that somebody took away', async () => {
  killBird()
  expect(await answers('172.16.1.1')).toBe('router')
  await run(inNetns(NODE, ['ip', 'rule', 'del', 'pref', '32765']))
  await engine.refresh(NEVER)
  const again = async () => (await engine.sessions().catch(() => []))[0]
  await until(again, (state) => state?.prefixes.ipv4?.accepted === 2)
  expect(await answers('172.16.1.1')).toBe('router')
})

it('takes routes and rules away when nothing is accepted any more', async () => {
  await engine.apply({ upserts: [session()], removals: [] }, NEVER)
  await until(tableNow, (lines) => lines.length === 0)
  expect(await rules()).not.toMatch(/3276[45]:/)
  expect(await answers('172.16.1.1')).toBe('')
})

it('finds next hops of inner neighbours that are not on a link', async () => {
  await router.end()
  await startRouter('10.64.0.2 as 64512', '192.0.2.1 as 64512', 'multihop 4;')
  const inner = session({ peerAs: 64512, peerAddress: '10.64.0.2', hops: 4, accept: ACCEPT })
  await engine.apply({ upserts: [inner], removals: [] }, NEVER)
  const table = await until(tableNow, (lines) => lines.length === 3)
  expect(table[0]).toContain('via 192.0.2.2 dev e0')
  expect(await answers('172.16.1.1')).toBe('router')
})

it('takes them away, too, from a BIRD that was killed and still waits for its neighbour to come back', async () => {
  killBird()
  await router.end()
  await until(
    () =>
      engine
        .refresh(NEVER)
        .then(() => engine.sessions())
        .catch(() => []),
    (states) => states.length === 1,
  )
  expect(await tableNow()).toHaveLength(3)
  await engine.apply({ upserts: [session({ peerAs: 64512, peerAddress: '10.64.0.2', hops: 4 })], removals: [] }, NEVER)
  await until(tableNow, (lines) => lines.length === 0)
  expect(await rules()).not.toMatch(/3276[45]:/)
})

it('leaves nothing behind', async () => {
  await engine.cleanup()
  expect(await tableNow()).toEqual([])
  expect(await rules()).not.toMatch(/3276[45]:/)
})
