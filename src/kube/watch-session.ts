/** One watch request, from its first line to its end. */
import type { Readable } from 'node:stream'
import { lineBatches } from '../http/lines.ts'
import { ApiError, isTooNew } from './api-error.ts'
import type { KubeClient } from './client.ts'
import type { Change, Decoded, ObjectStore } from './object-store.ts'
import { collectionPath, type Resource } from './resource.ts'
import type { KubeObject, Status } from './types.ts'
import { notAfter, parseWatchLine, type WatchEvent } from './watch-event.ts'

export interface WatchSessionOptions<T extends KubeObject, K> {
  readonly client: KubeClient
  readonly resource: Resource<T>
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly signal: AbortSignal
  readonly watchTimeoutInS?: () => number
  readonly initialTimeoutInMs?: number
  /** Where to go on; '' asks for the whole state first. */
  readonly from: string
  readonly store: ObjectStore<K>
  readonly decode: (object: T) => Decoded<K>
  readonly onWhole: (objects: ReadonlyMap<string, Decoded<K>>, resourceVersion: string) => void
  readonly onBatch: (changes: readonly Change<K>[], receivedAtInMs: number) => void
  /** The server took the watch. */
  readonly onOpen: () => void
  readonly onProgress: (resourceVersion: string) => void
}

/**
 * Why a watch ended other than by the server's timer: the server cannot stream the first state; it is behind of what we
 * have seen (restored from a backup, or made anew); what it said is no watch event; it closed at once without a word.
 */
export type WatchEndReason = 'no-streaming' | 'went-back' | 'unreadable' | 'refused' | 'silent'

export class WatchEnd extends Error {
  override readonly name = 'WatchEnd'
  readonly reason: WatchEndReason

  constructor(reason: WatchEndReason, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.reason = reason
  }
}

/** A watch that ends sooner than this without a line was not a watch. */
const SHORT_WATCH_IN_MS = 1_000
/** The server ends a watch by its own timer; one that is this late will not any more. */
const GRACE_IN_MS = 30_000

export class WatchSession<T extends KubeObject, K> {
  private readonly options: WatchSessionOptions<T, K>
  private readonly started = performance.now()
  private resourceVersion: string
  /** The first state as far as it came; undefined once it is whole. */
  private initial: Map<string, Decoded<K>> | undefined
  private heard = false

  constructor(options: WatchSessionOptions<T, K>) {
    this.options = options
    this.resourceVersion = options.from
    this.initial = options.from === '' ? new Map() : undefined
  }

  /** Runs until the server ends the watch as usual. @throws {WatchEnd | FairwayError | Error} when it ends otherwise */
  async run(): Promise<void> {
    const { watchTimeoutInS = drawTimeout } = this.options
    const timeoutInS = watchTimeoutInS()
    const body = await this.open(timeoutInS)
    this.options.onOpen()
    const late = setTimeout(
      () => body.destroy(new WatchEnd('silent', 'the watch outlived its time')),
      timeoutInS * 1000 + GRACE_IN_MS,
    )
    const { initialTimeoutInMs = 15_000 } = this.options
    const never = setTimeout(() => {
      if (this.initial !== undefined) body.destroy(new WatchEnd('no-streaming', 'the first state did not end'))
    }, initialTimeoutInMs)
    try {
      for await (const lines of lineBatches(body)) this.take(lines)
    } finally {
      clearTimeout(late)
      clearTimeout(never)
    }
    if (!this.heard && performance.now() - this.started < SHORT_WATCH_IN_MS)
      throw new WatchEnd('silent', 'the watch closed at once')
  }

  private async open(timeoutInS: number): Promise<Readable> {
    const { client, resource, namespace, labelSelector, fieldSelector, signal } = this.options
    const initial = { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
    const place = this.initial === undefined ? { resourceVersion: this.resourceVersion } : initial
    const query = { watch: true, allowWatchBookmarks: true, timeoutSeconds: timeoutInS, labelSelector, fieldSelector, ...place }
    try {
      return (await client.open('GET', collectionPath(resource, namespace), { query, signal, attempts: 1 })).body
    } catch (error) {
      // 422 is what a server says that knows the option and has it off; 400 one that checks its query
      const unknown = error instanceof ApiError && (error.httpStatus === 422 || error.httpStatus === 400)
      if (unknown && this.initial !== undefined) throw new WatchEnd('no-streaming', error.message, error)
      throw error
    }
  }

  private take(lines: readonly string[]): void {
    const receivedAtInMs = performance.now()
    const changes: Change<K>[] = []
    try {
      for (const line of lines) changes.push(...this.takeEvent(parse<T>(line)))
    } finally {
      // what came before a bad line is good
      if (changes.length > 0) this.options.onBatch(changes, receivedAtInMs)
      if (this.heard && this.initial === undefined) this.options.onProgress(this.resourceVersion)
    }
  }

  private takeEvent(event: WatchEvent<T>): readonly Change<K>[] {
    if (event.type === 'ERROR') throw refused(event.status)
    if (this.initial !== undefined) {
      this.takeInitial(event, this.initial)
      return []
    }
    if (event.type === 'BOOKMARK') {
      if (event.resourceVersion !== this.resourceVersion && notAfter(event.resourceVersion, this.resourceVersion))
        throw this.wentBack(event)
      this.reached(event.resourceVersion)
      return []
    }
    return this.takeChange(event)
  }

  private takeChange(event: Extract<WatchEvent<T>, { readonly object: T }>): readonly Change<K>[] {
    const object = this.options.decode(event.object)
    if (notAfter(event.resourceVersion, this.resourceVersion)) {
      if (event.type !== 'DELETED' && this.options.store.versionOf(object.key) === event.resourceVersion) return []
      throw this.wentBack(event)
    }
    this.reached(event.resourceVersion)
    return event.type === 'DELETED' ? this.options.store.remove(object.key) : this.options.store.upsert(object)
  }

  private takeInitial(event: Exclude<WatchEvent<T>, { readonly type: 'ERROR' }>, initial: Map<string, Decoded<K>>): void {
    if (event.type === 'BOOKMARK') {
      if (!event.endsInitial) return
      this.initial = undefined
      this.reached(event.resourceVersion)
      this.options.onWhole(initial, event.resourceVersion)
      return
    }
    const object = this.options.decode(event.object)
    if (event.type === 'DELETED') initial.delete(object.key)
    else initial.set(object.key, object)
  }

  private reached(resourceVersion: string): void {
    this.resourceVersion = resourceVersion
    this.heard = true
  }

  private wentBack(event: { readonly resourceVersion: string }): WatchEnd {
    return new WatchEnd('went-back', `the server is at ${event.resourceVersion}, which is not after ${this.resourceVersion}`)
  }
}

function parse<T extends KubeObject>(line: string): WatchEvent<T> {
  try {
    return parseWatchLine<T>(line)
  } catch (error) {
    throw new WatchEnd('unreadable', error instanceof Error ? error.message : String(error), error)
  }
}

function refused(status: Status): Error {
  const error = new ApiError(status.code ?? 500, status, { request: 'watch' })
  return error.httpStatus === 410 || error.reason === 'Expired' || isTooNew(status)
    ? error
    : new WatchEnd('refused', error.message, error)
}

function drawTimeout(): number {
  return 300 + Math.floor(Math.random() * 300)
}
