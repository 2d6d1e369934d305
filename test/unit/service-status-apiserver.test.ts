/** What nodes say of Services, against the lab's API server, which checks it as the definition says. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { L2ServiceStatus } from '../../src/agent/l2/service-status.ts'
import { type ServiceStatus, ServiceStatusWriter } from '../../src/agent/service-status-writer.ts'
import { ApiError } from '../../src/kube/api-error.ts'
import { NAMESPACES } from '../../src/kube/bgp-resources.ts'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import { keyOf, NODES } from '../../src/kube/resource.ts'
import {
  SERVICE_BGP_STATUSES,
  SERVICE_L2_STATUSES,
  serviceStatusName,
  serviceStatusObject,
} from '../../src/kube/service-status-object.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'
import { applyDefinitions, shippedDefinitions } from '../../src/lab/crds.ts'

let server: TestServer
let client: KubeClient
let stop: AbortController
let nowInMs = 0
beforeAll(async () => {
  server = await startTestServer()
  const credentials = () => Promise.resolve({ headers: {} })
  client = createClient({ server: server.url, insecure: false, namespace: 'default', source: 'test', credentials })
  await client.create(NODES, { metadata: { name: 'n1' } })
  await client.create(NAMESPACES, { metadata: { name: 'shop' } })
})
afterAll(async () => {
  client.close()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => {
  stop = new AbortController()
  nowInMs = 0
})
afterEach(() => stop.abort())

const writer = (node = 'n1', through: KubeClient = client) =>
  new ServiceStatusWriter({ client: through, node, resource: SERVICE_BGP_STATUSES, signal: stop.signal, nowInMs: () => nowInMs })
async function write(to: ServiceStatusWriter, statuses: Readonly<Record<string, ServiceStatus>>): Promise<void> {
  to.want(new Map(Object.entries(statuses)))
  await to.settled()
}
async function stored() {
  const { items } = await client.list(SERVICE_BGP_STATUSES)
  return items.map((item) => [keyOf(item), item.status])
}
const status = (namespace: string, name: string, peers: readonly string[], node = 'n1') => ({
  ...{ node, serviceName: name, serviceNamespace: namespace, peers },
})

test('a server without the kind is asked again after a while, and only for who has something to say', async () => {
  const idle = writer()
  await write(idle, {})
  await write(idle, {})
  const eager = writer()
  await write(eager, {})
  await write(eager, { 'default/web': { peers: ['tor'] } })
  await applyDefinitions(client, shippedDefinitions() ?? '')
  nowInMs = 9_999
  await write(eager, { 'default/web': { peers: ['tor'] } })
  expect(await stored()).toEqual([])
  nowInMs = 10_000
  await write(eager, { 'default/web': { peers: ['tor'] } })
  expect(await stored()).toEqual([['default/web--n1', status('default', 'web', ['tor'])]])
  await write(eager, {})
  expect(await stored()).toEqual([])
})

test('what a predecessor left goes or is brought up to date; those of other nodes are let alone', async () => {
  const other = serviceStatusObject('n2', 'default/web', '')
  await client.create(SERVICE_BGP_STATUSES, other)
  await write(writer(), { 'shop/web': { peers: ['a', 'b'] } })
  expect((await stored()).toSorted()).toEqual([
    ['default/web--n2', undefined],
    ['shop/web--n1', status('shop', 'web', ['a', 'b'])],
  ])
  const [{ metadata }] = (
    await client.list(SERVICE_BGP_STATUSES, { labelSelector: 'metallb.io/service-name=web,metallb.io/node=n1' })
  ).items as [{ metadata: { ownerReferences?: readonly { kind: string; uid: string }[]; labels?: unknown } }]
  const { metadata: node } = await client.get(NODES, { name: 'n1' })
  expect(metadata.ownerReferences).toMatchObject([{ kind: 'Node', name: 'n1', uid: node.uid }])
  expect(metadata.labels).toEqual({
    'metallb.io/node': 'n1',
    'metallb.io/service-namespace': 'shop',
    'metallb.io/service-name': 'web',
  })
})

test('only what changes is written; what somebody removed comes again with its next change', async () => {
  const to = writer()
  await write(to, { 'default/a': { peers: ['x'] }, 'default/b': { peers: ['x'] } })
  const before = (await client.list(SERVICE_BGP_STATUSES)).metadata.resourceVersion
  await write(to, { 'default/a': { peers: ['x'] }, 'default/b': { peers: ['x'] } })
  expect((await client.list(SERVICE_BGP_STATUSES)).metadata.resourceVersion).toBe(before)
  await client.delete(SERVICE_BGP_STATUSES, { namespace: 'default', name: 'a--n1' })
  await write(to, { 'default/a': { peers: ['y'] } })
  expect(await stored()).toContainEqual(['default/a--n1', status('default', 'a', ['y'])])
  expect(await stored()).not.toContainEqual(['default/b--n1', expect.anything()])
  await write(to, {})
  expect((await stored()).map(([key]) => key)).toEqual(['default/web--n2'])
})

test('one that cannot be written holds up none of the others', async () => {
  const refusing: KubeClient = {
    ...client,
    create: async (resource, object, options) => {
      if (object.metadata.namespace === 'shop')
        throw new ApiError(403, { message: 'it is being terminated' }, { request: 'POST' })
      return client.create(resource, object, options)
    },
  } as KubeClient
  const to = writer('n1', refusing)
  await write(to, { 'shop/a': { peers: ['x'] }, 'default/a': { peers: ['x'] } })
  expect((await stored()).map(([key]) => key)).toContain('default/a--n1')
  await write(to, {})
  expect((await stored()).map(([key]) => key)).toContain('default/a--n1')
  nowInMs = 10_000
  await write(to, {})
  expect((await stored()).map(([key]) => key)).not.toContain('default/a--n1')
})

test('names and labels that are too long are cut, and no two are the same', () => {
  const long = 'n'.repeat(250)
  const names = ['a', 'b'].map((last) => serviceStatusName(`${long}${last}`, 'default/web').name)
  expect(new Set(names).size).toBe(2)
  for (const name of names) expect(name.length).toBeLessThanOrEqual(253)
  const labels = serviceStatusObject(long, 'default/web', '').metadata.labels ?? {}
  for (const label of Object.values(labels)) expect(label).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
})

test('what others may have removed is read again, and only that is written anew', async () => {
  const to = writer()
  const both = { 'default/a': { peers: ['x'] }, 'default/b': { peers: ['x'] } }
  await write(to, both)
  await client.delete(SERVICE_BGP_STATUSES, { namespace: 'default', name: 'a--n1' })
  const { metadata } = await client.get(SERVICE_BGP_STATUSES, { namespace: 'default', name: 'b--n1' })
  to.distrust()
  await write(to, both)
  expect(await stored()).toContainEqual(['default/a--n1', status('default', 'a', ['x'])])
  const after = await client.get(SERVICE_BGP_STATUSES, { namespace: 'default', name: 'b--n1' })
  expect(after.metadata.resourceVersion).toBe(metadata.resourceVersion)
  await write(to, {})
})

test('the one who announces a Service from now on removes what a dead node said of it, and nothing else', async () => {
  const statusOf = (node: string, service: string) =>
    client.create(SERVICE_L2_STATUSES, serviceStatusObject(node, service, '')).then(() => undefined)
  await statusOf('dead', 'default/web')
  await statusOf('dead', 'default/other') // somebody else's by now
  await statusOf('n3', 'default/web') // it lives, and has the other family
  let dead: ReadonlySet<string> = new Set()
  const announced = () => new Map([['default/web', new Set(['eth0'])]])
  const speaker = new L2ServiceStatus({ client, node: 'n1', signal: stop.signal, announced, dead: () => dead, afterInMs: 1 })
  const there = async () => (await client.list(SERVICE_L2_STATUSES)).items.map((item) => keyOf(item)).toSorted()
  speaker.note()
  await vi.waitFor(async () => expect(await there()).toContain('default/web--n1'))
  expect(await there()).toContain('default/web--dead') // nobody knows that it is dead
  dead = new Set(['dead'])
  speaker.note()
  await vi.waitFor(async () => expect(await there()).toEqual(['default/other--dead', 'default/web--n1', 'default/web--n3']))
})

test('what changes all the time does not keep the rest from being told', async () => {
  const announced = () => new Map([['default/calm', new Set(['eth0'])]])
  const speaker = new L2ServiceStatus({
    client,
    node: 'n1',
    signal: stop.signal,
    announced,
    dead: () => new Set(),
    afterInMs: 100,
  })
  const flood = setInterval(() => speaker.note(), 10)
  stop.signal.addEventListener('abort', () => clearInterval(flood))
  const there = async () => (await client.list(SERVICE_L2_STATUSES)).items.map((item) => keyOf(item))
  await vi.waitFor(async () => expect(await there()).toContain('default/calm--n1'), { timeout: 5_000 })
})
