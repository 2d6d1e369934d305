/** The reports of BGP sessions against the lab's API server, which checks them as the definition says. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { ReportWriter } from '../../src/agent/bgp/report-writer.ts'
import { ApiError } from '../../src/kube/api-error.ts'
import { sessionStatusName } from '../../src/kube/bgp-session-object.ts'
import { BGP_SESSION_STATUSES, convertSessionStatus } from '../../src/kube/bgp-session-status.ts'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import { NODES } from '../../src/kube/resource.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'
import { applyDefinitions, shippedDefinitions } from '../../src/lab/crds.ts'
import type { SessionReport } from '../../src/model/session-report.ts'

const REPORT: SessionReport = {
  node: 'n1',
  peer: 'tor',
  peerAddress: '192.168.0.1',
  peerAs: 64512,
  localAddress: '192.168.0.11',
  localAs: 64513,
  state: 'Established',
  bfd: 'Up',
  families: ['IPv4', 'IPv6'],
  routesSent: 7,
  routesAccepted: 1,
  routesRejected: 2,
  gracefulRestart: true,
  draining: false,
  changedAt: '2026-01-01T00:00:05Z',
  lastError: '',
  conditions: [{ type: 'Established', holds: true, reason: 'Established', message: 'It is.' }],
}
const DOWN: SessionReport = {
  ...REPORT,
  ...{ state: 'Active', bfd: 'None', families: [], routesSent: 0, localAddress: '', lastError: 'Hold timer expired' },
  conditions: [{ type: 'Established', holds: false, reason: 'BGP_SESSION_DOWN', message: 'It is not.' }],
}

let server: TestServer
let client: KubeClient
let stop: AbortController
let nowInMs = 0
beforeAll(async () => {
  server = await startTestServer()
  const credentials = () => Promise.resolve({ headers: {} })
  client = createClient({ server: server.url, insecure: false, namespace: 'default', source: 'test', credentials })
  await applyDefinitions(client, shippedDefinitions() ?? '')
  await client.create(NODES, { metadata: { name: 'n1' } })
})
afterAll(async () => {
  client.close()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => {
  stop = new AbortController()
  nowInMs = 0
})
afterEach(async () => {
  stop.abort()
  const all = await client.list(BGP_SESSION_STATUSES)
  for (const { metadata } of all.items) await client.delete(BGP_SESSION_STATUSES, { name: metadata.name ?? '' })
})

const writer = (through: KubeClient = client) =>
  new ReportWriter({ client: through, node: 'n1', signal: stop.signal, nowInMs: () => nowInMs })
async function write(to: ReportWriter, ...reports: SessionReport[]): Promise<void> {
  to.want(reports)
  await to.settled()
}
async function stored(): Promise<readonly SessionReport[]> {
  const { items } = await client.list(BGP_SESSION_STATUSES)
  return items.flatMap((item) => convertSessionStatus(item).value ?? [])
}
const version = async () => (await client.get(BGP_SESSION_STATUSES, { name: 'n1--tor' })).metadata.resourceVersion

test('a report is read as it was written, belongs to its node, and goes when its session goes', async () => {
  const to = writer()
  await write(to, REPORT, { ...REPORT, peer: 'other' })
  expect(await stored()).toEqual([{ ...REPORT, peer: 'other' }, REPORT])
  const { metadata } = await client.get(BGP_SESSION_STATUSES, { name: 'n1--tor' })
  const node = await client.get(NODES, { name: 'n1' })
  expect(metadata.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: node.metadata.uid }])
  await write(to, { ...REPORT, peer: 'other' })
  expect((await stored()).map(({ peer }) => peer)).toEqual(['other'])
})

test('what is no longer so leaves nothing behind', async () => {
  const to = writer()
  await write(to, REPORT)
  await write(to, DOWN)
  expect(await stored()).toEqual([DOWN])
})

test('numbers are written every 10 s, tries to connect every minute, all else at once', async () => {
  const to = writer()
  await write(to, REPORT)
  const first = await version()
  nowInMs = 9_999
  await write(to, { ...REPORT, routesSent: 8 })
  expect(await version()).toBe(first)
  nowInMs = 10_000
  await write(to, { ...REPORT, routesSent: 9 })
  expect((await stored())[0]?.routesSent).toBe(9)
  await write(to, DOWN)
  const down = await version()
  nowInMs = 69_999
  await write(to, { ...DOWN, state: 'Connect', lastError: 'Connection refused' })
  expect(await version()).toBe(down)
  nowInMs = 70_000
  await write(to, { ...DOWN, state: 'Connect', lastError: 'Connection refused' })
  expect((await stored())[0]).toMatchObject({ state: 'Connect', lastError: 'Connection refused' })
})

test('a report that somebody removed is made anew; one of a predecessor is taken over, or removed', async () => {
  await write(writer(), REPORT, { ...REPORT, peer: 'gone' })
  await client.create(BGP_SESSION_STATUSES, { metadata: { name: 'n2--tor' }, spec: { node: 'n2', peer: 'tor' } })
  const to = writer()
  await write(to, DOWN)
  expect((await stored()).map(({ node, peer, state }) => [node, peer, state])).toEqual([
    ['n1', 'tor', 'Active'],
    ['n2', 'tor', ''],
  ])
  await client.delete(BGP_SESSION_STATUSES, { name: 'n1--tor' })
  await write(to, REPORT)
  expect((await stored())[0]).toEqual(REPORT)
})

test('a server that refuses is left in peace for a while', async () => {
  let refused = 0
  const failing: KubeClient = { ...client, list: () => Promise.reject(new Error(`refused ${++refused}`)) }
  const to = writer(failing)
  await write(to, REPORT)
  nowInMs = 9_999
  await write(to, REPORT)
  expect(refused).toBe(2) // by field, then without
  nowInMs = 10_000
  await write(to, REPORT)
  expect(refused).toBe(4)
})

test('a server that lacks the kind is not asked again and again while nothing is to be written, and has it later', async () => {
  const missing = new ApiError(404, { reason: 'NotFound' } as never, { request: 'GET' })
  let asked = 0
  const lacking: KubeClient = { ...client, list: (...call) => (++asked === 1 ? Promise.reject(missing) : client.list(...call)) }
  const to = writer(lacking)
  await write(to)
  await write(to)
  expect(asked).toBe(1)
  await write(to, REPORT)
  expect(await stored()).toEqual([REPORT])
  await write(to)
  expect(await stored()).toEqual([])
})

test('names are as long as the API takes them, and no two are the same', () => {
  const long = 'x'.repeat(250)
  const names = [sessionStatusName('n1', long), sessionStatusName('n2', long), sessionStatusName('n1', `${long}y`)]
  expect(new Set(names).size).toBe(3)
  expect(names.every((name) => name.length <= 253)).toBe(true)
  expect(sessionStatusName('n1', 'a/b')).not.toBe(sessionStatusName('n1', 'a.b'))
})
