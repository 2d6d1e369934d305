/** The last changes, kept so that a watch can go on where it broke off. Bounded by count and bytes. */
import type { Change } from './stored.ts'

export interface HistoryLimits {
  readonly changes: number
  /** Bytes of JSON, the superseded versions included. */
  readonly bytes: number
}

const LIMITS: HistoryLimits = { changes: 20_000, bytes: 24 * 1024 * 1024 }

export class History {
  readonly #limits: HistoryLimits
  #changes: Change[] = []
  #head = 0
  #bytes = 0
  #floor: number

  /** `version` is that of the store at start: nothing older can be told. */
  constructor(version: number, limits: HistoryLimits = LIMITS) {
    this.#floor = version
    this.#limits = limits
  }

  /** The oldest version that a watch may start from. */
  get floor(): number {
    return this.#floor
  }

  add(change: Change): void {
    this.#changes.push(change)
    this.#bytes += change.stored.json.length
    while (this.#changes.length - this.#head > this.#limits.changes || this.#bytes > this.#limits.bytes) this.#drop()
    if (this.#head > 1024 && this.#head * 2 > this.#changes.length) {
      this.#changes = this.#changes.slice(this.#head)
      this.#head = 0
    }
  }

  /** The changes after `version`, oldest first; undefined when some of them are forgotten. */
  since(version: number): readonly Change[] | undefined {
    if (version < this.#floor) return undefined
    let low = this.#head
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#changes[middle]?.version ?? 0) <= version) low = middle + 1
      else high = middle
    }
    return this.#changes.slice(low)
  }

  /** Forgets everything up to now, as etcd's compaction does. */
  compact(): void {
    while (this.#head < this.#changes.length) this.#drop()
  }

  #drop(): void {
    const change = this.#changes[this.#head]
    if (change === undefined) return
    this.#bytes -= change.stored.json.length
    this.#floor = change.version
    this.#head += 1
  }
}
