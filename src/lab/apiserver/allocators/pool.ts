import { randomBytes } from 'node:crypto'

/**
 * Numbers of a range that are given out once.
 *
 * Shape: `first` to `last`, ends included; the lowest `kept` of them are given out on request, and of themselves only when all
 * others are gone, so that a chosen number seldom meets one that the server chose (Kubernetes' static and dynamic bands).
 * Errors: nothing throws; a number that is taken or outside is answered, and giving back what nobody holds does nothing.
 */
export class Pool {
  readonly first: bigint
  readonly last: bigint
  private readonly taken: Set<bigint>
  private readonly band: bigint

  /** `taken` is given by who has several pools of numbers that may overlap. */
  constructor(first: bigint, last: bigint, kept: bigint, taken: Set<bigint> = new Set()) {
    this.first = first
    this.last = last
    this.band = first + kept
    this.taken = taken
  }

  get size(): number {
    return this.taken.size
  }

  has(number: bigint): boolean {
    return this.taken.has(number)
  }

  contains(number: bigint): boolean {
    return number >= this.first && number <= this.last
  }

  claim(number: bigint): 'claimed' | 'taken' | 'outside' {
    if (!this.contains(number)) return 'outside'
    if (this.taken.has(number)) return 'taken'
    this.taken.add(number)
    return 'claimed'
  }

  /** Any free number; undefined when there is none. */
  claimAny(): bigint | undefined {
    const number = this.free(this.band, this.last) ?? this.free(this.first, this.band - 1n)
    if (number !== undefined) this.taken.add(number)
    return number
  }

  release(number: bigint): void {
    this.taken.delete(number)
  }

  /** From a random start upwards, then from the bottom: at most as many steps as there are numbers taken. */
  private free(low: bigint, high: bigint): bigint | undefined {
    if (high < low) return undefined
    const start = low + (BigInt(`0x${randomBytes(16).toString('hex')}`) % (high - low + 1n))
    for (let number = start; number <= high; number++) if (!this.taken.has(number)) return number
    for (let number = low; number < start; number++) if (!this.taken.has(number)) return number
    return undefined
  }
}

/** How many numbers of `size` are kept for requests: a sixteenth or `1/divisor`, at least 16, at most `most`. */
export function keptBand(size: bigint, divisor: bigint, most: bigint): bigint {
  if (size <= 16n) return 0n
  const share = size / divisor
  return share < 16n ? 16n : share > most ? most : share
}
