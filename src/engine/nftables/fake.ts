import { isDeepStrictEqual } from 'node:util'
import { DATAPATH_APPLY_FAILED } from '../../model/codes/datapath.ts'
import { EngineError } from '../../model/engine.ts'
import { readElement } from './element.ts'
import type { ChainObject, Element, NftCommand, NftFamily, NftObject, RuleObject, SetObject } from './json.ts'
import { observeTables, type Reading } from './observe.ts'
import { type Declarations, statementText } from './text.ts'
import type { NftTransport } from './transport.ts'

interface FakeTable {
  readonly family: NftFamily
  readonly chains: Map<string, { readonly chain: ChainObject; rules: readonly RuleObject[] }>
  readonly sets: Map<string, { readonly set: SetObject; readonly elements: Map<string, Element> }>
}

/**
 * nftables in memory: the commands that the engine renders, with the kernel's own rules. A transaction that fails changes nothing.
 *
 * Errors as the kernel's: deleting what is absent, another value for a key that is there, a name that does not exist, a chain in use.
 */
export class FakeNftables implements NftTransport {
  private readonly tables = new Map<NftFamily, FakeTable>()
  private undo: (() => void)[] = []
  /** Called before each transaction; what it throws is the transaction's failure. */
  fault: (() => void) | undefined

  declare(tables: readonly Declarations[]): Promise<void> {
    return this.replace([], tables, [])
  }

  run(commands: readonly NftCommand[]): Promise<void> {
    return this.replace([], [], commands)
  }

  replace(families: readonly NftFamily[], tables: readonly Declarations[], commands: readonly NftCommand[]): Promise<void> {
    return this.transact(() => {
      for (const family of families) this.setTable(family, undefined)
      for (const table of tables) this.declareOne(table)
      for (const command of commands) this.command(command)
      this.checkTargets()
    })
  }

  async read(): Promise<Reading> {
    return observeTables({ ipv4: this.list('ip'), ipv6: this.list('ip6') })
  }

  /** Everything in the fairway table of a family, as nft lists it; undefined when there is none. */
  list(family: NftFamily): readonly NftObject[] | undefined {
    const table = this.tables.get(family)
    if (table === undefined) return undefined
    const sets = [...table.sets.values()].map(({ set, elements }): NftObject => {
      const flags = set.flags?.filter((flag) => flag !== 'dynamic')
      const listed = {
        ...set,
        ...(flags === undefined ? {} : { flags }),
        ...(elements.size > 0 ? { elem: [...elements.values()] } : {}),
      }
      return set.map === undefined ? { set: listed } : { map: listed }
    })
    const chains = [...table.chains.values()].map(({ chain }): NftObject => ({ chain }))
    const rules = [...table.chains.values()].flatMap(({ rules }) => rules).map((rule): NftObject => ({ rule: asListed(rule) }))
    return [{ table: { family, name: 'fairway' } }, ...sets, ...chains, ...rules]
  }

  remove(families: readonly NftFamily[]): Promise<void> {
    return this.transact(() => {
      for (const family of families) this.setTable(family, undefined)
    })
  }

  async watch(): Promise<void> {}

  async close(): Promise<void> {}

  private async transact(action: () => void): Promise<void> {
    this.undo = []
    try {
      this.fault?.()
      action()
    } catch (error) {
      for (const step of this.undo.reverse()) step()
      throw error
    }
  }

  private setTable(family: NftFamily, table: FakeTable | undefined): void {
    replace(this.tables, family, table, this.undo)
  }

  private declareOne({ family, sets, chains, rules }: Declarations): void {
    if (!this.tables.has(family)) this.setTable(family, { family, chains: new Map(), sets: new Map() })
    const table = this.table(family)
    for (const set of sets) {
      const known = table.sets.get(set.name)
      if (known === undefined) replace(table.sets, set.name, { set, elements: new Map() }, this.undo)
      else if (!isDeepStrictEqual(known.set.type, set.type) || known.set.map !== set.map) fail(`File exists: ${set.name}`)
    }
    for (const chain of chains) {
      const mine = rules.filter((rule) => rule.chain === chain.name)
      replace(table.chains, chain.name, { chain, rules: mine }, this.undo)
    }
  }

  private command(command: NftCommand): void {
    if ('flush' in command) this.setRules(command.flush.chain.family, command.flush.chain.name, [])
    else if ('add' in command) this.add(command.add)
    else this.delete(command.delete)
  }

  private add(object: NftObject): void {
    if ('chain' in object) {
      const { chains } = this.table(object.chain.family)
      if (!chains.has(object.chain.name)) replace(chains, object.chain.name, { chain: object.chain, rules: [] }, this.undo)
    } else if ('rule' in object) {
      const { family, chain } = object.rule
      this.setRules(family, chain, [...(this.table(family).chains.get(chain)?.rules ?? []), object.rule])
    } else if ('element' in object) {
      const elements = this.elements(object.element.family, object.element.name)
      for (const element of object.element.elem) {
        const key = keyOf(element)
        const known = elements.get(key)
        if (known !== undefined && !sameData(known, element)) fail(`File exists: ${object.element.name} ${key}`)
        if (known === undefined) replace(elements, key, element, this.undo)
      }
    } else fail('the engine adds chains, rules and elements only')
  }

  private delete(object: NftObject): void {
    if ('chain' in object) {
      const { chains } = this.table(object.chain.family)
      if (!chains.has(object.chain.name)) fail(`No such file or directory: ${object.chain.name}`)
      replace(chains, object.chain.name, undefined, this.undo)
    } else if ('element' in object) {
      const elements = this.elements(object.element.family, object.element.name)
      for (const element of object.element.elem) {
        const key = keyOf(element)
        if (!elements.has(key)) fail(`No such file or directory: ${object.element.name} ${key}`)
        replace(elements, key, undefined, this.undo)
      }
    } else fail('the engine deletes chains and elements only')
  }

  private setRules(family: NftFamily, name: string, rules: readonly RuleObject[]): void {
    const { chains } = this.table(family)
    const known = chains.get(name) ?? fail(`No such file or directory: ${name}`)
    replace(chains, name, { chain: known.chain, rules }, this.undo)
  }

  /** Every goto of an element must lead to a chain, at the end of a transaction: else the chain was missing, or is in use. */
  private checkTargets(): void {
    for (const { chains, sets } of this.tables.values()) {
      for (const element of sets.get('group')?.elements.values() ?? []) {
        const { target } = readElement(element)
        if (!chains.has(target)) fail(`Device or resource busy: ${target}`)
      }
    }
  }

  private table(family: NftFamily): FakeTable {
    return this.tables.get(family) ?? fail(`No such file or directory: table ${family} fairway`)
  }

  private elements(family: NftFamily, name: string): Map<string, Element> {
    return this.table(family).sets.get(name)?.elements ?? fail(`No such file or directory: ${name}`)
  }
}

function replace<K, V>(map: Map<K, V>, key: K, value: V | undefined, undo: (() => void)[]): void {
  const before = map.get(key)
  const set = (what: V | undefined) => (what === undefined ? map.delete(key) : map.set(key, what))
  undo.push(() => set(before))
  set(value)
}

function fail(reason: string): never {
  throw new EngineError(DATAPATH_APPLY_FAILED, `nftables refused a change: ${reason}`)
}

function keyOf(element: Element): string {
  return readElement(element).key.join(' . ')
}

function sameData(one: Element, other: Element): boolean {
  const [a, b] = [readElement(one), readElement(other)]
  return a.target === b.target && isDeepStrictEqual(a.data, b.data)
}

/** nft 1.0 has no JSON for a map update, and lists it as text. */
function asListed(rule: RuleObject): RuleObject {
  return { ...rule, expr: rule.expr.map((one) => ('map' in one ? (statementText(one) as never) : one)) }
}
