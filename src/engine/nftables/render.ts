/** A difference of entries as one transaction of element changes. */
import type { BackendGroup, DataPathEntry, Frontend } from '../../model/datapath.ts'
import type { Delta } from '../../model/plan.ts'
import type { Family } from '../../model/world.ts'
import { addressElement, backendElement, frontendElement, groupElement, type Placed, sourceElement } from './element.ts'
import type { Element, NftCommand } from './json.ts'
import { arrange, type GroupState, type Mirror } from './mirror.ts'
import { spreadChain, spreadRule, TABLE, WORDS } from './skeleton.ts'

/** Commands that the kernel takes as a whole or not at all, and what to note in the mirror once it has. */
export interface Transaction {
  readonly commands: readonly NftCommand[]
  /** Families whose table must be declared (again) first. */
  readonly declare: readonly Family[]
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
  private readonly chains: NftCommand[] = []
  private readonly lastly: NftCommand[] = []
  private readonly declare = new Set<Family>()
  private readonly groups = new Map<string, GroupState>()
  private readonly notes: (() => void)[] = []
  private readonly spreads = new Set<string>()

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
    const commands = [
      ...this.chains,
      ...elementCommands('delete', this.deletes),
      ...elementCommands('add', this.adds),
      ...this.lastly,
    ]
    const commit = () => {
      for (const note of this.notes) note()
    }
    return { commands, declare: [...this.declare], commit }
  }

  private upsertGroup(group: BackendGroup): void {
    const { key, family, backends } = group
    const before = this.mirror.groups.get(key)
    const after: GroupState = {
      id: before?.id ?? this.mirror.nextId(group.masquerade),
      family,
      slots: arrange(before?.slots ?? [], backends),
    }
    if (before === undefined || before.slots.length !== after.slots.length) {
      if (before !== undefined) this.deletes.push(groupElement(family, key, before.id, before.slots.length))
      this.needSpread(family, after.slots.length)
      this.adds.push(groupElement(family, key, after.id, after.slots.length))
    }
    this.diffSlots(before, after)
    this.groups.set(key, after)
    this.notes.push(() => this.mirror.groups.set(key, after))
  }

  private diffSlots(before: GroupState | undefined, after: GroupState): void {
    const { id, family, slots } = after
    const old = before?.slots ?? []
    for (let index = 0; index < Math.max(old.length, slots.length); index += 1) {
      const [was, is] = [old[index], slots[index]]
      if (was?.address === is?.address && was?.port === is?.port) continue
      if (was !== undefined) this.deletes.push(backendElement(family, id, index, was))
      if (is !== undefined) this.adds.push(backendElement(family, id, index, is))
    }
  }

  private needSpread(family: Family, size: number): void {
    const name = `${family} ${size}`
    if (size === 0 || this.mirror.spreads[family].has(size) || this.spreads.has(name)) return
    this.spreads.add(name)
    const words = WORDS[family]
    const chain = { family: words.nft, table: TABLE, name: spreadChain(size) }
    this.chains.push({ add: { chain } }, { flush: { chain } }, { add: { rule: spreadRule(words, size) } })
    this.notes.push(() => this.mirror.spreads[family].add(size))
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

  private removeGroup({ key, family }: BackendGroup): void {
    const state = this.mirror.groups.get(key)
    if (state === undefined) return
    this.deletes.push(groupElement(family, key, state.id, state.slots.length))
    this.diffSlots(state, { ...state, slots: [] })
    this.notes.push(() => this.mirror.groups.delete(key))
  }

  private removeStray(key: string): void {
    const stray = this.mirror.strays.get(key)
    if (stray?.redeclare !== undefined) this.declare.add(stray.redeclare)
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
  return 'cidr' in entry ? sourceElement(entry) : addressElement(entry)
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
