import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KindRecord, RawObject } from './kind.ts'
import { makeKinds } from './kinds/index.ts'
import { Registry } from './registry.ts'
import { sweepExpired } from './retention.ts'
import { startTestServer, type TestServer } from './testing.ts'
import { Writer } from './writer.ts'

const EVENTS = '/api/v1/namespaces/default/events'
const MINUTE_IN_MS = 60_000
const kinds = makeKinds({ serviceRanges: ['10.96.0.0/12'], nodePortRange: [30_000, 32_767] })
const event = kinds.find(({ kind, group }) => kind === 'Event' && group === '') as KindRecord

describe('events are kept for an hour after the last time that they happened', () => {
  let server: TestServer
  const names = async () =>
    (await server.call('GET', EVENTS)).body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
  beforeAll(async () => {
    server = await startTestServer()
    const involvedObject = { namespace: 'default', kind: 'Pod', name: 'web' }
    const again = new Date(Date.now() + 30 * MINUTE_IN_MS).toISOString()
    await server.call('POST', EVENTS, { metadata: { name: 'once' }, involvedObject })
    await server.call('POST', EVENTS, { metadata: { name: 'again' }, involvedObject, lastTimestamp: again })
    await server.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'stays' } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test.each([
    [59, ['again', 'once']],
    [61, ['again']],
    [91, []],
  ])('after %i minutes', async (minutes, left) => {
    const later = new Writer(server.server.store, () => Date.now() + minutes * MINUTE_IN_MS)
    sweepExpired(later, new Registry(kinds))
    expect(await names()).toEqual(left)
    expect((await server.call('GET', '/api/v1/namespaces/default/configmaps/stays')).status).toBe(200)
  })

  test('a time that nobody can read counts from creation', () => {
    const object: RawObject = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { creationTimestamp: '2026-01-01T00:00:00Z' },
      lastTimestamp: null,
    }
    expect(event.retention?.lastUsedInMs(object)).toBe(Date.parse('2026-01-01T00:00:00Z'))
  })
})
