import { afterEach, expect, test, vi } from 'vitest'
import { startTestServer } from './testing.ts'

afterEach(() => vi.useRealTimers())

test('what every cluster has is made again when somebody deleted it, as soon as it can be', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  await using server = await startTestServer()
  const service = '/api/v1/namespaces/default/services/kubernetes'
  const before = await server.call('GET', service)
  await server.call('DELETE', service)
  const spec = { clusterIP: '10.96.0.1', ports: [{ port: 80 }] }
  await server.call('POST', '/api/v1/namespaces/default/services', { metadata: { name: 'thief' }, spec })
  vi.advanceTimersByTime(10_000)
  expect((await server.call('GET', service)).status).toBe(404)
  await server.call('DELETE', '/api/v1/namespaces/default/services/thief')
  vi.advanceTimersByTime(10_000)
  const after = await server.call('GET', service)
  expect(after.status).toBe(200)
  expect(after.body.spec).toEqual(before.body.spec)
})

test('what is there is left as it is', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  await using server = await startTestServer()
  const versionNow = async () => (await server.call('GET', '/api/v1/namespaces')).body.metadata.resourceVersion
  const before = await versionNow()
  vi.advanceTimersByTime(30_000)
  expect(await versionNow()).toBe(before)
})
