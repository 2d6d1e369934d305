import type { Engine } from '../model/engine.ts'
import type { Delta, Keyed } from '../model/plan.ts'

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

export declare function createReconciler<T extends Keyed>(options: ReconcileOptions<T>): Reconciler<T>
