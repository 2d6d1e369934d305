/** What a real Kubernetes 1.36 said, as recorded in test/golden/watch, through our decoder and reflector. */
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { HttpAnswer } from '../http/client.ts'
import { ApiError } from './api-error.ts'
import type { KubeClient } from './client.ts'
import { type Change, startReflector } from './reflector.ts'
import { SERVICES } from './resource.ts'
import type { KubeList, Service } from './types.ts'
import { parseWatchLine } from './watch-event.ts'

interface RecordedEvent {
  readonly type: string
  readonly name?: string
  readonly rv?: string
  readonly ann?: Record<string, string>
  readonly object?: object
}
type Recording = Record<string, { readonly status: number; readonly events: readonly RecordedEvent[] }>

const golden = (file: string) =>
  JSON.parse(readFileSync(new URL(`../../test/golden/watch/${file}`, import.meta.url), 'utf8')) as Recording
const recorded = golden('watch.json')
const tooOld = golden('too-old.json')

/** The recording keeps the names and versions of objects: the lines as they were, as far as a reflector reads them. */
function lines(recording: Recording, name: string): readonly string[] {
  return (recording[name]?.events ?? []).map(({ type, object, name: object_name, rv, ann }) => {
    const metadata = { namespace: 'default', name: object_name, uid: object_name, resourceVersion: rv, annotations: ann }
    return JSON.stringify({ type, object: object ?? { kind: 'Service', metadata } })
  })
}

/** A client that answers watches with these bodies in turn, then stays silent. */
function clientOf(
  watches: readonly (readonly string[])[],
  list?: KubeList<Service>,
): { readonly client: KubeClient; readonly queries: object[] } {
  const queries: object[] = []
  let at = 0
  const client = {
    open(_method: string, _path: string, options: { readonly query: object; readonly signal: AbortSignal }): Promise<HttpAnswer> {
      queries.push(options.query)
      const body = watches[at++]
      const stream =
        body === undefined ? new Readable({ read: () => undefined }) : Readable.from(body.map((text) => Buffer.from(`${text}\n`)))
      options.signal.addEventListener('abort', () => stream.destroy())
      return Promise.resolve({ status: 200, headers: {}, body: stream })
    },
    list: () => (list === undefined ? Promise.reject(new ApiError(500, {}, { request: 'list' })) : Promise.resolve(list)),
  }
  return { client: client as unknown as KubeClient, queries }
}

async function follow(watches: readonly (readonly string[])[], until: (changes: readonly Change<string>[]) => boolean) {
  const { client, queries } = clientOf(watches)
  const stop = new AbortController()
  const heard: Change<string>[] = []
  const done = Promise.withResolvers<void>()
  const reflector = startReflector<Service, string>({
    client,
    resource: SERVICES,
    signal: stop.signal,
    log: pino({ level: 'silent' }),
    backoff: { firstInMs: 1, maxInMs: 1 },
    keep: (object) => object.metadata.resourceVersion ?? '',
    onChanges(changes) {
      heard.push(...changes)
      if (until(heard)) done.resolve()
    },
  })
  await done.promise
  const store = new Map(reflector.store)
  stop.abort()
  await reflector.done
  return { heard, store, queries }
}

describe('recorded watches', () => {
  test('every line of the recording is read', () => {
    for (const recording of [recorded, tooOld]) {
      for (const [name, { events }] of Object.entries(recording)) {
        if (!Array.isArray(events) || events.some((event) => event.type === undefined)) continue
        for (const line of lines(recording, name)) expect(() => parseWatchLine(line), `${name}: ${line}`).not.toThrow()
      }
    }
  })

  test('WatchList, then a history of 93 events, ends as the history says', async () => {
    const history = lines(recorded, 'rv1-too-old')
    const start =
      '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}'
    const expected = new Map<string, string>()
    for (const { type, name = '', rv = '' } of recorded['rv1-too-old']?.events ?? []) {
      if (type === 'DELETED') expected.delete(`default/${name}`)
      else expected.set(`default/${name}`, rv)
    }
    const { heard, store } = await follow([[start, ...history]], (changes) => changes.length === history.length)
    expect(heard).toHaveLength(93)
    expect(store).toEqual(expected)
  })

  test('the initial events of a WatchList come as one state, ended by its bookmark', async () => {
    const { store, queries } = await follow([lines(recorded, 'sendInitialEvents')], (changes) => changes.length > 0)
    expect(store).toEqual(
      new Map([
        ['default/api', '434'],
        ['default/kubernetes', '205'],
        ['default/web-lb', '307'],
        ['default/web-np', '724'],
        ['default/zzz', '1080'],
      ]),
    )
    expect(queries[0]).toMatchObject({ sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan', allowWatchBookmarks: true })
  })

  test('an expired place is an ERROR event with 410: everything is read anew', async () => {
    const first = lines(recorded, 'sendInitialEvents')
    const second = first.filter((line) => !line.includes('"zzz"'))
    const { store, queries } = await follow([first, lines(tooOld, 'watchRv5'), second], (changes) =>
      changes.some((change) => change.after === undefined),
    )
    expect(store.has('default/zzz')).toBe(false)
    expect(queries[1]).toMatchObject({ resourceVersion: '1398' })
    expect(queries[2]).toMatchObject({ sendInitialEvents: true })
  })
})
