/** Watches in time: bookmarks by the clock, and readers that are slower than writers. */
import { get, type IncomingMessage, type ServerResponse } from 'node:http'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Database } from './database.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { makeKinds } from './kinds/index.ts'
import { parseListOptions } from './list-options.ts'
import { Store } from './store.ts'
import { startTestServer } from './testing.ts'
import { serveWatch } from './watch.ts'

const record = makeKinds({ serviceRanges: ['10.96.0.0/12'], nodePortRange: [30_000, 32_767] }).find(
  ({ kind }) => kind === 'ConfigMap',
) as KindRecord
const BACKLOG_LIMIT_IN_BYTES = 64 * 1024

/** A client that reads when it is told to. */
class Reader extends Writable {
  readonly lines: { readonly type: string; readonly object: RawObject }[] = []
  #text = ''
  #waiting: (() => void) | undefined
  #reads: boolean

  constructor(reads: boolean) {
    super({ highWaterMark: 16 * 1024 })
    this.#reads = reads
  }

  writeHead(): void {}
  flushHeaders(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const lines = (this.#text + chunk.toString()).split('\n')
    this.#text = lines.pop() ?? ''
    this.lines.push(...lines.map((line) => JSON.parse(line)))
    if (this.#reads) done()
    else this.#waiting = done
  }

  /** From now on it reads all that comes. */
  read(): void {
    this.#reads = true
    this.#waiting?.()
  }

  names(): readonly string[] {
    return this.lines.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`)
  }
}

const map = (name: string, size = 0): RawObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { text: 'x'.repeat(size) },
})

function open(store: Store, reader: Reader, query: string): AbortController {
  const end = new AbortController()
  const form = { as: 'object', version: 'v1', yaml: false } as const
  const rendering = { record, form, include: 'Metadata', nowInMs: 0 } as const
  const options = parseListOptions(new URLSearchParams(query), true)
  const request = { store, rendering, namespace: undefined, options }
  serveWatch(request, reader as unknown as ServerResponse, end.signal)
  return end
}

describe('bookmarks', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  test('one a minute, at the version of the moment, and one shortly before the end', async () => {
    const store = new Store(new Database(':memory:'))
    const reader = new Reader(true)
    open(store, reader, 'watch=1&resourceVersion=1&allowWatchBookmarks=true&timeoutSeconds=150')
    vi.advanceTimersByTime(59_999)
    await turn()
    expect(reader.lines).toEqual([])
    store.put('secrets', { ...map('other'), kind: 'Secret' })
    vi.advanceTimersByTime(1)
    await turn()
    const versions = () => reader.lines.map(({ object }) => object.metadata.resourceVersion)
    expect([versions(), reader.names()]).toEqual([['2'], ['BOOKMARK ']])
    store.put('configmaps', map('a'))
    vi.advanceTimersByTime(60_000)
    await turn()
    expect([versions(), reader.names()]).toEqual([
      ['2', '3', '3'],
      ['BOOKMARK ', 'ADDED a', 'BOOKMARK '],
    ])
    vi.advanceTimersByTime(28_500)
    await turn()
    expect(reader.lines.length).toBe(4)
    vi.advanceTimersByTime(1_500)
    await turn()
    expect([reader.writableEnded, reader.lines.length]).toEqual([true, 4])
    store.close()
  })

  test('none for those who did not ask', async () => {
    const store = new Store(new Database(':memory:'))
    const reader = new Reader(true)
    open(store, reader, 'watch=1&resourceVersion=1&timeoutSeconds=150')
    vi.advanceTimersByTime(149_000)
    await turn()
    expect(reader.lines).toEqual([])
    store.close()
  })
})

describe('a slow reader', () => {
  const OBJECTS = 400
  const name = (index: number): string => `m${String(index).padStart(4, '0')}`
  const drained = async (reader: Reader, count: number): Promise<void> => {
    while (reader.lines.length < count) await new Promise((resolve) => setImmediate(resolve))
  }

  test('holds no more than its backlog, and gets all in order when it reads again', async () => {
    const store = new Store(new Database(':memory:'))
    for (let index = 0; index < OBJECTS; index++) store.put('configmaps', map(name(index), 4096))
    const reader = new Reader(false)
    const end = open(store, reader, 'watch=1')
    for (let index = 0; index < OBJECTS; index++) {
      store.put('configmaps', map(name(index), 4095))
      if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(reader.writableLength).toBeLessThan(BACKLOG_LIMIT_IN_BYTES + 10_000)
    reader.read()
    await drained(reader, 2 * OBJECTS)
    const each = (type: string) => Array.from({ length: OBJECTS }, (_, index) => `${type} ${name(index)}`)
    expect(reader.names()).toEqual([...each('ADDED'), ...each('MODIFIED')])
    store.put('configmaps', map('last'))
    await drained(reader, 2 * OBJECTS + 1)
    expect(reader.names().at(-1)).toBe('ADDED last')
    end.abort()
    store.close()
  })

  test('that is slower than the history is long is told so, and ends', async () => {
    const store = new Store(new Database(':memory:'))
    const reader = new Reader(false)
    open(store, reader, `watch=1&resourceVersion=${store.version}`)
    for (let index = 0; index < OBJECTS; index++) store.put('configmaps', map(name(index), 4096))
    store.history.compact()
    reader.read()
    while (!reader.writableEnded) await new Promise((resolve) => setImmediate(resolve))
    const last = reader.lines.at(-1) as unknown as { readonly type: string; readonly object: { readonly code: number } }
    expect([last.type, last.object.code]).toEqual(['ERROR', 410])
    expect(reader.names().slice(0, -1)).toEqual(
      reader
        .names()
        .slice(0, -1)
        .map((_, index) => `ADDED ${name(index)}`),
    )
    store.close()
  })

  test('over a real connection: stops, is behind, and gets the rest when it reads', async () => {
    await using server = await startTestServer()
    const { store } = server.server
    const count = 800
    const text = map('x', 20_000)
    const response = await new Promise<IncomingMessage>((resolve) =>
      get(`${server.url}/api/v1/configmaps?watch=1&resourceVersion=${store.version}`, resolve),
    )
    response.pause()
    for (let index = 0; index < count; index++) {
      store.put('configmaps', { ...text, metadata: { ...text.metadata, name: name(index) } })
      await new Promise((resolve) => setImmediate(resolve))
    }
    const names: string[] = []
    for await (const line of createInterface({ input: response })) {
      names.push(JSON.parse(line).object.metadata.name)
      if (names.length === count) break
    }
    expect(names).toEqual(Array.from({ length: count }, (_, index) => name(index)))
    response.destroy()
  })
})
