/** A difference of entries as one transaction of element changes. */
import type { BackendGroup, DataPathEntry, Frontend } from '../../model/datapath.ts'
import type { Delta } from '../../model/plan.ts'
import type { Family } from '../../model/world.ts'
import {
  addressElement,
  elementText,
  formOfState,
  frontendElement,
  groupElements,
  type Placed,
  rangeElement,
  readElement,
} from './element.ts'
import { neededChains } from './group-chain.ts'
import { arrange, type GroupState, nameBackends } from './group-state.ts'
import type { Element, NftCommand } from './json.ts'
import type { Mirror } from './mirror.ts'
import { TABLE, WORDS } from './words.ts'

/** Commands that the kernel takes as a whole or not at all, and what to note in the mirror once it has. */
export interface Transaction {
  readonly commands: readonly NftCommand[]
  /** Families whose table must be declared (again) first. */
  readonly declare: readonly Family[]
  /** Chains of groups that must be there first, those that others lead to before them. */
  readonly chains: Readonly<Record<Family, readonly string[]>>
  commit(): void
}

/**
 * Renders a difference against what the mirror knows. A changed value is its old element deleted and its new one added.
 *
 * Errors: throws when a frontend names a group that is neither in the mirror nor in the difference.
 */
export function render(mirror: Mirror, delta: Delta<DataPathEntry>): Transaction {
  const draft = new Draft(mirror)
  const groupsFirst = delta.upserts.toSorted((one, other) => Number(other.kind === 'group') - Number(one.kind === 'group'))
  for (const entry of groupsFirst) draft.upsert(entry)
  for (const key of delta.removals) draft.remove(key)
  return draft.finish()
}

class Draft {
  private readonly mirror: Mirror
  private readonly adds: Placed[] = []
  private readonly deletes: Placed[] = []
  private readonly lastly: NftCommand[] = []
  private readonly declare = new Set<Family>()
  private readonly groups = new Map<string, GroupState>()
  private readonly notes: (() => void)[] = []
  private readonly chains: Readonly<Record<Family, Set<string>>> = { ipv4: new Set(), ipv6: new Set() }

  constructor(mirror: Mirror) {
    this.mirror = mirror
  }

  upsert(entry: DataPathEntry): void {
    if (entry.kind === 'stray') return
    if (!this.mirror.declared[entry.family]) this.declare.add(entry.family)
    if (entry.kind === 'group') this.upsertGroup(entry)
    else if (entry.kind === 'frontend') this.upsertFrontend(entry)
    else if (!this.mirror.entries.has(entry.key)) this.adds.push(plainElement(entry))
    this.notes.push(() => this.mirror.entries.set(entry.key, entry))
  }

  remove(key: string): void {
    if (this.mirror.strays.has(key)) this.removeStray(key)
    const entry = this.mirror.entries.get(key)
    if (entry === undefined) return
    if (entry.kind === 'group') this.removeGroup(entry)
    else if (entry.kind === 'frontend') this.deletes.push(frontendElement(entry, this.idOf(entry)))
    else if (entry.kind !== 'stray') this.deletes.push(plainElement(entry))
    this.notes.push(() => this.mirror.entries.delete(key))
  }

  finish(): Transaction {
    const commands = [...elementCommands('delete', this.deletes), ...elementCommands('add', this.adds), ...this.lastly]
    const commit = () => {
      for (const note of this.notes) note()
    }
    const chains = { ipv4: [...this.chains.ipv4], ipv6: [...this.chains.ipv6] }
    return { commands, declare: [...this.declare], chains, commit }
  }

  private upsertGroup(group: BackendGroup): void {
    const { key, family, whenEmpty, affinityInSeconds, sourceRanges } = group
    const before = this.mirror.groups.get(key)
    const slots = arrange(before?.slots ?? [], group.backends)
    const names = affinityInSeconds > 0 ? nameBackends(slots, before ?? { slots: [], names: [] }) : []
    const id = before?.id ?? this.mirror.nextId(group.masquerade)
    const after: GroupState = { id, family, slots, names, whenEmpty, affinityInSeconds, sourceRanges }
    for (const name of neededChains(formOfState(after))) this.needChain(family, name)
    if (before === undefined) this.adds.push(...groupElements(key, after))
    else this.exchange(groupElements(key, before), groupElements(key, after))
    this.groups.set(key, after)
    this.notes.push(() => this.mirror.groups.set(key, after))
  }

  /** What is in both stays as it is. */
  private exchange(before: readonly Placed[], after: readonly Placed[]): void {
    const kept = new Map(before.map((placed) => [textOf(placed), placed]))
    for (const placed of after) if (!kept.delete(textOf(placed))) this.adds.push(placed)
    this.deletes.push(...kept.values())
  }

  private needChain(family: Family, name: string): void {
    if (this.mirror.chains[family].has(name) || this.chains[family].has(name)) return
    this.chains[family].add(name)
    this.notes.push(() => this.mirror.chains[family].add(name))
  }

  private upsertFrontend(frontend: Frontend): void {
    const before = this.mirror.entries.get(frontend.key)
    const id = this.idOf(frontend)
    if (before?.kind === 'frontend') {
      const was = this.idOf(before)
      if (was === id) return
      this.deletes.push(frontendElement(before, was))
    }
    this.adds.push(frontendElement(frontend, id))
  }

  private removeGroup({ key }: BackendGroup): void {
    const state = this.mirror.groups.get(key)
    if (state === undefined) return
    this.deletes.push(...groupElements(key, state))
    this.notes.push(() => this.mirror.groups.delete(key))
  }

  private removeStray(key: string): void {
    const stray = this.mirror.strays.get(key)
    if (stray?.redeclare !== undefined) {
      this.declare.add(stray.redeclare)
      for (const name of stray.rewrite ?? []) this.chains[stray.redeclare].add(name)
    }
    if (stray?.chain !== undefined) {
      const chain = { family: WORDS[stray.chain.family].nft, table: TABLE, name: stray.chain.name }
      this.lastly.push({ flush: { chain } }, { delete: { chain } })
    }
    this.deletes.push(...(stray?.elements ?? []))
    this.notes.push(() => this.mirror.strays.delete(key))
  }

  private idOf(frontend: Frontend): number {
    const group = this.groups.get(frontend.group) ?? this.mirror.groups.get(frontend.group)
    if (group === undefined) throw new Error(`the frontend ${frontend.key} names the group ${frontend.group}, which is not there`)
    return group.id
  }
}

function plainElement(entry: Exclude<DataPathEntry, { kind: 'group' | 'frontend' | 'stray' }>): Placed {
  return 'cidr' in entry ? rangeElement(entry) : addressElement(entry)
}

function textOf({ set, element }: Placed): string {
  return `${set} ${elementText(readElement(element))}`
}

function elementCommands(verb: 'add' | 'delete', placed: readonly Placed[]): readonly NftCommand[] {
  const bySet = new Map<string, { readonly at: Placed; readonly elem: Element[] }>()
  for (const one of placed) {
    const name = `${one.family} ${one.set}`
    const known = bySet.get(name)
    if (known === undefined) bySet.set(name, { at: one, elem: [one.element] })
    else known.elem.push(one.element)
  }
  return [...bySet.values()].map(({ at, elem }) => {
    const element = { family: WORDS[at.family].nft, table: TABLE, name: at.set, elem }
    return verb === 'add' ? { add: { element } } : { delete: { element } }
  })
}
