/**
 * List and watch of our own: a local copy of a collection that follows the server whatever happens on the way.
 *
 * It streams the first state (WatchList) where the server can, else lists in pages, then watches with bookmarks. A watch that
 * ends is resumed where it was; one whose place the server forgot (410) is read anew and compared, so that handlers see
 * true changes only.
 * Source: "Kubernetes API Concepts"; KEP-3157 (WatchList), KEP-956 (bookmarks).
 */
import { type Logger, logger } from '../log/log.ts'
import { FairwayError } from '../model/code.ts'
import { KUBE_ANSWER_UNREADABLE, KUBE_HANDLER_FAILED } from '../model/codes/kube.ts'
import { Absence } from './absence.ts'
import { ApiError, isAborted, isExpired, isForbidden, isNotFound, isTooNew } from './api-error.ts'
import { Backoff, pause } from './backoff.ts'
import type { KubeClient } from './client.ts'
import { listAll } from './list-pages.ts'
import { type Change, type Decoded, decode, ObjectStore } from './object-store.ts'
import type { Resource } from './resource.ts'
import type { KubeObject } from './types.ts'
import { notAfter } from './watch-event.ts'
import { WatchEnd, WatchSession } from './watch-session.ts'

export type { Change } from './object-store.ts'

/** About a batch of changes. `receivedAtInMs` is of the monotonic clock (performance.now) when its bytes arrived. */
export interface BatchInfo {
  readonly receivedAtInMs: number
}

export interface ReflectorOptions<T extends KubeObject, K> {
  readonly client: KubeClient
  readonly resource: Resource<T>
  /** Absent: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** What is kept of an object, made when it is decoded; everything by default. What it throws is logged, and the object skipped. */
  readonly keep?: (object: T) => K
  /** Hears of changes in order, many at a time. What it throws is logged, and it goes on. */
  readonly onChanges?: (changes: readonly Change<K>[], batch: BatchInfo) => void
  /** For what not every server has: one that does not know the resource, or lets nobody read it, has an empty collection. */
  readonly optional?: boolean
  /** Hears when what is optional turns out to be unknown or hidden, and when it is there again. */
  readonly onAbsent?: (absent: boolean) => void
  /** Ends it. */
  readonly signal: AbortSignal
  readonly log?: Logger
  /** Objects in a page of a list; 500 by default. */
  readonly pageSize?: number
  /** Delays after failures; 200 ms doubling to 20 s by default. */
  readonly backoff?: { readonly firstInMs: number; readonly maxInMs: number }
  /** How long the server may take to stream the first state before it is listed instead; 15 s by default. */
  readonly initialTimeoutInMs?: number
  /** How long one watch lasts; 5 to 10 minutes, drawn anew each time, by default. */
  readonly watchTimeoutInS?: () => number
}

export interface Reflector<K> {
  /** The local copy, by `namespace/name`. Every change of it is heard by onChanges right after. */
  readonly store: ReadonlyMap<string, K>
  /** Resolves once the first whole state is in the store and was heard. It never rejects; it stays open if aborted before. */
  readonly synced: Promise<void>
  readonly hasSynced: boolean
  /** Whether the server was last heard of without an error since. */
  readonly connected: boolean
  /** What is optional and was absent should be there by now: the server is asked at once, not only some day. */
  lookAgain(): void
  /** Resolves when it ended by its signal. */
  readonly done: Promise<void>
}

/** Starts one; it runs until its signal. */
export function startReflector<T extends KubeObject, K = T>(options: ReflectorOptions<T, K>): Reflector<K> {
  const loop = new ReflectLoop(options)
  const done = loop.run()
  return {
    store: loop.store.values,
    synced: loop.synced.promise,
    get hasSynced() {
      return loop.hasSynced
    },
    get connected() {
      return loop.connected
    },
    lookAgain: () => loop.absence.hurry(),
    done,
  }
}

const MAX_BACKOFF_IN_MS = 20_000
/** Failures in a row, without a word from the server between, after which resuming is given up for a fresh list. */
const RESUMES_BEFORE_RELIST = 3

class ReflectLoop<T extends KubeObject, K> {
  readonly store = new ObjectStore<K>()
  readonly synced = Promise.withResolvers<void>()
  hasSynced = false
  connected = false
  readonly absence: Absence
  private readonly options: ReflectorOptions<T, K>
  private readonly log: Logger
  private readonly backoff: Backoff
  /** Where to resume; '' when the whole state must be read. */
  private resourceVersion = ''
  private streamsInitial = true
  private failures = 0
  /** The connection broke since the server was last asked where it is. */
  private broken = false

  constructor(options: ReflectorOptions<T, K>) {
    this.options = options
    this.log = options.log ?? logger('kube')
    const delays = options.backoff ?? { firstInMs: 200, maxInMs: MAX_BACKOFF_IN_MS }
    this.backoff = new Backoff(delays)
    this.absence = new Absence({ ...delays, onChange: options.onAbsent })
  }

  async run(): Promise<void> {
    const { signal } = this.options
    while (!signal.aborted) {
      try {
        if (this.broken && this.resourceVersion !== '') await this.checkPlace()
        if (this.resourceVersion === '' && !this.streamsInitial) await this.readList()
        await this.watch()
      } catch (error) {
        if (signal.aborted) break
        await this.recover(error)
      }
    }
  }

  private async readList(): Promise<void> {
    const { objects, resourceVersion } = await listAll({ ...this.options, decode: (object) => this.decode(object) })
    this.takeWhole(objects, resourceVersion)
  }

  private takeWhole(objects: ReadonlyMap<string, Decoded<K>>, resourceVersion: string, absent = false): void {
    this.absence.note(absent)
    this.deliver(this.store.replace(objects), performance.now())
    this.resourceVersion = resourceVersion
    this.heard()
    if (this.hasSynced) return
    this.hasSynced = true
    this.synced.resolve()
  }

  /**
   * A server that came back from a backup, or was made anew, is behind the place that we would resume at, and then says nothing
   * until it has caught up, without an error. So after a broken connection it is asked where it is.
   */
  private async checkPlace(): Promise<void> {
    const { client, resource, namespace, signal } = this.options
    const { metadata } = await client.list(resource, { namespace, limit: 1, signal, attempts: 1 })
    this.broken = false
    const now = metadata.resourceVersion ?? ''
    if (now === this.resourceVersion || !notAfter(now, this.resourceVersion)) return
    this.log.warn(
      { kind: resource.kind, resourceVersion: this.resourceVersion, now },
      'the server went back in time: reading everything anew',
    )
    this.resourceVersion = ''
  }

  /** One watch, until the server ends it. @throws {unknown} whatever broke it */
  private async watch(): Promise<void> {
    const session = new WatchSession<T, K>({
      ...this.options,
      from: this.resourceVersion,
      store: this.store,
      decode: (object) => this.decode(object),
      onWhole: (objects, resourceVersion) => this.takeWhole(objects, resourceVersion),
      onBatch: (changes, receivedAtInMs) => this.deliver(changes, receivedAtInMs),
      onOpen: () => {
        this.connected = true
      },
      onProgress: (resourceVersion) => {
        this.resourceVersion = resourceVersion
        this.heard()
      },
    })
    await session.run()
  }

  private decode(object: T): Decoded<K> {
    const { keep, resource } = this.options
    const kept = keep ?? ((whole: T) => whole as unknown as K)
    return decode(object, kept, (key, err) =>
      this.log.error({ code: KUBE_ANSWER_UNREADABLE.code, kind: resource.kind, key, err }, 'an object cannot be decoded'),
    )
  }

  private deliver(changes: readonly Change<K>[], receivedAtInMs: number): void {
    if (changes.length === 0) return
    try {
      this.options.onChanges?.(changes, { receivedAtInMs })
    } catch (err) {
      this.log.error({ code: KUBE_HANDLER_FAILED.code, kind: this.options.resource.kind, err }, 'a handler of changes failed')
    }
  }

  private heard(): void {
    if (this.failures > 0)
      this.log.info({ kind: this.options.resource.kind, resourceVersion: this.resourceVersion }, 'the API server is heard again')
    this.failures = 0
    this.connected = true
    this.backoff.reset()
  }

  /** Decides what the next round does after this failure, and waits. */
  private async recover(error: unknown): Promise<void> {
    if (isAborted(error)) return
    if (this.options.optional === true && this.isAbsent(error)) return this.waitForResource()
    const relist = this.mustRelist(error)
    this.noteFailure(error, relist)
    this.broken = !(error instanceof WatchEnd)
    if (relist) this.resourceVersion = ''
    if (error instanceof WatchEnd && error.reason === 'no-streaming') return
    const asked = error instanceof ApiError ? error.retryAfterInMs : 0
    await pause(Math.max(this.backoff.next(), asked), this.options.signal)
  }

  /** A refusal counts only before the first state: rights that are lost later do not take away what is known. */
  private isAbsent(error: unknown): boolean {
    return isNotFound(error) || (isForbidden(error) && !this.hasSynced)
  }

  private async waitForResource(): Promise<void> {
    if (!this.hasSynced) this.log.info({ kind: this.options.resource.kind }, 'the server has none of these, or shows none')
    this.takeWhole(new Map(), '', true)
    await this.absence.wait(this.options.signal)
  }

  private mustRelist(error: unknown): boolean {
    if (error instanceof WatchEnd && error.reason === 'no-streaming') {
      this.streamsInitial = false
      return true
    }
    if (error instanceof WatchEnd && error.reason === 'went-back') return true
    if (isExpired(error) || (error instanceof ApiError && isTooNew(error.status))) return true
    // an answer that never reads well may be bound to the place where it was asked for; a server that is away is not
    return error instanceof WatchEnd && error.reason !== 'silent' && this.failures >= RESUMES_BEFORE_RELIST
  }

  private noteFailure(err: unknown, relist: boolean): void {
    if (err instanceof WatchEnd && (err.reason === 'silent' || err.reason === 'no-streaming')) return
    const code = err instanceof FairwayError ? err.code.code : KUBE_ANSWER_UNREADABLE.code
    const fields = { code, kind: this.options.resource.kind, resourceVersion: this.resourceVersion, err }
    const level = this.failures++ === 0 || !(err instanceof FairwayError) ? 'warn' : 'debug'
    this.connected = false
    this.log[level](fields, relist ? 'the watch cannot go on from here: reading everything anew' : 'the watch broke: resuming')
  }
}
