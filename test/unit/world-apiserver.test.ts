/** Our client, list/watch and world against the lab's API server, which answers as a real one. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isConflict, isNotFound } from '../../src/kube/api-error.ts'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import { createEventRecorder } from '../../src/kube/events.ts'
import { startReflector } from '../../src/kube/reflector.ts'
import { ENDPOINT_SLICES, EVENTS, NODES, PODS, SERVICES } from '../../src/kube/resource.ts'
import { startWorld } from '../../src/kube/world.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'
import type { WorldChange } from '../../src/model/world.ts'

let server: TestServer
let client: KubeClient
let stop: AbortController

beforeEach(async () => {
  server = await startTestServer()
  const credentials = () => Promise.resolve({ headers: {} })
  client = createClient({ server: server.url, insecure: false, namespace: 'default', source: 'test', credentials })
  stop = new AbortController()
})

afterEach(async () => {
  stop.abort()
  client.close()
  await server[Symbol.asyncDispose]()
})

const pod = (name: string, nodeName: string) => ({
  metadata: { namespace: 'default', name },
  spec: { nodeName, containers: [{ name: 'c', image: 'nginx' }] },
})
const service = (name: string) => ({
  metadata: { namespace: 'default', name },
  spec: { type: 'NodePort', ports: [{ port: 80 }] },
})

test('the world of a node: streamed whole, then followed, with the pods of that node alone', async () => {
  await client.create(NODES, { metadata: { name: 'n1' } })
  await client.create(PODS, pod('here', 'n1'))
  await client.create(PODS, pod('there', 'n2'))
  await client.create(SERVICES, service('web'))
  const batches: (readonly WorldChange[])[] = []
  let wake = () => {}
  const store = startWorld({
    client,
    node: 'n1',
    signal: stop.signal,
    onChanges(changes) {
      batches.push(changes)
      wake()
    },
  })
  await store.synced
  expect([...store.world.pods.keys()]).toEqual(['default/here'])
  expect([...store.world.serviceCIDRs.keys()]).toEqual(['kubernetes'])
  const web = store.world.services.get('default/web')
  expect(web?.ports[0]?.nodePort).toBeGreaterThanOrEqual(30_000)
  expect(batches).toHaveLength(1)

  const heard = new Promise<void>((resolve) => {
    wake = resolve
  })
  await client.delete(SERVICES, { namespace: 'default', name: 'web' })
  await heard
  expect(batches[1]).toEqual([{ kind: 'service', key: 'default/web', before: web, after: undefined }])
  expect(store.findings).toEqual([])
})

test('a list in pages holds what WatchList streams', async () => {
  for (let n = 0; n < 7; n++)
    await client.create(ENDPOINT_SLICES, {
      metadata: { namespace: 'default', name: `s${n}` },
      addressType: 'IPv4',
      endpoints: [],
    })
  const streamed = startReflector({ client, resource: ENDPOINT_SLICES, signal: stop.signal })
  await streamed.synced
  const paged = new Set<string>()
  let next: string | undefined
  do {
    const page = await client.list(ENDPOINT_SLICES, { limit: 3, continue: next })
    for (const item of page.items) paged.add(`default/${item.metadata.name}`)
    next = page.metadata.continue
  } while (next)
  expect(paged).toEqual(new Set(streamed.store.keys()))
  expect(paged.size).toBeGreaterThanOrEqual(7)
})

test('conflicts, status, patches and Events', async () => {
  const made = await client.create(PODS, pod('p', 'n1'))
  await client.updateStatus(PODS, { ...made, status: { phase: 'Running' } })
  await expect(client.updateStatus(PODS, { ...made, status: { phase: 'Failed' } })).rejects.toSatisfy(isConflict)
  const labelled = await client.patch(
    PODS,
    { namespace: 'default', name: 'p' },
    { metadata: { labels: { a: 'b' } } },
    { type: 'merge' },
  )
  expect(labelled).toMatchObject({ metadata: { labels: { a: 'b' } }, status: { phase: 'Running' } })
  await expect(client.get(PODS, { namespace: 'default', name: 'gone' })).rejects.toSatisfy(isNotFound)

  const recorder = createEventRecorder({ client, component: 'test', host: 'n1' })
  for (let n = 0; n < 3; n++) recorder.event(labelled, 'Warning', 'Failed', 'the same again')
  await recorder.flush()
  const events = await client.list(EVENTS, { namespace: 'default', fieldSelector: `involvedObject.uid=${made.metadata.uid}` })
  expect(events.items.map(({ count, reason, source }) => [count, reason, source?.component])).toEqual([[3, 'Failed', 'test']])
})
