import type { Finding } from '../model/code.ts'
import { type DataPathEntry, sameEntry } from '../model/datapath.ts'
import type { Delta } from '../model/plan.ts'

/** The plans of all units, merged: an entry that several units ask for is there once, and goes with the last of them. */
export class UnitPlans {
  readonly entries = new Map<string, DataPathEntry>()
  private readonly byUnit = new Map<string, ReadonlyMap<string, DataPathEntry>>()
  /** Units that ask for a key, when there are more than one. */
  private readonly shared = new Map<string, Set<string>>()
  private readonly holder = new Map<string, string>()
  private readonly findingsByUnit = new Map<string, readonly Finding[]>()
  /** What each touched key was before, since the last delta was taken. */
  private readonly before = new Map<string, DataPathEntry | undefined>()

  /** All findings, each once, sorted by code and subjects. */
  get findings(): readonly Finding[] {
    const byIdentity = new Map<string, Finding>()
    for (const finding of [...this.findingsByUnit.values()].flat()) {
      const identity = `${finding.code.code} ${finding.subjects.join(' ')}`
      const known = byIdentity.get(identity)
      if (known === undefined || finding.message < known.message) byIdentity.set(identity, finding)
    }
    return [...byIdentity].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, finding]) => finding)
  }

  /** The units that ask for a key. */
  unitsOf(key: string): readonly string[] {
    const holder = this.holder.get(key)
    return [...(this.shared.get(key) ?? (holder === undefined ? [] : [holder]))]
  }

  set(unit: string, entries: readonly DataPathEntry[], findings: readonly Finding[]): void {
    const after = new Map(entries.map((entry) => [entry.key, entry]))
    const before = this.byUnit.get(unit)
    this.byUnit.set(unit, after)
    for (const key of before?.keys() ?? []) if (!after.has(key)) this.release(unit, key)
    for (const key of after.keys()) this.hold(unit, key)
    if (findings.length === 0) this.findingsByUnit.delete(unit)
    else this.findingsByUnit.set(unit, findings)
  }

  remove(unit: string): void {
    this.set(unit, [], [])
    this.byUnit.delete(unit)
  }

  /** What became different in `entries` since the last call; what changed and changed back is in neither list. */
  takeDelta(): Delta<DataPathEntry> {
    const upserts: DataPathEntry[] = []
    const removals: string[] = []
    for (const [key, before] of this.before) {
      const after = this.entries.get(key)
      if (after === undefined) {
        if (before !== undefined) removals.push(key)
      } else if (before === undefined || !sameEntry(before, after)) upserts.push(after)
    }
    this.before.clear()
    return { upserts, removals }
  }

  private hold(unit: string, key: string): void {
    const holder = this.holder.get(key)
    if (holder === undefined) this.holder.set(key, unit)
    else if (holder !== unit) {
      const units = this.shared.get(key) ?? new Set([holder])
      this.shared.set(key, units.add(unit))
    }
    this.elect(key)
  }

  private release(unit: string, key: string): void {
    const units = this.shared.get(key)
    if (units === undefined) this.holder.delete(key)
    else {
      units.delete(unit)
      if (units.size === 1) this.shared.delete(key)
      const [first = unit] = units
      this.holder.set(key, first)
    }
    this.elect(key)
  }

  /** Of several units the first by name speaks for a key, so that the order of their coming never matters. */
  private elect(key: string): void {
    if (!this.before.has(key)) this.before.set(key, this.entries.get(key))
    const [speaker] = [...(this.shared.get(key) ?? [this.holder.get(key)])].toSorted()
    const entry = speaker === undefined ? undefined : this.byUnit.get(speaker)?.get(key)
    if (entry === undefined) this.entries.delete(key)
    else this.entries.set(key, entry)
  }
}
