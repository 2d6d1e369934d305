import fc from 'fast-check'
import { pino } from 'pino'
import { afterEach, describe, expect, test } from 'vitest'
import { createClient, type KubeClient } from './client.ts'
import { FakeApi, type FakeApiOptions, type WatchFault } from './fake/fake-api.ts'
import { type Change, type Reflector, type ReflectorOptions, startReflector } from './reflector.ts'
import { SERVICES } from './resource.ts'
import type { Service } from './types.ts'

const PATH = '/api/v1/services'
const quiet = pino({ level: 'silent' })
const service = (name: string, value = 0): Service => ({
  metadata: { namespace: 'ns', name },
  spec: { healthCheckNodePort: value },
})

interface Fixture {
  readonly api: FakeApi
  readonly client: KubeClient
  readonly stop: AbortController
  readonly heard: Change<number>[]
  reflector: Reflector<number>
  start(options?: Partial<ReflectorOptions<Service, number>>): Reflector<number>
  /** Resolves once the handlers heard of this key with this value (undefined: removed). */
  hears(key: string, value: number | undefined): Promise<void>
  close(): Promise<void>
}

const open: Fixture[] = []
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.close()
})

async function fixture(options: FakeApiOptions = {}): Promise<Fixture> {
  const api = new FakeApi(options)
  await api.listen()
  const client = createClient(api.config)
  const stop = new AbortController()
  const heard: Change<number>[] = []
  let waiting: { readonly key: string; readonly value: number | undefined; readonly resolve: () => void }[] = []
  const made: Fixture = {
    api,
    client,
    stop,
    heard,
    reflector: undefined as unknown as Reflector<number>,
    start(more = {}) {
      made.reflector = startReflector<Service, number>({
        client,
        resource: SERVICES,
        signal: stop.signal,
        log: quiet,
        backoff: { firstInMs: 1, maxInMs: 4 },
        keep: (object) => object.spec?.healthCheckNodePort ?? -1,
        onChanges(changes) {
          heard.push(...changes)
          waiting = waiting.filter(({ key, value, resolve }) => {
            const done = changes.some((change) => change.key === key && change.after === value)
            if (done) resolve()
            return !done
          })
        },
        ...more,
      })
      return made.reflector
    },
    hears: (key, value) => new Promise((resolve) => waiting.push({ key, value, resolve })),
    async close() {
      stop.abort()
      await made.reflector?.done
      client.close()
      await api.close()
    },
  }
  open.push(made)
  return made
}

/** The truth of the server, as the reflector keeps it. */
function truth(api: FakeApi): Map<string, number> {
  return new Map([...api.store.objects(PATH)].map(([key, object]) => [key, (object as Service).spec?.healthCheckNodePort ?? -1]))
}

/** Replays what was heard: every `before` must be what was there. */
function replay(changes: readonly Change<number>[]): Map<string, number> {
  const state = new Map<string, number>()
  for (const { key, before, after } of changes) {
    expect(state.get(key), `before of ${key}`).toBe(before)
    if (after === undefined) state.delete(key)
    else state.set(key, after)
  }
  return state
}

describe('first state', () => {
  test.each(['yes', 'no', 'ignore'] as const)('is whole when the server knows WatchList: %s', async (watchList) => {
    const { api, start, hears } = await fixture({ watchList })
    for (let n = 0; n < 25; n++) api.store.put(PATH, service(`s${n}`, n))
    const reflector = start({ pageSize: 10, initialTimeoutInMs: 30 })
    await reflector.synced
    expect(new Map(reflector.store)).toEqual(truth(api))
    const change = hears('ns/s3', 300)
    api.store.put(PATH, service('s3', 300))
    await change
    expect(api.requests.filter((request) => request.includes('continue=')).length).toBe(watchList === 'yes' ? 0 : 2)
  })

  test('starts over when the place of a page expires', async () => {
    const { api, start } = await fixture({ watchList: 'no' })
    for (let n = 0; n < 25; n++) api.store.put(PATH, service(`s${n}`, n))
    let first = true
    api.fault = (_, url) => {
      if (first && url.searchParams.has('continue')) {
        first = false
        api.store.put(PATH, service('late', 7))
        api.store.compact()
      }
      return undefined
    }
    const reflector = start({ pageSize: 10 })
    await reflector.synced
    expect(new Map(reflector.store)).toEqual(truth(api))
  })

  test('an empty collection is synced too', async () => {
    const { start } = await fixture()
    const reflector = start()
    await reflector.synced
    expect(reflector.store.size).toBe(0)
    expect(reflector.hasSynced && reflector.connected).toBe(true)
  })
})

describe('when something breaks', () => {
  test('after 410 only true changes are heard, and what vanished is removed', async () => {
    const { api, start, heard, hears } = await fixture()
    for (const name of ['same', 'changed', 'gone', 'replaced']) api.store.put(PATH, service(name, 1))
    await start().synced
    heard.length = 0
    const port = api.port
    await api.close()
    api.store.put(PATH, service('changed', 2))
    api.store.remove(PATH, 'ns/gone')
    api.store.remove(PATH, 'ns/replaced')
    api.store.put(PATH, service('replaced', 1))
    api.store.compact()
    const gone = hears('ns/gone', undefined)
    await api.listen(port)
    await gone
    expect(heard).toEqual([
      { key: 'ns/changed', before: 1, after: 2 },
      { key: 'ns/replaced', before: 1 },
      { key: 'ns/replaced', after: 1 },
      { key: 'ns/gone', before: 1 },
    ])
  })

  test('it resumes where it was, without listing again', async () => {
    const { api, start, hears } = await fixture()
    await start().synced
    const first = hears('ns/a', 1)
    api.store.put(PATH, service('a', 1))
    await first
    const place = api.store.revision
    const requests = api.requests.length
    const second = hears('ns/a', 2)
    api.disturb('end')
    api.store.put(PATH, service('a', 2))
    await second
    expect(api.requests.slice(requests)).toHaveLength(1)
    expect(api.requests[requests]).toContain(`resourceVersion=${place}`)
  })

  test('a bookmark moves the place to resume at', async () => {
    const { api, start, hears } = await fixture()
    await start().synced
    for (let n = 0; n < 5; n++) api.store.put('/api/v1/pods', service(`other${n}`))
    api.disturb('bookmark')
    api.disturb('end')
    api.store.compact() // without the bookmark, the place were now too old
    const change = hears('ns/a', 1)
    api.store.put(PATH, service('a', 1))
    await change
    expect(api.requests.filter((request) => request.includes('sendInitialEvents'))).toHaveLength(1)
  })

  test('a server restored from a backup is read anew', async () => {
    const { api, start, hears } = await fixture()
    for (let n = 0; n < 5; n++) api.store.put(PATH, service(`s${n}`, n))
    const reflector = start()
    await reflector.synced
    const port = api.port
    await api.close()
    api.store.goBack(10)
    api.store.remove(PATH, 'ns/s0')
    const removed = hears('ns/s0', undefined)
    await api.listen(port)
    await removed
    const change = hears('ns/s1', 100)
    api.store.put(PATH, service('s1', 100))
    await change
    expect(new Map(reflector.store)).toEqual(truth(api))
  })

  test('an object that cannot be decoded stays as it was, and a handler that throws is not the end', async () => {
    const { api, start } = await fixture()
    api.store.put(PATH, service('a', 1))
    const seen: number[] = []
    const third = Promise.withResolvers<void>()
    const reflector = start({
      keep(object) {
        const value = object.spec?.healthCheckNodePort ?? 0
        if (value === 13) throw new Error('unlucky')
        return value
      },
      onChanges(changes) {
        seen.push(...changes.map((change) => change.after ?? -1))
        if (seen.includes(99)) third.resolve()
        throw new Error('handler')
      },
    })
    await reflector.synced
    api.store.put(PATH, service('a', 13))
    api.store.put(PATH, service('b', 13))
    api.store.put(PATH, service('c', 99))
    await third.promise
    expect(new Map(reflector.store)).toEqual(
      new Map([
        ['ns/a', 1],
        ['ns/c', 99],
      ]),
    )
  })

  test.each([
    404, 403,
  ])('of what need not be there, none is known when the server answers %s, until it is there', async (status) => {
    const made = await fixture()
    made.api.store.put(PATH, service('a', 1))
    made.api.fault = () => ({ kind: 'status', status })
    const reflector = made.start({ optional: true })
    await reflector.synced
    expect([reflector.store.size, reflector.connected]).toEqual([0, true])
    const there = made.hears('ns/a', 1)
    made.api.fault = () => undefined
    await there
  })

  test('who knows that it is there by now has it read at once, and again soon', async () => {
    const made = await fixture()
    made.api.store.put(PATH, service('a', 1))
    made.api.fault = () => ({ kind: 'status', status: 404 })
    const absences: boolean[] = []
    const anHour = 3_600_000
    const onAbsent = (absent: boolean) => void absences.push(absent)
    const reflector = made.start({ optional: true, onAbsent, backoff: { firstInMs: 1, maxInMs: anHour } })
    await reflector.synced
    const there = made.hears('ns/a', 1)
    let left = 3
    made.api.fault = () => (--left > 0 ? { kind: 'status', status: 404 } : undefined)
    reflector.lookAgain()
    await there
    expect(absences).toEqual([true, false])
  })

  test('what may be read no more stays known', async () => {
    const made = await fixture()
    made.api.store.put(PATH, service('a', 1))
    const reflector = made.start({ optional: true })
    await reflector.synced
    const refused = new Promise<void>((resolve) => {
      let left = 3
      made.api.fault = () => {
        if (--left === 0) resolve()
        return { kind: 'status', status: 403 }
      }
    })
    made.api.disturb('end')
    await refused
    expect(reflector.store.size).toBe(1)
  })

  test('it waits as long as the server asks', async () => {
    const { api, start } = await fixture()
    const times: number[] = []
    api.fault = () => {
      times.push(performance.now())
      return times.length === 1 ? { kind: 'status', status: 429, retryAfter: 1 } : undefined
    }
    await start().synced
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950)
  })
})

type Step =
  | { readonly do: 'put'; readonly name: string; readonly value: number }
  | { readonly do: 'remove'; readonly name: string }
  | { readonly do: 'compact' | 'wait' }
  | { readonly do: 'outage'; readonly puts: readonly string[]; readonly removals: readonly string[] }
  | { readonly do: 'disturb'; readonly fault: WatchFault }
  | { readonly do: 'fail'; readonly requests: number; readonly status: number }

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), name, value: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('outage' as const),
      puts: fc.array(name, { maxLength: 3 }),
      removals: fc.array(name, { maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('disturb' as const),
      fault: fc.constantFrom<WatchFault[]>('cut', 'half', 'end', 'garbage', 'error-410', 'error-500', 'repeat', 'bookmark'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fail' as const),
      requests: fc.integer({ min: 1, max: 3 }),
      status: fc.constantFrom(0, 410, 429, 500, 503, 504),
    }),
  },
)

function perform(api: FakeApi, action: Step): void {
  if (action.do === 'put') api.store.put(PATH, service(action.name, action.value))
  if (action.do === 'remove') api.store.remove(PATH, `ns/${action.name}`)
  if (action.do === 'compact') api.store.compact()
  if (action.do === 'disturb') api.disturb(action.fault)
  if (action.do === 'outage') {
    api.disturb('cut')
    for (const key of action.removals) api.store.remove(PATH, `ns/${key}`)
    for (const key of action.puts) api.store.put(PATH, service(key, api.store.revision))
    api.store.compact()
  }
  if (action.do !== 'fail') return
  let left = action.requests
  api.fault = () =>
    left-- <= 0 ? undefined : action.status === 0 ? { kind: 'reset' } : { kind: 'status', status: action.status }
}

describe('whatever happens', () => {
  test.each([
    'yes',
    'no',
  ] as const)('the copy ends as the truth, by changes that fit together (WatchList: %s)', async (watchList) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const made = await fixture({ watchList })
        const { api, heard } = made
        api.store.put(PATH, service('a', 1))
        const reflector = made.start({ pageSize: 2 })
        for (const action of steps) {
          perform(api, action)
          if (action.do === 'wait') await new Promise((resolve) => setTimeout(resolve, 1))
        }
        const fence = made.hears('ns/fence', 1)
        api.store.put(PATH, service('fence', 1))
        await fence
        await reflector.synced
        expect(new Map(reflector.store)).toEqual(truth(api))
        expect(replay(heard)).toEqual(truth(api))
        open.pop()
        await made.close()
      }),
      { numRuns: 60 },
    )
  })
})
