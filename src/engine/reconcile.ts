import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Engine } from '../model/engine.ts'
import { type Delta, isEmpty, type Keyed } from '../model/plan.ts'

export interface ReconcileOptions<T extends Keyed> {
  readonly engine: Engine<T>
  /** Called after each round, good or bad. */
  readonly onRound?: (round: Round) => void
  /** First pause after an error; doubles up to `maxRetryInMs`. Defaults 50 ms and 10 s. */
  readonly minRetryInMs?: number
  readonly maxRetryInMs?: number
}

/** What one round did. `pending` counts keys that are known not to be as desired after it; `error` is there when it failed. */
export interface Round {
  readonly upserts: number
  readonly removals: number
  readonly pending: number
  readonly tookInMs: number
  readonly refreshed: boolean
  readonly error?: Error
}

/**
 * Brings an engine's slice to what is desired, and keeps it there: desired, observed and the difference are three values.
 *
 * It does nothing before the first `want`, which must hold all that is desired: what else is in the slice is then removed.
 * Then it adopts what is there and changes only what differs. After an error it reads the slice anew and tries again.
 */
export interface Reconciler<T extends Keyed> {
  readonly desired: ReadonlyMap<string, T>
  /** Keys that are known not to be as desired: changes that wait, and what is being applied or could not be. */
  readonly pending: ReadonlySet<string>
  /** Adds a difference to what is desired; the first call states the whole. Returns at once. */
  want(delta: Delta<T>): void
  /** Reads the slice anew and repairs it: call it when someone else changed it, or now and then. */
  verify(): void
  /** Resolves when the slice is as desired; rejects when the signal aborts or after `stop`. */
  settled(signal?: AbortSignal): Promise<void>
  /** Ends the loop after the round in progress. What is installed stays. */
  stop(): Promise<void>
}

/** Entries that are compared in one turn of the event loop: a few milliseconds' work. */
const KEYS_A_TURN = 1_000

export function createReconciler<T extends Keyed>(options: ReconcileOptions<T>): Reconciler<T> {
  return new Loop(options)
}

class Loop<T extends Keyed> implements Reconciler<T> {
  readonly desired = new Map<string, T>()
  private readonly options: ReconcileOptions<T>
  private readonly stopping = new AbortController()
  /** Keys that were wanted since they were last compared. */
  private readonly wanted = new Set<string>()
  /** Keys of the difference that is being applied, or of the last one that could not be. */
  private unsettled: ReadonlySet<string> = new Set()
  private stale = true
  /** Whether what is desired is known: before that, everything that is installed would seem to be too much. */
  private told = false
  private running: Promise<void> | undefined
  private retryInMs: number
  private waiters: { resolve(): void; reject(error: Error): void }[] = []

  constructor(options: ReconcileOptions<T>) {
    this.options = options
    this.retryInMs = options.minRetryInMs ?? 50
  }

  get pending(): ReadonlySet<string> {
    return this.unsettled.size === 0 ? this.wanted : new Set([...this.unsettled, ...this.wanted])
  }

  want(delta: Delta<T>): void {
    this.told = true
    for (const entry of delta.upserts) {
      this.desired.set(entry.key, entry)
      this.wanted.add(entry.key)
    }
    for (const key of delta.removals) {
      this.desired.delete(key)
      this.wanted.add(key)
    }
    this.wake()
  }

  verify(): void {
    this.stale = true
    this.wake()
  }

  settled(signal?: AbortSignal): Promise<void> {
    if (this.stopping.signal.aborted) return Promise.reject(new Error('the reconciler was stopped'))
    if (this.running === undefined && !this.stale && this.wanted.size === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject })
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await this.running
    for (const { reject } of this.waiters.splice(0)) reject(new Error('the reconciler was stopped'))
  }

  private wake(): void {
    if (!this.told || this.running !== undefined || this.stopping.signal.aborted) return
    this.running = this.run().finally(() => {
      this.running = undefined
      if (this.stopping.signal.aborted) return
      if (this.stale || this.wanted.size > 0)
        this.wake() // wanted between the last look and now
      else for (const { resolve } of this.waiters.splice(0)) resolve()
    })
  }

  private async run(): Promise<void> {
    await Promise.resolve() // what is wanted in the same turn goes into one round
    while ((this.stale || this.wanted.size > 0) && !this.stopping.signal.aborted) {
      const failed = await this.round()
      if (failed) await this.pause()
      else this.retryInMs = this.options.minRetryInMs ?? 50
    }
  }

  /** One refresh, if it is due, and one apply. Returns whether it failed; then all is looked at again. */
  private async round(): Promise<boolean> {
    const { engine, onRound } = this.options
    const startedAt = performance.now()
    const refreshed = this.stale
    let delta: Delta<T> = { upserts: [], removals: [] }
    let error: Error | undefined
    try {
      if (refreshed) await this.refresh()
      delta = await this.takeDifference(refreshed)
      if (!isEmpty(delta)) await engine.apply(delta, this.stopping.signal)
    } catch (cause) {
      error = cause instanceof Error ? cause : new Error(String(cause))
      this.stale = true
    }
    this.unsettled = error === undefined ? new Set() : this.stillDifferent()
    onRound?.({
      upserts: delta.upserts.length,
      removals: delta.removals.length,
      pending: this.pending.size,
      refreshed,
      tookInMs: performance.now() - startedAt,
      ...(error === undefined ? {} : { error }),
    })
    return error !== undefined
  }

  private async refresh(): Promise<void> {
    this.stale = false // a verify() that comes while this one reads must be heard
    await this.options.engine.refresh(this.stopping.signal)
  }

  /**
   * What must be applied: of the keys that were wanted, or of all after a refresh. All are looked at in many turns of the event
   * loop; what was wanted meanwhile is looked at last and at one go, so that the difference is that of one moment.
   */
  private async takeDifference(all: boolean): Promise<Delta<T>> {
    const found = new Map<string, T | undefined>()
    if (all) {
      this.unsettled = new Set(this.wanted)
      this.wanted.clear()
      let looked = 0
      for (const keys of [this.desired.keys(), this.options.engine.observed.keys()]) {
        for (const key of keys) {
          this.compare(key, found)
          if (++looked % KEYS_A_TURN === 0) await setImmediate()
        }
      }
    }
    for (const key of this.wanted) this.compare(key, found)
    this.wanted.clear()
    this.unsettled = new Set(found.keys())
    const upserts: T[] = []
    const removals: string[] = []
    for (const [key, wanted] of found) {
      if (wanted === undefined) removals.push(key)
      else upserts.push(wanted)
    }
    return { upserts, removals }
  }

  /** Notes in `found` what is to become of a key: its entry to be installed, or undefined to be removed; nothing when it is as desired. */
  private compare(key: string, found: Map<string, T | undefined>): void {
    const [wanted, installed] = [this.desired.get(key), this.options.engine.observed.get(key)]
    if (isDeepStrictEqual(wanted, installed)) found.delete(key)
    else found.set(key, wanted)
  }

  /** After a failure: what of the difference is not in, as far as the mirror tells. */
  private stillDifferent(): ReadonlySet<string> {
    const found = new Map<string, T | undefined>()
    for (const key of this.unsettled) this.compare(key, found)
    return new Set(found.keys())
  }

  private async pause(): Promise<void> {
    const pauseInMs = this.retryInMs
    this.retryInMs = Math.min(pauseInMs * 2, this.options.maxRetryInMs ?? 10_000)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, pauseInMs)
      const { signal } = this.stopping
      signal.addEventListener('abort', done, { once: true })
      function done(): void {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        resolve()
      }
    })
  }
}
