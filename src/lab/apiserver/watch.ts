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
/** A watcher that reads more slowly than this is cut off; it may come back from where it was. */
const BACKLOG_LIMIT_IN_BYTES = 32 * 1024 * 1024

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

/** One open watch. */
class Watcher {
  readonly #request: WatchRequest
  readonly #response: ServerResponse
  readonly #selector: Selector
  #corked = false
  #headed = false

  constructor(request: WatchRequest, response: ServerResponse) {
    this.#request = request
    this.#response = response
    const { record } = request.rendering
    this.#selector = parseSelector(record, request.options.labelSelector, request.options.fieldSelector)
  }

  /** What happened before now, as the options ask for it. False when the watch is over already. */
  begin(): boolean {
    const { store, options, namespace, rendering } = this.#request
    const version = parseVersion(options.version, true)
    const wantsState = options.sendInitialEvents ?? (version === undefined || version === 0)
    this.#response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
    this.#response.flushHeaders()
    if (wantsState) {
      for (const stored of store.list(resourceOf(rendering.record), namespace))
        if (this.#selector.matches(stored.object)) this.#send('ADDED', stored)
      if (options.sendInitialEvents === true && options.bookmarks) this.bookmark({ 'k8s.io/initial-events-end': 'true' })
      return true
    }
    if (version === undefined || version === 0) return true
    const changes = store.history.since(version)
    if (changes === undefined) {
      const { status } = expired(`too old resource version: ${version} (${store.history.floor})`)
      this.#response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
      return false
    }
    for (const change of changes) if (change.resource === resourceOf(rendering.record)) this.hear(change)
    return true
  }

  readonly hear = (change: Change): void => {
    const { namespace, options } = this.#request
    if (namespace !== undefined && change.stored.object.metadata.namespace !== namespace) return
    if (options.version !== '' && change.version <= Number(options.version)) return
    const event = eventOf(this.#selector, change)
    if (event !== undefined) this.#send(event.type, event.stored)
  }

  bookmark(annotations?: Record<string, string>): void {
    const { store, rendering } = this.#request
    const metadata = { resourceVersion: String(store.version), ...(annotations === undefined ? {} : { annotations }) }
    const object: RawObject = { kind: rendering.record.kind, apiVersion: apiVersionOf(rendering.record), metadata }
    this.#write(`${JSON.stringify({ type: 'BOOKMARK', object: object })}\n`)
  }

  end(): void {
    this.#response.end()
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

  /** Lines of one turn of the event loop leave together. */
  #write(line: Buffer | string): void {
    const response = this.#response
    if (response.destroyed) return
    if (!this.#corked) {
      this.#corked = true
      response.cork()
      setImmediate(() => {
        this.#corked = false
        response.uncork()
      })
    }
    response.write(line)
    if (response.writableLength > BACKLOG_LIMIT_IN_BYTES) response.destroy()
  }
}

/** Serves a watch until its time is up, the client leaves, or `signal` ends it. @throws {ApiError} before the first byte only */
export function serveWatch(request: WatchRequest, response: ServerResponse, signal: AbortSignal): void {
  const watcher = new Watcher(request, response)
  if (!watcher.begin()) return
  const { options, store, rendering } = request
  const timeoutInMs = (options.timeoutInSeconds ?? SHORTEST_WATCH_IN_S * (1 + Math.random())) * 1000
  const stop = store.listen(resourceOf(rendering.record), watcher.hear)
  const bookmarks = options.bookmarks ? setInterval(() => watcher.bookmark(), BOOKMARK_EVERY_IN_MS) : undefined
  const lastBookmark = options.bookmarks
    ? setTimeout(() => watcher.bookmark(), Math.max(0, timeoutInMs - LAST_BOOKMARK_BEFORE_END_IN_MS))
    : undefined
  const end = (): void => watcher.end()
  const timer = setTimeout(end, Math.min(timeoutInMs, 2 ** 31 - 1))
  signal.addEventListener('abort', end, { once: true })
  response.on('close', () => {
    stop()
    clearInterval(bookmarks)
    clearTimeout(lastBookmark)
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  })
}
