import type { Backend, BackendGroup, DataPathEntry } from '../../model/datapath.ts'
import type { Family } from '../../model/world.ts'
import type { Placed } from './element.ts'
import { ID_MASQUERADE, ID_OURS } from './skeleton.ts'

/** A group in the kernel: its id, and its backends at their indexes. */
export interface GroupState {
  readonly id: number
  readonly family: Family
  readonly slots: readonly Backend[]
}

/** What removing a stray takes: elements to delete, chains to delete, a table to declare anew. */
export interface StrayState {
  readonly elements: readonly Placed[]
  readonly chain?: { readonly family: Family; readonly name: string }
  readonly redeclare?: Family
}

/** What is in the kernel, as far as known: what was read at the last refresh, and what was written since. */
export class Mirror {
  readonly entries = new Map<string, DataPathEntry>()
  readonly groups = new Map<string, GroupState>()
  readonly strays = new Map<string, StrayState>()
  /** Sizes for which a spread chain is there. */
  readonly spreads: Readonly<Record<Family, Set<number>>> = { ipv4: new Set(), ipv6: new Set() }
  readonly declared: Record<Family, boolean> = { ipv4: false, ipv6: false }
  private lastId = 0

  /** An id that no group has: its high bits tell whom to masquerade. */
  nextId(masquerade: BackendGroup['masquerade']): number {
    this.lastId += 1
    return (ID_OURS | (masquerade === 'outsiders' ? ID_MASQUERADE : 0) | this.lastId) >>> 0
  }

  /** Keeps later ids clear of one that was found in the kernel. */
  reserveId(id: number): void {
    this.lastId = Math.max(this.lastId, id & 0x0fff_ffff)
  }

  /** Adds a part of another mirror (`partsOf`). */
  take({ entries, groups, strays, spreads, declared }: MirrorPart): void {
    for (const [key, entry] of entries) this.entries.set(key, entry)
    for (const [key, group] of groups) {
      this.groups.set(key, group)
      this.reserveId(group.id)
    }
    for (const [key, stray] of strays) this.strays.set(key, stray)
    for (const [family, size] of spreads) this.spreads[family].add(size)
    for (const family of declared) this.declared[family] = true
  }
}

/** Some of a mirror, in values that go from thread to thread. */
export interface MirrorPart {
  readonly entries: readonly (readonly [string, DataPathEntry])[]
  readonly groups: readonly (readonly [string, GroupState])[]
  readonly strays: readonly (readonly [string, StrayState])[]
  readonly spreads: readonly (readonly [Family, number])[]
  readonly declared: readonly Family[]
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']
/** Entries of one part: a millisecond's work to take. */
const PART = 250

/** All of a mirror, in parts. */
export function* partsOf(mirror: Mirror): Generator<MirrorPart> {
  const spreads = FAMILIES.flatMap((family) => [...mirror.spreads[family]].map((size) => [family, size] as const))
  const nothing = { entries: [], groups: [], strays: [], spreads: [], declared: [] }
  yield { ...nothing, strays: [...mirror.strays], spreads, declared: FAMILIES.filter((family) => mirror.declared[family]) }
  const entries = [...mirror.entries]
  for (let at = 0; at < entries.length; at += PART) {
    const some = entries.slice(at, at + PART)
    const groups = some.flatMap(([key]) => {
      const group = mirror.groups.get(key)
      return group === undefined ? [] : [[key, group] as const]
    })
    yield { ...nothing, entries: some, groups }
  }
}

/**
 * Backends at their indexes after a change, with as few moves as can be: who stays keeps its index, newcomers take the holes,
 * and the last ones move down into what is then still empty.
 */
export function arrange(slots: readonly Backend[], wanted: readonly Backend[]): readonly Backend[] {
  const missing = new Map(wanted.map((backend) => [`${backend.address} ${backend.port}`, backend]))
  const arranged: (Backend | undefined)[] = wanted.map((_, index) => {
    const held = slots[index]
    return held !== undefined && missing.delete(`${held.address} ${held.port}`) ? held : undefined
  })
  const rest = missing.values()
  return arranged.map((held) => held ?? (rest.next().value as Backend))
}
