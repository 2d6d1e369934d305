/** What a server does not have, or does not show, and may have later. */
import { Backoff, pause } from './backoff.ts'

export interface AbsenceOptions {
  readonly firstInMs: number
  readonly maxInMs: number
  /** Hears when it is found to be absent, and when it is there again. */
  readonly onChange?: (absent: boolean) => void
}

/** Decides when to look again: seldom, until somebody says that it should be there by now; then soon, and ever more seldom. */
export class Absence {
  private readonly options: AbsenceOptions
  private absent = false
  private hope: Backoff | undefined
  private waiting = new AbortController()

  constructor(options: AbsenceOptions) {
    this.options = options
  }

  note(absent: boolean): void {
    if (this.absent === absent) return
    this.absent = absent
    if (!absent) this.hope = undefined
    this.options.onChange?.(absent)
  }

  async wait(signal: AbortSignal): Promise<void> {
    const { maxInMs } = this.options
    const { signal: hurried } = this.waiting
    if (!hurried.aborted) await pause(this.hope?.next() ?? maxInMs, AbortSignal.any([signal, hurried]))
    this.waiting = new AbortController()
  }

  /** Looks again at once, and if it is still absent soon again. */
  hurry(): void {
    this.hope = new Backoff(this.options)
    this.waiting.abort()
  }
}
