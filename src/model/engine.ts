import { type Code, type ErrorDetail, FairwayError } from './code.ts'
import type { Delta, Keyed } from './plan.ts'

/** An engine could not read or change its slice of the node. What is installed then is in `observed`, or unknown until `refresh`. */
export class EngineError extends FairwayError {
  /** Whether the mirror may differ from what is installed, so that only `refresh` can tell. */
  readonly stale: boolean

  constructor(code: Code, message: string, detail: ErrorDetail & { readonly stale?: boolean } = {}) {
    super(code, message, detail)
    this.stale = detail.stale ?? true
  }
}

/** Owns one slice of the node (one nft table a family) and touches nothing else. */
export interface Engine<T extends Keyed> {
  /** What is installed, as far as known without asking the kernel again; `refresh` asks. */
  readonly observed: ReadonlyMap<string, T>
  /** Reads the slice anew, off the main thread: at start, after someone else's change, after a failed apply. @throws {EngineError} */
  refresh(signal: AbortSignal): Promise<void>
  /**
   * Installs a difference; upserts before removals. Upserting what is there and removing what is not both succeed.
   *
   * One transaction, all or nothing; a large difference (a first load) is several, each all or nothing, and `observed` says
   * which of them are in. Calls never overlap. @throws {EngineError}
   */
  apply(delta: Delta<T>, signal: AbortSignal): Promise<void>
}
