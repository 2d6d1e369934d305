/** A set of numbers that finds the next one which is not in it. */

interface Interval {
  first: bigint
  last: bigint
}

interface Place {
  readonly chunk: number
  /** -1: before all intervals. */
  readonly at: number
}

/** More intervals than this, and the list of them is cut in two. */
const MOST = 512

/**
 * Kept as intervals that neither touch nor overlap, in short sorted lists: a full range of any size is one interval, and whatever is asked or
 * changed takes as many steps as a binary search.
 */
export class NumberSet {
  /** Intervals that were looked at so far: what it costs. */
  steps = 0
  private readonly chunks: Interval[][] = [[]]

  /** The lowest number from `from` on that is not in the set. */
  nextFree(from: bigint): bigint {
    const found = this.intervalAt(this.find(from))
    return found === undefined || found.last < from ? from : found.last + 1n
  }

  has(number: bigint): boolean {
    return this.nextFree(number) !== number
  }

  /** Whether it is new. */
  add(number: bigint): boolean {
    const place = this.find(number)
    const before = this.intervalAt(place)
    if (before !== undefined && number <= before.last) return false
    const next = this.after(place)
    const after = this.intervalAt(next)
    const joinsBefore = before?.last === number - 1n
    const joinsAfter = after?.first === number + 1n
    if (before !== undefined && joinsBefore) before.last = joinsAfter && after !== undefined ? after.last : number
    else if (after !== undefined && joinsAfter) after.first = number
    else this.insertAfter(place, { first: number, last: number })
    if (joinsBefore && joinsAfter) this.remove(next)
    return true
  }

  /** Whether it was there. */
  delete(number: bigint): boolean {
    const place = this.find(number)
    const found = this.intervalAt(place)
    if (found === undefined || found.last < number) return false
    const { first, last } = found
    if (first === last) this.remove(place)
    else if (first === number) found.first = number + 1n
    else found.last = number - 1n
    if (first < number && number < last) this.insertAfter(place, { first: number + 1n, last })
    return true
  }

  /** The last interval that begins at the number or below. */
  private find(number: bigint): Place {
    const chunk = Math.max(
      0,
      this.search(this.chunks.length, (at) => (this.chunks[at]?.[0]?.first ?? number) <= number),
    )
    const list = this.chunks[chunk] ?? []
    return { chunk, at: this.search(list.length, (at) => (list[at]?.first ?? number) <= number) }
  }

  /** The last index of those for which it holds; it holds for the first ones. */
  private search(length: number, holds: (at: number) => boolean): number {
    let [low, high] = [-1, length]
    while (high - low > 1) {
      this.steps += 1
      const middle = (low + high) >> 1
      if (holds(middle)) low = middle
      else high = middle
    }
    return low
  }

  private intervalAt({ chunk, at }: Place): Interval | undefined {
    return this.chunks[chunk]?.[at]
  }

  private after({ chunk, at }: Place): Place {
    return at + 1 < (this.chunks[chunk]?.length ?? 0) ? { chunk, at: at + 1 } : { chunk: chunk + 1, at: 0 }
  }

  private insertAfter({ chunk, at }: Place, interval: Interval): void {
    const list = this.chunks[chunk] ?? []
    list.splice(at + 1, 0, interval)
    if (list.length > MOST) this.chunks.splice(chunk + 1, 0, list.splice(MOST / 2))
  }

  private remove({ chunk, at }: Place): void {
    const list = this.chunks[chunk] ?? []
    list.splice(at, 1)
    if (list.length === 0 && this.chunks.length > 1) this.chunks.splice(chunk, 1)
  }
}
