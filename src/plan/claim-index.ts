import type { Claim } from './claim.ts'

/** All claims of the world by slot, and who made them: which units must be replanned when one unit's claims change. */
export class ClaimIndex {
  private readonly bySlot = new Map<string, { readonly unit: string; readonly claim: Claim }[]>()
  private readonly byUnit = new Map<string, readonly Claim[]>()

  readonly on = (slot: string): readonly Claim[] => (this.bySlot.get(slot) ?? []).map(({ claim }) => claim)

  /** Replaces the claims of a unit and returns the other units that meet it in a slot where something changed. */
  set(unit: string, claims: readonly Claim[]): ReadonlySet<string> {
    const before = this.byUnit.get(unit) ?? []
    if (sameClaims(before, claims)) return new Set()
    const rivals = new Set<string>()
    for (const claim of before) this.drop(unit, claim, rivals)
    for (const claim of claims) this.add(unit, claim, rivals)
    if (claims.length === 0) this.byUnit.delete(unit)
    else this.byUnit.set(unit, claims)
    rivals.delete(unit)
    return rivals
  }

  private drop(unit: string, { slot }: Claim, rivals: Set<string>): void {
    const left = (this.bySlot.get(slot) ?? []).filter((held) => held.unit !== unit)
    if (left.length === 0) this.bySlot.delete(slot)
    else this.bySlot.set(slot, left)
    for (const held of left) rivals.add(held.unit)
  }

  private add(unit: string, claim: Claim, rivals: Set<string>): void {
    const held = this.bySlot.get(claim.slot)
    for (const other of held ?? []) rivals.add(other.unit)
    if (held === undefined) this.bySlot.set(claim.slot, [{ unit, claim }])
    else held.push({ unit, claim })
  }
}

function sameClaims(one: readonly Claim[], other: readonly Claim[]): boolean {
  if (one.length !== other.length) return false
  return one.every((claim, index) => {
    const { slot, addresses, ranges, claimedAtInMs, text } = other[index] as Claim
    const same = claim.slot === slot && claim.claimedAtInMs === claimedAtInMs && claim.text === text
    return same && claim.addresses.join() === addresses.join() && claim.ranges?.join() === ranges?.join()
  })
}
