/** Growing delays with jitter. */
import { setTimeout as sleep } from 'node:timers/promises'

export interface BackoffOptions {
  readonly firstInMs: number
  readonly maxInMs: number
  /** Gives 0 to 1; Math.random by default. */
  readonly random?: () => number
}

/**
 * A series of delays: each step doubles up to `maxInMs`, and what is waited is 50-100 % of it, so that clients that failed
 * together do not come back together.
 */
export class Backoff {
  private readonly options: BackoffOptions
  private step = 0

  constructor(options: BackoffOptions) {
    this.options = options
  }

  /** The next delay in milliseconds. */
  next(): number {
    const { firstInMs, maxInMs, random = Math.random } = this.options
    const full = Math.min(maxInMs, firstInMs * 2 ** Math.min(this.step++, 30))
    return full * (0.5 + random() / 2)
  }

  /** After a success: the next failure starts over. */
  reset(): void {
    this.step = 0
  }
}

/** Waits; returns false at once when `signal` is aborted, or true after the time. */
export async function pause(timeInMs: number, signal?: AbortSignal): Promise<boolean> {
  try {
    await sleep(timeInMs, undefined, { signal })
    return true
  } catch {
    return false
  }
}
