/** The agent's BGP in a lab with routers: what it writes where, what survives a kill, and how a node is drained. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AGENT_SOCKET } from '../../src/agent/main.ts'
import type { AgentState } from '../../src/agent/state.ts'
import { askUnix } from '../../src/http/unix-server.ts'
import { identify } from '../../src/linux/process.ts'
import { bringUpLab, type LiveLab } from '../support/live-lab.ts'
import { until } from '../support/until.ts'

const LAB = 't-bgp-agent'
const soon = { timeout: 20_000, interval: 100 }
const SETTINGS = `
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: { name: tor, namespace: default }
spec:
  { myASN: 64513, peerASN: 64512, peerAddress: 192.168.0.1, connectTime: 1s, enableGracefulRestart: true, dualStackAddressFamily: true }
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: { name: tor-again, namespace: default }
spec: { myASN: 64513, peerASN: 64512, peerAddress: 192.168.0.1 }
---
apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: { name: locked, namespace: default }
spec: { myASN: 64513, peerASN: 64512, peerAddress: 'fd00:192:168::1', connectTime: 1s, passwordSecret: { name: missing } }
---
apiVersion: fairway.dev/v1alpha1
kind: PodRouteAdvertisement
metadata: { name: ranges }
spec: { nodePodCIDRs: true }
---
apiVersion: fairway.dev/v1alpha1
kind: BGPRouteImport
metadata: { name: far }
spec: { prefixes: [{ cidr: 172.30.0.0/24 }] }
`
const SECRET = `
apiVersion: v1
kind: Secret
metadata: { name: missing, namespace: default }
type: kubernetes.io/basic-auth
stringData: { password: ours }
`
/** The router calls optiplex-1, and with another password; of ubuntu-1 it knows none. */
const OTHER_PASSWORD = [
  'configure terminal',
  'router bgp 64512',
  'neighbor fd00:192:168::240 remote-as 64513',
  'neighbor fd00:192:168::240 password theirs',
  'neighbor fd00:192:168::240 timers connect 1',
]
const SUSPECT = 'BGP_PASSWORD_SUSPECT'
const GRACEFUL_SHUTDOWN = 'gracefulShutdown'

let lab: LiveLab
beforeAll(async () => {
  lab = await bringUpLab(LAB, '--with', 'bgp')
  await lab.client('kubectl apply -f -', SETTINGS)
})
afterAll(() => lab?.down())

interface Report {
  readonly state?: string
  readonly routesSent?: number
  readonly routesAccepted?: number
  readonly changedAt?: string
  readonly draining?: boolean
}

const json = async (line: string) => JSON.parse(await lab.client(line))
const folderOf = (node: string) => `/run/fairway/${LAB}/agent/${node}`
const pidOfBird = (node: string) => Number(readFileSync(`${folderOf(node)}/bird/bird.pid`, 'utf8'))
const stateOf = async (node: string): Promise<AgentState> =>
  JSON.parse((await askUnix(`${folderOf(node)}/${AGENT_SOCKET}`, '/state')).text)

async function reportOf(node: string): Promise<Report> {
  const { items } = await json(`kubectl get bgpsessionstatus -o json --field-selector spec.node=${node}`)
  return items.find(({ spec }: { spec: { peer: string } }) => spec.peer === 'tor')?.status ?? {}
}

/** The communities of what the router has of a node's pod range; undefined when it has none. */
async function heardOf(node: string): Promise<readonly string[] | undefined> {
  const range = await lab.client(`kubectl get node ${node} -o jsonpath='{.spec.podCIDRs[0]}'`)
  const { stdout } = await lab.on('tor', `vtysh -c 'show bgp ipv4 unicast ${range.trim()} json'`)
  const [path] = (JSON.parse(stdout || '{}').paths ?? []) as { community?: { list?: string[] } }[]
  return path === undefined ? undefined : (path.community?.list ?? [])
}

interface Finding {
  readonly name: string
  readonly message: string
  readonly subjects: readonly string[]
}

interface LabProcess {
  readonly name: string
  readonly identity?: { readonly pid: number }
}

function pidOfAgent(node: string): number {
  const { processes } = JSON.parse(readFileSync(`/run/fairway/${LAB}/processes.json`, 'utf8')) as { processes: LabProcess[] }
  return processes.find(({ name }) => name === `agent-${node}`)?.identity?.pid ?? 0
}

/** Kills it, and waits until the next one has programmed everything. */
async function killAgent(node: string): Promise<void> {
  const before = pidOfAgent(node)
  process.kill(before, 'SIGKILL')
  await until(
    async () => pidOfAgent(node),
    (pid) => pid !== before,
  )
  const isSynced = () => stateOf(node).then(({ synced, bgp }) => synced && bgp?.pending === 0 && bgp.sessions.length > 0)
  await until(isSynced, (synced) => synced, 20_000)
}

test('sessions come up and are told: report, conditions, Events, metrics, state', async () => {
  for (const node of ['ubuntu-1', 'optiplex-1', 'optiplex-2']) {
    await expect.poll(async () => (await reportOf(node)).state, soon).toBe('Established')
  }
  await expect.poll(() => heardOf('optiplex-1'), soon).toEqual([])
  const table = await lab.client('kubectl get bgpsessionstatuses')
  expect(table).toMatch(/optiplex-1--tor +optiplex-1 +tor +192\.168\.0\.1 +64512 +Established/)
  const peer = await json('kubectl get bgppeer tor -o json')
  expect(peer.status.conditions).toMatchObject([{ type: 'Accepted', status: 'True', observedGeneration: 1 }])
  const { items } = await json('kubectl get events -o json --field-selector involvedObject.name=tor')
  expect(items).toContainEqual(
    expect.objectContaining({
      reason: 'SessionEstablished',
      message: 'Node optiplex-1: the BGP session with 192.168.0.1 is established.',
    }),
  )
  const { text } = await askUnix(`${folderOf('optiplex-1')}/${AGENT_SOCKET}`, '/metrics')
  expect(text).toContain('fairway_bgp_session_up{peer="tor",address="192.168.0.1"} 1')
  expect((await stateOf('optiplex-1')).bgp).toMatchObject({ drain: 'none', routes: 2, pending: 0 })
})

test('a peer that names the neighbour of another one is not accepted, which says so; the other is', async () => {
  const condition = async () => (await json('kubectl get bgppeer tor-again -o json')).status?.conditions?.[0]
  await expect.poll(condition, soon).toMatchObject({ type: 'Accepted', status: 'False', reason: 'BGP_PEER_TWICE' })
  const used = await json('kubectl get bgppeer tor -o json')
  expect(used.status.conditions).toMatchObject([{ type: 'Accepted', status: 'True' }])
})

test('a peer whose Secret is missing is not accepted, which says so, and others work', async () => {
  const condition = async () => (await json('kubectl get bgppeer locked -o json')).status?.conditions?.[0]
  await expect.poll(condition, soon).toMatchObject({ type: 'Accepted', status: 'False', reason: 'BGP_SECRET_MISSING' })
  const { findings } = await stateOf('optiplex-1')
  expect(findings).toContainEqual(expect.objectContaining({ name: 'BGP_SECRET_MISSING', subjects: ['bgppeer/default/locked'] }))
  const { items } = await json('kubectl get events -o json --field-selector involvedObject.name=locked')
  expect(items).toContainEqual(expect.objectContaining({ reason: 'SecretMissing' }))
  await lab.on('tor', `vtysh ${OTHER_PASSWORD.map((line) => `-c '${line}'`).join(' ')}`)
  await lab.client('kubectl apply -f -', SECRET) // what becomes of it takes seconds: it is asked for further below
})

test('an agent that is killed leaves its sessions up, and the next one takes them over', async () => {
  const [bird, report] = [pidOfBird('optiplex-2'), await reportOf('optiplex-2')]
  await killAgent('optiplex-2')
  expect(pidOfBird('optiplex-2')).toBe(bird)
  expect(await reportOf('optiplex-2')).toMatchObject({ state: 'Established', changedAt: report.changedAt })
  const { items } = await json('kubectl get events -o json --field-selector reason=SessionDown')
  expect(items).toEqual([])
})

test('a BIRD that is killed is started again, which its sessions tell', async () => {
  const bird = pidOfBird('optiplex-2')
  process.kill(bird, 'SIGKILL')
  await expect.poll(() => pidOfBird('optiplex-2'), soon).not.toBe(bird)
  await expect.poll(async () => (await reportOf('optiplex-2')).state, soon).toBe('Established')
  await expect.poll(() => heardOf('optiplex-2'), soon).toEqual([])
  const { findings } = await stateOf('optiplex-2')
  expect(findings).toContainEqual(expect.objectContaining({ name: 'BGP_DAEMON_DIED', subjects: ['node/optiplex-2'] }))
})

test('a password that only we have, and one that is another than the router’s, are suspected within seconds', async () => {
  const suspicions = async () => {
    const { findings } = await json('fairway bgp peers -o json || true')
    const found = (findings as Finding[]).filter(
      ({ name, subjects }) => name === SUSPECT && subjects.includes('bgppeer/default/locked'),
    )
    return found.map(({ message }) => message).join('\n')
  }
  const within15s = { timeout: 15_000, interval: 100 } // what people are promised; a part of it has passed already
  await expect.poll(suspicions, within15s).toMatch(/optiplex-1.*: TCP MD5 signatures are wrong/)
  await expect.poll(suspicions, within15s).toMatch(/ubuntu-1.*: the neighbour is there, but does not answer/)
  const { items } = await json('kubectl get events -o json --field-selector involvedObject.name=locked')
  expect(items).toContainEqual(expect.objectContaining({ reason: 'PasswordsDiffer' }))
})

/** Each about a node of its own: they wait for clocks, at the same time. */
describe.concurrent('side by side', () => {
  test('what is accepted of the router is told, and is the way back; without any way back there is a finding', async ({
    expect,
  }) => {
    await expect.poll(async () => (await reportOf('optiplex-2')).routesAccepted, { ...soon, timeout: 30_000 }).toBe(1)
    const names = async () => (await stateOf('optiplex-2')).findings.map(({ name }) => name)
    expect(await names()).not.toContain('BGP_NO_ROUTE_BACK')
    await lab.on('optiplex-2', 'ip route add 172.30.0.0/24 via 192.168.0.154')
    await killAgent('optiplex-2') // looks at once, where it would every half minute
    await expect.poll(names, soon).toContain('BGP_IMPORT_SHADOWED')
    await lab.on('optiplex-2', 'ip route del 172.30.0.0/24')
    await lab.client('kubectl delete bgprouteimport far')
    await lab.on('optiplex-2', 'ip route del default')
    await killAgent('optiplex-2')
    await expect.poll(names, soon).toContain('BGP_NO_ROUTE_BACK')
  })

  test('a cordoned node is discouraged at once, withdrawn after 5 s, closed after 10 s more; a new agent keeps it so; uncordoned it is back', async ({
    expect,
  }) => {
    const drainOf = async () => (await stateOf('optiplex-1')).bgp?.drain
    await lab.client('kubectl cordon optiplex-1')
    await expect.poll(() => heardOf('optiplex-1'), soon).toEqual([GRACEFUL_SHUTDOWN])
    expect(await drainOf()).toBe('discouraged')
    await expect.poll(() => heardOf('optiplex-1'), soon).toBeUndefined()
    expect(await drainOf()).toBe('withdrawn')
    expect((await reportOf('optiplex-1')).state).toBe('Established')
    await killAgent('optiplex-1')
    expect(await drainOf()).toBe('withdrawn')
    await expect.poll(async () => (await reportOf('optiplex-1')).state, soon).toBe('Closed')
    expect(await reportOf('optiplex-1')).toMatchObject({ draining: true, routesSent: 0 })
    await killAgent('optiplex-1')
    expect(await drainOf()).toBe('closed')
    expect(await heardOf('optiplex-1')).toBeUndefined()
    await expect.poll(() => heardOf('optiplex-2'), soon).toEqual([]) // its agent may just have been killed
    await lab.client('kubectl uncordon optiplex-1')
    await expect.poll(() => heardOf('optiplex-1'), soon).toEqual([])
    await expect.poll(async () => (await reportOf('optiplex-1')).state, soon).toBe('Established')
  })
})

test('with its peer, a session, its report and BIRD go', async () => {
  const birds = ['ubuntu-1', 'optiplex-1', 'optiplex-2'].map(pidOfBird)
  await lab.client('kubectl delete bgppeer --all')
  await expect.poll(() => lab.client('kubectl get bgpsessionstatus -o name'), soon).toBe('')
  await expect.poll(() => birds.filter((pid) => identify(pid) !== undefined), soon).toEqual([])
  expect((await stateOf('optiplex-1')).bgp).toMatchObject({ sessions: [], routes: 0 })
})
