import { afterEach, beforeEach, expect, test } from 'vitest'
import { createClient, type KubeClient } from './client.ts'
import { createEventRecorder, referenceTo } from './events.ts'
import { FakeApi } from './fake/fake-api.ts'
import type { Event } from './types.ts'

let api: FakeApi
let client: KubeClient
let nowInMs = 1_000_000
const now = () => new Date(nowInMs)
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'a', name: 'p', uid: 'u' } }

beforeEach(async () => {
  api = new FakeApi()
  await api.listen()
  client = createClient(api.config)
})

afterEach(async () => {
  client.close()
  await api.close()
})

test('the same words again raise the count', async () => {
  const recorder = createEventRecorder({ client, component: 'kubelet', host: 'n1', now })
  recorder.event(pod, 'Warning', 'Failed', 'no image')
  recorder.event(pod, 'Warning', 'Failed', 'no image')
  recorder.event(pod, 'Normal', 'Pulled', 'image')
  await recorder.flush()
  expect(api.requests.map((request) => request.split(' ')[0])).toEqual(['POST', 'PATCH', 'POST'])
  expect(api.bodies[0]?.body).toMatchObject({
    kind: 'Event',
    metadata: { namespace: 'a' },
    involvedObject: { kind: 'Pod', namespace: 'a', name: 'p', uid: 'u' },
    type: 'Warning',
    reason: 'Failed',
    message: 'no image',
    source: { component: 'kubelet', host: 'n1' },
    firstTimestamp: '1970-01-01T00:16:40Z',
    count: 1,
  })
  expect(api.bodies[1]).toMatchObject({
    path: `/api/v1/namespaces/a/events/${(api.bodies[0]?.body as Event).metadata.name}`,
    body: { count: 2 },
  })
})

test("the same words about another container are that container's", async () => {
  const recorder = createEventRecorder({ client, component: 'kubelet' })
  for (const name of ['a', 'b', 'a'])
    recorder.event({ ...referenceTo(pod), fieldPath: `spec.containers{${name}}` }, 'Normal', 'Created', 'Container created')
  await recorder.flush()
  expect(api.requests.map((request) => request.split(' ')[0])).toEqual(['POST', 'POST', 'PATCH'])
})

test('what many tell alike becomes one Event', async () => {
  const tell = async (host: string, message: string) => {
    const recorder = createEventRecorder({ client, component: 'c', host, shared: true, now })
    recorder.event(pod, 'Warning', 'r', message)
    await recorder.flush()
  }
  for (const [host, message] of [
    ['n1', 'the same'],
    ['n2', 'the same'],
    ['n2', 'another'],
  ] as const)
    await tell(host, message)
  const events = api.bodies.map(({ body }) => body as Event)
  const [name = '', again, other] = events.map(({ metadata }) => metadata.name)
  expect([again === name, other === name]).toEqual([true, false])
  expect(name).toMatch(/^p\.[0-9a-f]{16}$/)
  expect(events[0]?.source).toEqual({ component: 'c' })
  api.fault = () => ({ kind: 'status', status: 409, body: { kind: 'Status', reason: 'AlreadyExists', code: 409 } })
  await tell('n3', 'the same')
  expect(api.requests.map((request) => request.split(' ')[0])).toEqual(['POST', 'POST', 'POST', 'POST'])
})

test('one that the server has forgotten is made anew', async () => {
  const recorder = createEventRecorder({ client, component: 'c', now })
  recorder.event(pod, 'Normal', 'r', 'm')
  await recorder.flush()
  api.fault = (method) => (method === 'PATCH' ? { kind: 'status', status: 404 } : undefined)
  recorder.event(pod, 'Normal', 'r', 'm')
  await recorder.flush()
  expect(api.requests.map((request) => request.split(' ')[0])).toEqual(['POST', 'PATCH', 'POST'])
})

test('an object that is talked about too much is not listened to for a while', async () => {
  const recorder = createEventRecorder({ client, component: 'c', now })
  for (let n = 0; n < 40; n++) recorder.event(pod, 'Normal', 'r', `message ${n}`)
  await recorder.flush()
  expect(api.requests).toHaveLength(25)
  nowInMs += 300_000
  recorder.event(pod, 'Normal', 'r', 'later')
  recorder.event(pod, 'Normal', 'r', 'and more')
  await recorder.flush()
  expect(api.requests).toHaveLength(26)
})

test('a cluster-scoped object has its Events in default; a server that refuses is no error', async () => {
  const recorder = createEventRecorder({ client, component: 'c', now })
  recorder.event({ kind: 'Node', name: 'n1' }, 'Normal', 'Ready', 'm')
  await recorder.flush()
  expect(api.requests[0]).toBe('POST /api/v1/namespaces/default/events')
  api.fault = () => ({ kind: 'status', status: 403 })
  recorder.event(pod, 'Normal', 'r', 'm')
  await expect(recorder.flush()).resolves.toBeUndefined()
})

test('many messages for one reason become one Event that says the latest, for a while', async () => {
  const recorder = createEventRecorder({ client, component: 'c', now })
  const tell = async (from: number, to: number): Promise<readonly string[]> => {
    const before = api.bodies.length
    for (let number = from; number <= to; number++) recorder.event(pod, 'Normal', 'Made', `pod ${number}`)
    await recorder.flush()
    return api.bodies.slice(before).map(({ body }) => (body as Event).message ?? '')
  }
  const combined = (number: number) => `(combined from similar events): pod ${number}`
  expect((await tell(1, 12)).slice(8)).toEqual(['pod 9', combined(10), combined(11), combined(12)])
  expect(api.requests.map((request) => request.split(' ')[0]).slice(8)).toEqual(['POST', 'POST', 'PATCH', 'PATCH'])
  expect(api.bodies.at(-1)?.body).toMatchObject({ count: 3 })
  nowInMs += 600_001
  expect(await tell(13, 13)).toEqual(['pod 13'])
})
