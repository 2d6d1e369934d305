import type { BackendGroup, DataPathEntry } from '../../model/datapath.ts'
import type { Family } from '../../model/world.ts'
import type { Placed } from './element.ts'
import type { GroupState } from './group-state.ts'
import { ID_MASQUERADE, ID_OURS } from './words.ts'

/** What removing a stray takes: elements to delete, chains to delete, a table to declare anew and with it chains of groups. */
export interface StrayState {
  readonly elements: readonly Placed[]
  readonly chain?: { readonly family: Family; readonly name: string }
  readonly redeclare?: Family
  /** Names of chains of the family in `redeclare`. */
  readonly rewrite?: readonly string[]
}

/** What is in the kernel, as far as known: what was read at the last refresh, and what was written since. */
export class Mirror {
  readonly entries = new Map<string, DataPathEntry>()
  readonly groups = new Map<string, GroupState>()
  readonly strays = new Map<string, StrayState>()
  /** The chains of forms of groups that are there. */
  readonly chains: Readonly<Record<Family, Set<string>>> = { ipv4: new Set(), ipv6: new Set() }
  readonly declared: Record<Family, boolean> = { ipv4: false, ipv6: false }
  /** The highest id, without its high bits, that a group has or that is not free for another reason. */
  lastId = 0

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
  take({ entries, groups, strays, chains, declared, lastId }: MirrorPart): void {
    this.reserveId(lastId)
    for (const [key, entry] of entries) this.entries.set(key, entry)
    for (const [key, group] of groups) this.groups.set(key, group)
    for (const [key, stray] of strays) this.strays.set(key, stray)
    for (const [family, name] of chains) this.chains[family].add(name)
    for (const family of declared) this.declared[family] = true
  }
}

/** Some of a mirror, in values that go from thread to thread. */
export interface MirrorPart {
  readonly entries: readonly (readonly [string, DataPathEntry])[]
  readonly groups: readonly (readonly [string, GroupState])[]
  readonly strays: readonly (readonly [string, StrayState])[]
  readonly chains: readonly (readonly [Family, string])[]
  readonly declared: readonly Family[]
  readonly lastId: number
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']
/** Entries of one part: a millisecond's work to take. */
const PART = 250

/** All of a mirror, in parts. */
export function* partsOf(mirror: Mirror): Generator<MirrorPart> {
  const chains = FAMILIES.flatMap((family) => [...mirror.chains[family]].map((name) => [family, name] as const))
  const nothing = { entries: [], groups: [], strays: [], chains: [], declared: [], lastId: mirror.lastId }
  yield { ...nothing, strays: [...mirror.strays], chains, declared: FAMILIES.filter((family) => mirror.declared[family]) }
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
