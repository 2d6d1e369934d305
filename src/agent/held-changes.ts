import type { WorldChange } from '../model/world.ts'

export interface HeldChangesOptions {
  /** What is waited for; undefined for nothing. */
  readonly until: Promise<unknown> | undefined
  /** What cannot be had (a right that is missing) must not keep Services from working. */
  readonly timeoutInMs: number
  /** Nothing is let through any more after it. */
  readonly signal: AbortSignal
  /** All that was held, once; afterwards each batch. */
  readonly take: (changes: readonly WorldChange[], receivedAtInMs: number) => void
}

/**
 * Changes of the world that wait until something else is known, at the agent's beginning: part of the rules (`keepSourceTo`) follows
 * from the settings of BGP, and what a predecessor installed must not be taken out meanwhile.
 */
export class HeldChanges {
  /** Resolves when nothing is held any more. */
  readonly released: Promise<void>
  private readonly options: HeldChangesOptions
  private held: WorldChange[] | undefined = []

  constructor(options: HeldChangesOptions) {
    this.options = options
    if (options.until === undefined) {
      this.held = undefined
      this.released = Promise.resolve()
      return
    }
    this.released = new Promise((resolve) => {
      const release = (): void => {
        clearTimeout(longest)
        this.release()
        resolve()
      }
      const longest = setTimeout(release, options.timeoutInMs)
      void options.until?.then(release)
      options.signal.addEventListener('abort', release)
    })
  }

  hear(changes: readonly WorldChange[], receivedAtInMs: number): void {
    if (this.held === undefined) this.options.take(changes, receivedAtInMs)
    else this.held.push(...changes)
  }

  private release(): void {
    const held = this.held ?? []
    this.held = undefined
    if (held.length > 0 && !this.options.signal.aborted) this.options.take(held, performance.now())
  }
}
