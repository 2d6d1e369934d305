/** When the token of a volume is asked for anew. */

/** Sources: kubelet, pkg/kubelet/token/token_manager.go requiresRefresh (maxTTL and four fifths). */
const LONGEST_IN_MS = 24 * 3600 * 1000
const RETRY_IN_MS = 5_000

/** How long a token that lives so long is used: four fifths of its life, a day at the most. */
export function renewalDelay(lifeInMs: number): number {
  return Math.max(0, Math.min(lifeInMs * 0.8, LONGEST_IN_MS))
}

/** The timers of a pod's volumes with tokens, by volume. */
export class TokenRenewal {
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #renew: (volume: string) => void
  #ended = false

  constructor(renew: (volume: string) => void) {
    this.#renew = renew
  }

  /** The volume has a token that lives until `expiresAtInMs`; the earliest of several counts. */
  granted(volume: string, expiresAtInMs: number): void {
    this.#after(volume, renewalDelay(expiresAtInMs - Date.now()))
  }

  /** No token was to be had: another try soon, if the volume had one before. */
  refused(volume: string): void {
    if (this.#timers.has(volume)) this.#after(volume, RETRY_IN_MS)
  }

  end(): void {
    this.#ended = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  #after(volume: string, delayInMs: number): void {
    clearTimeout(this.#timers.get(volume))
    if (!this.#ended)
      this.#timers.set(
        volume,
        setTimeout(() => this.#renew(volume), delayInMs),
      )
  }
}
