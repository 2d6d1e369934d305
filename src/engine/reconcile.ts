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

/** What one round did. `pending` counts keys that are not as desired after it; `error` is there when it failed. */
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
  /** Adds a difference to what is desired; the first call states the whole. Returns at once. */
  want(delta: Delta<T>): void
  /** Reads the slice anew and repairs it: call it when someone else changed it, or now and then. */
  verify(): void
  /** Resolves when the slice is as desired; rejects when the signal aborts or after `stop`. */
  settled(signal?: AbortSignal): Promise<void>
  /** Ends the loop after the round in progress. What is installed stays. */
  stop(): Promise<void>
}

export function createReconciler<T extends Keyed>(options: ReconcileOptions<T>): Reconciler<T> {
  return new Loop(options)
}

class Loop<T extends Keyed> implements Reconciler<T> {
  readonly desired = new Map<string, T>()
  private readonly options: ReconcileOptions<T>
  private readonly stopping = new AbortController()
  /** Keys that may differ; after a refresh all of them are looked at. */
  private dirty = new Set<string>()
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

  want(delta: Delta<T>): void {
    this.told = true
    for (const entry of delta.upserts) {
      this.desired.set(entry.key, entry)
      this.dirty.add(entry.key)
    }
    for (const key of delta.removals) {
      this.desired.delete(key)
      this.dirty.add(key)
    }
    this.wake()
  }

  verify(): void {
    this.stale = true
    this.wake()
  }

  settled(signal?: AbortSignal): Promise<void> {
    if (this.stopping.signal.aborted) return Promise.reject(new Error('the reconciler was stopped'))
    if (this.running === undefined && !this.stale && this.dirty.size === 0) return Promise.resolve()
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
      if (this.stale || this.dirty.size > 0)
        this.wake() // wanted between the last look and now
      else for (const { resolve } of this.waiters.splice(0)) resolve()
    })
  }

  private async run(): Promise<void> {
    await Promise.resolve() // what is wanted in the same turn goes into one round
    while ((this.stale || this.dirty.size > 0) && !this.stopping.signal.aborted) {
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
      if (this.stale) await this.refresh()
      delta = this.takeDifference()
      if (!isEmpty(delta)) await engine.apply(delta, this.stopping.signal)
    } catch (cause) {
      error = cause instanceof Error ? cause : new Error(String(cause))
      this.stale = true
    }
    const round = {
      upserts: delta.upserts.length,
      removals: delta.removals.length,
      refreshed,
      tookInMs: performance.now() - startedAt,
    }
    onRound?.({
      ...round,
      pending: error === undefined ? this.dirty.size : this.pending(),
      ...(error === undefined ? {} : { error }),
    })
    return error !== undefined
  }

  private async refresh(): Promise<void> {
    this.stale = false // a verify() that comes while this one reads must be heard
    await this.options.engine.refresh(this.stopping.signal)
    for (const key of this.desired.keys()) this.dirty.add(key)
    for (const key of this.options.engine.observed.keys()) this.dirty.add(key)
  }

  private takeDifference(): Delta<T> {
    const keys = this.dirty
    this.dirty = new Set()
    return this.difference(keys)
  }

  private difference(keys: Iterable<string>): Delta<T> {
    const { engine } = this.options
    const upserts: T[] = []
    const removals: string[] = []
    for (const key of keys) {
      const [wanted, found] = [this.desired.get(key), engine.observed.get(key)]
      if (wanted === undefined) {
        if (found !== undefined) removals.push(key)
      } else if (found === undefined || !isDeepStrictEqual(wanted, found)) upserts.push(wanted)
    }
    return { upserts, removals }
  }

  /** After a failure: how much is not as desired, as far as the mirror tells. */
  private pending(): number {
    const { upserts, removals } = this.difference(new Set([...this.desired.keys(), ...this.options.engine.observed.keys()]))
    return upserts.length + removals.length
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
