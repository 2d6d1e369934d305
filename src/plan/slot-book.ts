/** Who is granted what only one can have: the oldest of those that ask, whatever the order in which they came. */
import type { ObjectKey } from '../model/world.ts'

export interface Asker<W> {
  readonly key: ObjectKey
  readonly createdAtInMs: number
  readonly wish: W
}

export class SlotBook<W extends { readonly slot: string }> {
  private readonly bySlot = new Map<string, Map<ObjectKey, Asker<W>>>()
  private readonly slotsOf = new Map<ObjectKey, readonly string[]>()

  /** Replaces what one asks for, each slot at most once, and gives the slots where something may be different. */
  set(key: ObjectKey, createdAtInMs: number, wishes: readonly W[]): ReadonlySet<string> {
    const touched = new Set(this.slotsOf.get(key) ?? [])
    for (const slot of touched) {
      const askers = this.bySlot.get(slot)
      askers?.delete(key)
      if (askers?.size === 0) this.bySlot.delete(slot)
    }
    for (const wish of wishes) {
      touched.add(wish.slot)
      const askers = this.bySlot.get(wish.slot) ?? new Map<ObjectKey, Asker<W>>()
      this.bySlot.set(wish.slot, askers.set(key, { key, createdAtInMs, wish }))
    }
    if (wishes.length === 0) this.slotsOf.delete(key)
    else
      this.slotsOf.set(
        key,
        wishes.map(({ slot }) => slot),
      )
    return touched
  }

  /** Undefined: nobody asks. */
  winner(slot: string): Asker<W> | undefined {
    let best: Asker<W> | undefined
    for (const one of this.bySlot.get(slot)?.values() ?? []) if (best === undefined || isBefore(one, best)) best = one
    return best
  }

  /** Those that ask, in no order. */
  askers(slot: string): Iterable<Asker<W>> {
    return this.bySlot.get(slot)?.values() ?? []
  }

  get keys(): Iterable<ObjectKey> {
    return this.slotsOf.keys()
  }
}

function isBefore<W>(one: Asker<W>, other: Asker<W>): boolean {
  if (one.createdAtInMs !== other.createdAtInMs) return one.createdAtInMs < other.createdAtInMs
  return one.key < other.key
}
