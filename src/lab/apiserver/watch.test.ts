/** List and watch as a real server does them: the recorded scenarios of test/golden/kubernetes-1.36/watch, played here. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer, type WatchEvent } from './testing.ts'

const GOLDEN = new URL('../../../test/golden/kubernetes-1.36/watch/', import.meta.url)
const golden = (name: string) => JSON.parse(readFileSync(new URL(name, GOLDEN), 'utf8'))
const recorded = golden('watch.json')
const tooOld = golden('too-old.json')

const SERVICES = '/api/v1/namespaces/default/services'
const service = (name: string, labels: Record<string, string> = {}) => ({
  metadata: { name, labels },
  spec: { ports: [{ port: 80 }] },
})

/** The first events of a watch. */
async function take(events: AsyncGenerator<WatchEvent>, count: number): Promise<readonly WatchEvent[]> {
  const taken: WatchEvent[] = []
  for await (const event of events) {
    taken.push(event)
    if (taken.length === count) break
  }
  return taken
}

const short = (events: readonly WatchEvent[]) => events.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`.trim())
const recordedShort = (name: string) =>
  recorded[name].events.map((event: { type: string; name?: string }) => `${event.type} ${event.name ?? ''}`.trim())

describe('watch', () => {
  let server: TestServer
  const version = async (): Promise<number> => Number((await server.call('GET', SERVICES)).body.metadata.resourceVersion)
  beforeAll(async () => {
    server = await startTestServer()
    for (const name of ['api', 'web-lb', 'web-np', 'zzz']) await server.call('POST', SERVICES, service(name))
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test.each([
    'no-rv',
    'rv0',
    'watch-limit-ignored',
    'sendInitialEvents-no-bookmarks',
    'sendInitialEvents',
    'watch-single-by-path',
    'watch-fieldselector-name',
  ])('initial state: %s', async (name) => {
    const wanted = recordedShort(name)
    const events = await take(server.watch(recorded[name].path.replace(/timeoutSeconds=\d+/, 'timeoutSeconds=30')), wanted.length)
    expect(short(events)).toEqual(wanted)
  })

  test('the end of the initial state is a bookmark with an annotation, at the current version', async () => {
    const events = await take(server.watch(recorded.sendInitialEvents.path), 6)
    expect(events.at(-1)?.object.metadata).toEqual({
      resourceVersion: String(await version()),
      annotations: { 'k8s.io/initial-events-end': 'true' },
    })
  })

  test('the server ends a watch when its time is up', async () => {
    expect(await take(server.watch(`${SERVICES}?watch=1&resourceVersion=${await version()}&timeoutSeconds=1`), 1)).toEqual([])
  })

  test('created, changed, patched to no effect, deleted', async () => {
    const from = await version()
    const events = take(server.watch(`${SERVICES}?watch=1&resourceVersion=${from}&timeoutSeconds=30`), 3)
    const merge = { type: 'application/merge-patch+json' }
    await server.call('POST', SERVICES, service('w1'))
    await server.call('PATCH', `${SERVICES}/w1`, { metadata: { labels: { a: '1' } } }, merge)
    await server.call('PATCH', `${SERVICES}/w1`, { metadata: { labels: { a: '1' } } }, merge)
    await server.call('DELETE', `${SERVICES}/w1`)
    const heard = await events
    expect(short(heard)).toEqual(recordedShort('add-mod-noop-del'))
    // the second is that of the Service's address
    expect(heard.map(({ object }) => Number(object.metadata.resourceVersion) - from)).toEqual([1, 3, 4])
    const replayed = await take(server.watch(`${SERVICES}?watch=1&resourceVersion=${from}&timeoutSeconds=30`), 3)
    expect(replayed).toEqual(heard)
    const selected = await take(
      server.watch(`${SERVICES}?watch=1&resourceVersion=${from}&labelSelector=a%3D1&timeoutSeconds=30`),
      2,
    )
    expect(short(selected)).toEqual(recordedShort('labelselector-enter-leave(history)'))
  })

  test('an object that leaves a selector is deleted for its watchers, in its last matching state', async () => {
    const from = await version()
    const events = take(server.watch(`${SERVICES}?watch=1&resourceVersion=${from}&labelSelector=a%3D1&timeoutSeconds=30`), 2)
    await server.call('POST', SERVICES, service('w2'))
    for (const a of ['1', '2'])
      await server.call('PATCH', `${SERVICES}/w2`, { metadata: { labels: { a } } }, { type: 'application/merge-patch+json' })
    const heard = await events
    expect(short(heard)).toEqual(recordedShort('labelselector-enter-leave-live'))
    expect(heard.map(({ object }) => [Number(object.metadata.resourceVersion) - from, object.metadata.labels.a])).toEqual([
      [3, '1'],
      [4, '1'],
    ])
    await server.call('DELETE', `${SERVICES}/w2`)
  })

  test('bad versions and options', async () => {
    const ask = async (path: string) => (await server.call('GET', path)).body
    expect(await ask(`${SERVICES}?watch=1&resourceVersion=abc`)).toEqual(tooOld.watchBadRv.body)
    expect(await ask(`${SERVICES}?watch=1&sendInitialEvents=true`)).toEqual(tooOld.sendInitialNoMatch.body)
    expect(await ask(recorded['rvmatch-exact'].path)).toEqual(tooOld.ex)
    expect(await ask(`${SERVICES}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan`)).toEqual(
      recorded['list-sendInitialEvents'].body,
    )
  })

  test('a list of the future waits, then says so', async () => {
    const current = await version()
    const answer = await server.call('GET', `${SERVICES}?resourceVersion=${current + 1000}`)
    const message = `Timeout: Too large resource version: ${current + 1000}, current: ${current}`
    expect([answer.status, answer.body, answer.headers.get('retry-after')]).toEqual([
      504,
      { ...tooOld.listFuture.body, message },
      '1',
    ])
  })

  test('tables come as one row an event', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const [first, second] = await take(server.watch(`${SERVICES}?watch=1&timeoutSeconds=30`, accept), 2)
    expect([first?.object.kind, first?.object.rows[0].cells[0], first?.object.columnDefinitions[0].name]).toEqual([
      'Table',
      'api',
      'Name',
    ])
    expect([second?.object.rows[0].cells[0], second?.object.columnDefinitions]).toEqual(['kubernetes', null])
  })

  test('pages: each of the version of the first, tokens as a real server makes them', async () => {
    const maps = '/api/v1/namespaces/default/configmaps'
    for (let index = 0; index < 7; index++)
      await server.call('POST', maps, { metadata: { name: `pg-${index}`, labels: { pg: '1' } } })
    const first = (await server.call('GET', `${maps}?limit=3`)).body
    await server.call('DELETE', `${maps}/pg-4`)
    const second = (await server.call('GET', `${maps}?limit=3&continue=${first.metadata.continue}`)).body
    const third = (await server.call('GET', `${maps}?limit=3&continue=${second.metadata.continue}`)).body
    const names = [first, second, third].map((page) =>
      page.items.map((item: { metadata: { name: string } }) => item.metadata.name),
    )
    expect(names).toEqual(recorded.pagination.map((page: { names: string[] }) => page.names))
    expect(Buffer.from(first.metadata.continue, 'base64url').toString()).toBe(
      JSON.stringify({ v: 'meta.k8s.io/v1', rv: Number(first.metadata.resourceVersion), start: '/pg-2\u0000' }),
    )
    expect([first.metadata.remainingItemCount, third.metadata.continue, third.metadata.resourceVersion]).toEqual([
      4,
      undefined,
      first.metadata.resourceVersion,
    ])
    const selected = (await server.call('GET', `${maps}?limit=3&labelSelector=pg`)).body
    expect(selected.metadata.remainingItemCount).toBeUndefined()
    expect((await server.call('GET', `${maps}?limit=1&resourceVersion=0`)).body.items).toHaveLength(6)
    const both = await server.call('GET', `${maps}?limit=3&resourceVersion=5&continue=${first.metadata.continue}`)
    expect([both.status, both.body]).toEqual([recorded.continueWithRv.status, recorded.continueWithRv.body])
  })

  test('what is too old: a watch ends with an error event, a list and a token with 410', async () => {
    const maps = '/api/v1/namespaces/default/configmaps'
    const { continue: token } = (await server.call('GET', `${maps}?limit=3`)).body.metadata
    server.server.store.history.compact()
    await server.call('POST', maps, { metadata: { name: 'later' } })
    server.server.store.history.compact()
    const { floor } = server.server.store.history
    const wanted = { ...tooOld.watchRv5.events[0].object, message: `too old resource version: 5 (${floor})` }
    expect(await take(server.watch(`${SERVICES}?watch=1&resourceVersion=5&timeoutSeconds=2`), 2)).toEqual([
      { type: 'ERROR', object: wanted },
    ])
    const exact = await server.call('GET', `${SERVICES}?resourceVersion=5&resourceVersionMatch=Exact`)
    expect([exact.status, exact.body]).toEqual([tooOld.listExact5.status, tooOld.listExact5.body])
    expect((await server.call('GET', `${SERVICES}?resourceVersion=5&resourceVersionMatch=NotOlderThan`)).status).toBe(200)
    const expired = await server.call('GET', `${maps}?limit=3&continue=${token}`)
    expect([expired.status, expired.body.reason]).toEqual([410, 'Expired'])
    const rest = await server.call('GET', `${maps}?continue=${expired.body.metadata.continue}`)
    expect(rest.body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['pg-3', 'pg-5', 'pg-6'])
  })
})
