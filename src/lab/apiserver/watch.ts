/** WATCH: initial state, history, then live changes, each as one line of JSON. */
import type { ServerResponse } from 'node:http'
import { storedToServed } from './conversion.ts'
import type { RawObject } from './kind.ts'
import { type ListOptions, parseVersion } from './list-options.ts'
import type { Rendering } from './reply.ts'
import { parseSelector, type Selector } from './selector.ts'
import { expired } from './status.ts'
import type { Store } from './store.ts'
import { apiVersionOf, type Change, resourceOf, type Stored, storedOf } from './stored.ts'
import { partialOf, tableOf } from './table.ts'

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED'

const BOOKMARK_EVERY_IN_MS = 60_000
const LAST_BOOKMARK_BEFORE_END_IN_MS = 1_500
const SHORTEST_WATCH_IN_S = 1_800
/** A watcher that has this much to read is told no more until it has read it: what it misses it then gets from the history. */
const BACKLOG_LIMIT_IN_BYTES = 64 * 1024

/** What was encoded last, since all watchers of a resource are told of one change one after the other. */
let lastEncoded: { readonly stored: Stored; readonly type: EventType; readonly bytes: Buffer } | undefined

function encoded(type: EventType, stored: Stored): Buffer {
  if (lastEncoded?.stored === stored && lastEncoded.type === type) return lastEncoded.bytes
  const bytes = Buffer.from(`{"type":"${type}","object":${stored.json}}\n`)
  lastEncoded = { stored, type, bytes }
  return bytes
}

/**
 * What a watcher with a selector sees of a change: an object that begins to match is ADDED, one that no longer does is DELETED
 * (in its last matching state, under the version of the change).
 */
export function eventOf(selector: Selector, change: Change): { readonly type: EventType; readonly stored: Stored } | undefined {
  const { stored, previous, removed } = change
  if (selector.name !== undefined && stored.object.metadata.name !== selector.name) return undefined
  const before = previous !== undefined && selector.matches(previous.object)
  const now = !removed && selector.matches(stored.object)
  if (now) return { type: before ? 'MODIFIED' : 'ADDED', stored }
  if (!before || previous === undefined) return undefined
  return { type: 'DELETED', stored: removed ? stored : storedOf(previous.object, change.version) }
}

export interface WatchRequest {
  readonly store: Store
  readonly rendering: Rendering
  readonly namespace: string | undefined
  readonly options: ListOptions
}

/** One open watch. Memory: at most the backlog limit for each, however slowly it reads. */
class Watcher {
  readonly #request: WatchRequest
  readonly #response: ServerResponse
  readonly #selector: Selector
  #corked = false
  #headed = false
  /** What is left of the initial state. */
  #initial: Iterator<Stored> | undefined
  /** The version up to which it was told everything, once the initial state is through. */
  #cursor = 0
  /** Whether the history has more than it was told. */
  #behind = false
  /** Characters that were written and have not left the process. */
  #unread = 0

  constructor(request: WatchRequest, response: ServerResponse) {
    this.#request = request
    this.#response = response
    const { record } = request.rendering
    this.#selector = parseSelector(record, request.options.labelSelector, request.options.fieldSelector)
  }

  /** Starts with what happened before now, as the options ask for it. */
  begin(): void {
    const { store, options, namespace, rendering } = this.#request
    const version = parseVersion(options.version, true)
    const wantsState = options.sendInitialEvents ?? (version === undefined || version === 0)
    this.#response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
    this.#response.flushHeaders()
    const fromHistory = !wantsState && version !== undefined && version > 0
    this.#cursor = fromHistory ? version : Math.max(store.version, version ?? 0)
    this.#behind = fromHistory
    if (wantsState) this.#initial = store.list(resourceOf(rendering.record), namespace)[Symbol.iterator]()
    this.#catchUp()
  }

  readonly hear = (change: Change): void => {
    if (change.version <= this.#cursor) return
    if (this.#initial !== undefined || this.#behind || this.#isFull()) {
      this.#behind = true
      return
    }
    this.#cursor = change.version
    this.#tell(change)
  }

  /** Says up to which version it was told everything; while the initial state is on its way, nothing. */
  bookmark(): void {
    if (this.#initial !== undefined) return
    this.#bookmarkAt(this.#behind ? this.#cursor : Math.max(this.#cursor, this.#request.store.version))
  }

  #bookmarkAt(version: number, annotations?: Record<string, string>): void {
    const { rendering } = this.#request
    const metadata = { resourceVersion: String(version), ...(annotations === undefined ? {} : { annotations }) }
    const object: RawObject = { kind: rendering.record.kind, apiVersion: apiVersionOf(rendering.record), metadata }
    this.#write(`${JSON.stringify({ type: 'BOOKMARK', object: object })}\n`)
  }

  /** Ends it, after what was told already: Node's `end` loses what is corked. */
  end(last = ''): void {
    this.#uncork()
    this.#response.end(last)
  }

  /** Tells what it was not told yet, as much as there is room for. */
  #catchUp(): void {
    if (this.#response.writableEnded || !this.#sendInitial() || !this.#behind) return
    const { store, rendering } = this.#request
    const changes = store.history.since(this.#cursor)
    if (changes === undefined) {
      const { status } = expired(`too old resource version: ${this.#cursor} (${store.history.floor})`)
      this.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
      return
    }
    for (const change of changes) {
      if (this.#isFull()) return
      this.#cursor = change.version
      if (change.resource === resourceOf(rendering.record)) this.#tell(change)
    }
    this.#behind = false
  }

  /** False while some of it is left. */
  #sendInitial(): boolean {
    const { options } = this.#request
    while (this.#initial !== undefined) {
      if (this.#isFull()) return false
      const { value, done } = this.#initial.next()
      if (done !== true) {
        if (this.#selector.matches(value.object)) this.#send('ADDED', value)
        continue
      }
      this.#initial = undefined
      if (options.sendInitialEvents === true && options.bookmarks)
        this.#bookmarkAt(this.#cursor, { 'k8s.io/initial-events-end': 'true' })
    }
    return true
  }

  #isFull(): boolean {
    return this.#unread > BACKLOG_LIMIT_IN_BYTES
  }

  #tell(change: Change): void {
    const { namespace } = this.#request
    if (namespace !== undefined && change.stored.object.metadata.namespace !== namespace) return
    const event = eventOf(this.#selector, change)
    if (event !== undefined) this.#send(event.type, event.stored)
  }

  #send(type: EventType, stored: Stored): void {
    const shaped = this.#shaped(stored)
    const { record } = this.#request.rendering
    this.#write(
      shaped === undefined ? encoded(type, storedToServed(record, stored)) : `${JSON.stringify({ type, object: shaped })}\n`,
    )
  }

  /** The object as a Table or as metadata, when that was asked for. */
  #shaped(stored: Stored): object | undefined {
    const { record, form, include, nowInMs } = this.#request.rendering
    if (form.as === 'partial' || form.as === 'partial-list') return partialOf(stored.object, form.version)
    if (form.as !== 'table') return undefined
    const now = Math.max(nowInMs, Date.now())
    const table = tableOf(
      { record, version: form.version, include, nowInMs: now },
      [stored],
      { resourceVersion: String(stored.version) },
      !this.#headed,
    )
    this.#headed = true
    return table
  }

  #uncork(): void {
    if (!this.#corked) return
    this.#corked = false
    this.#response.uncork()
  }

  /** Lines of one turn of the event loop leave together. */
  #write(line: Buffer | string): void {
    const response = this.#response
    if (response.destroyed || response.writableEnded) return
    if (!this.#corked) {
      this.#corked = true
      response.cork()
      setImmediate(() => this.#uncork())
    }
    const size = line.length
    this.#unread += size
    // Not 'drain': Node does not emit it for what was written between cork and uncork.
    response.write(line, (error) => {
      this.#unread -= size
      if (!error && !this.#isFull() && (this.#behind || this.#initial !== undefined)) this.#catchUp()
    })
  }
}

/** Serves a watch until its time is up, the client leaves, or `signal` ends it. @throws {ApiError} before the first byte only */
export function serveWatch(request: WatchRequest, response: ServerResponse, signal: AbortSignal): void {
  const watcher = new Watcher(request, response)
  watcher.begin()
  if (response.writableEnded) return
  const { options, store, rendering } = request
  const timeoutInMs = (options.timeoutInSeconds ?? SHORTEST_WATCH_IN_S * (1 + Math.random())) * 1000
  const stop = store.listen(resourceOf(rendering.record), watcher.hear)
  const bookmarks = options.bookmarks ? setInterval(() => watcher.bookmark(), BOOKMARK_EVERY_IN_MS) : undefined
  const lastBookmark = options.bookmarks
    ? setTimeout(() => watcher.bookmark(), Math.max(0, timeoutInMs - LAST_BOOKMARK_BEFORE_END_IN_MS))
    : undefined
  const end = (): void => watcher.end()
  const timer = setTimeout(end, Math.min(timeoutInMs, 2 ** 31 - 1))
  const ends = rendering.record.retired === undefined ? signal : AbortSignal.any([signal, rendering.record.retired])
  ends.addEventListener('abort', end, { once: true })
  response.on('close', () => {
    stop()
    clearInterval(bookmarks)
    clearTimeout(lastBookmark)
    clearTimeout(timer)
    ends.removeEventListener('abort', end)
  })
}
