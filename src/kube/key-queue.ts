/** Objects that have to be looked at, by key: each once at a time, again when something changed meanwhile, later after a failure. */
import { Backoff, pause } from './backoff.ts'

export interface KeyQueueOptions {
  readonly signal: AbortSignal
  /** Looks at one object and does what is to be done; resolves to when it wants to look again, in milliseconds, if ever. */
  sync(key: string): Promise<number | undefined>
  /** Hears of what `sync` threw; the key is tried again after a growing delay. */
  failed(key: string, error: unknown): void
  /** How many at a time; 4 by default. */
  readonly workers?: number
}

export class KeyQueue {
  readonly #options: KeyQueueOptions
  readonly #dirty = new Set<string>()
  readonly #busy = new Set<string>()
  readonly #backoffs = new Map<string, Backoff>()
  readonly #timers = new Map<string, { readonly atInMs: number; readonly timer: NodeJS.Timeout }>()
  #started = false

  constructor(options: KeyQueueOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => {
      for (const { timer } of this.#timers.values()) clearTimeout(timer)
    })
  }

  /** What was added before is looked at from now on. */
  start(): void {
    this.#started = true
    this.#pump()
  }

  add(...keys: readonly string[]): void {
    for (const key of keys) this.#dirty.add(key)
    this.#pump()
  }

  /** Adds it after a time, or sooner if that was asked for before. */
  addLater(key: string, inMs: number): void {
    const atInMs = performance.now() + inMs
    const known = this.#timers.get(key)
    if (this.#options.signal.aborted || (known !== undefined && known.atInMs <= atInMs)) return
    clearTimeout(known?.timer)
    const timer = setTimeout(
      () => {
        this.#timers.delete(key)
        this.add(key)
      },
      Math.min(Math.max(inMs, 1), 2 ** 30),
    )
    this.#timers.set(key, { atInMs, timer })
  }

  #pump(): void {
    const { signal, workers = 4 } = this.#options
    if (!this.#started || signal.aborted) return
    for (const key of this.#dirty) {
      if (this.#busy.size >= workers) return
      if (this.#busy.has(key)) continue
      this.#dirty.delete(key)
      this.#busy.add(key)
      void this.#settle(key).finally(() => {
        this.#busy.delete(key)
        this.#pump()
      })
    }
  }

  async #settle(key: string): Promise<void> {
    const { signal, sync, failed } = this.#options
    try {
      const againInMs = await sync(key)
      this.#backoffs.delete(key)
      if (againInMs !== undefined) this.addLater(key, againInMs)
    } catch (error) {
      if (signal.aborted) return
      failed(key, error)
      const backoff = this.#backoffs.get(key) ?? new Backoff({ firstInMs: 20, maxInMs: 5_000 })
      this.#backoffs.set(key, backoff)
      await pause(backoff.next(), signal)
      this.#dirty.add(key)
    }
  }
}
