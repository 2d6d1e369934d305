/** Others that say that an address of this node is theirs. */
import type { AddressConflict } from '../../model/l2.ts'

/** An address is defended so often at most; who heard it and is one of us lets go long before. */
const DEFEND_EVERY_IN_MS = 1_000
/** A claim that was not repeated for so long is over. */
const OVER_IN_MS = 60_000

interface Heard {
  readonly conflict: AddressConflict
  readonly sinceInMs: number
  readonly lastInMs: number
  readonly defendedAtInMs: number
}

export class ConflictBook {
  private readonly heard = new Map<string, Heard>()

  /** Notes a claim; returns whether the address is to be announced again now. */
  note(conflict: AddressConflict, nowInMs: number): boolean {
    const before = this.heard.get(conflict.address)
    const isSame = before !== undefined && before.conflict.mac === conflict.mac && nowInMs - before.lastInMs < OVER_IN_MS
    const isDue = before === undefined || nowInMs - before.defendedAtInMs >= DEFEND_EVERY_IN_MS
    this.heard.set(conflict.address, {
      ...{ conflict, lastInMs: nowInMs, sinceInMs: isSame ? before.sinceInMs : nowInMs },
      defendedAtInMs: isDue ? nowInMs : before.defendedAtInMs,
    })
    return isDue
  }

  /** Claims that go on though the address was defended: by somebody who does not know who the owner is. Sorted by address. */
  standing(nowInMs: number): readonly AddressConflict[] {
    return [...this.heard.values()]
      .filter(({ sinceInMs, lastInMs }) => lastInMs - sinceInMs >= DEFEND_EVERY_IN_MS && nowInMs - lastInMs < OVER_IN_MS)
      .map(({ conflict }) => conflict)
      .toSorted((one, other) => (one.address < other.address ? -1 : 1))
  }

  /** Forgets an address that is not this node's any more. */
  forget(address: string): void {
    this.heard.delete(address)
  }

  /** When `standing` changes by itself next; `Infinity`: never. */
  get dueAtInMs(): number {
    return Math.min(...[...this.heard.values()].map(({ lastInMs }) => lastInMs + OVER_IN_MS))
  }
}
