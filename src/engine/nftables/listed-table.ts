import { BlockList } from 'node:net'
import { type ReadElement, readElement } from './element.ts'
import type { ChainObject, NftObject, RuleObject } from './json.ts'

/** A table as `nft list` says it, indexed for many traces. */
export class ListedTable {
  private readonly chains = new Map<string, { readonly chain: ChainObject; readonly rules: RuleObject[] }>()
  private readonly sets = new Map<string, ReadonlyMap<string, ReadElement>>()
  private readonly ranges = new Map<string, ReadonlyMap<string, BlockList>>()
  private readonly dynamic = new Map<string, number | undefined>()

  constructor(listing: readonly NftObject[]) {
    for (const object of listing) {
      if ('chain' in object) this.chains.set(object.chain.name, { chain: object.chain, rules: [] })
      else if ('set' in object || 'map' in object) {
        const set = 'set' in object ? object.set : object.map
        const read = (set.elem ?? []).map(readElement)
        this.sets.set(`@${set.name}`, new Map(read.map((one) => [one.key.join(' . '), one])))
        if (set.flags?.includes('interval')) this.ranges.set(`@${set.name}`, rangesOf(read))
        if (set.flags?.includes('timeout')) this.dynamic.set(`@${set.name}`, set.timeout)
      }
    }
    for (const object of listing) if ('rule' in object) this.chains.get(object.rule.chain)?.rules.push(object.rule)
  }

  /** Base chains of a hook in the order that a packet passes them. */
  hook(name: string): readonly string[] {
    const mine = [...this.chains.values()].filter(({ chain }) => chain.hook === name)
    return mine.sort((one, other) => (one.chain.prio ?? 0) - (other.chain.prio ?? 0)).map(({ chain }) => chain.name)
  }

  type(chain: string): ChainObject['type'] {
    return this.chains.get(chain)?.chain.type
  }

  rules(chain: string): readonly RuleObject[] {
    return this.chains.get(chain)?.rules ?? []
  }

  find(set: string, key: string): ReadElement | undefined {
    return this.sets.get(set)?.get(key)
  }

  /** Whether rules write it. */
  isDynamic(map: string): boolean {
    return this.dynamic.has(map)
  }

  /** Of what rules write into it without a time of its own. */
  timeoutInSeconds(map: string): number | undefined {
    return this.dynamic.get(map)
  }

  contains(set: string, key: readonly string[]): boolean {
    const ranges = this.ranges.get(set)
    if (ranges === undefined) return this.find(set, key.join(' . ')) !== undefined
    const address = key.at(-1) ?? ''
    return ranges.get(key.slice(0, -1).join(' . '))?.check(address, address.includes(':') ? 'ipv6' : 'ipv4') ?? false
  }
}

/** Ranges by what stands before them in their keys. */
function rangesOf(elements: readonly ReadElement[]): ReadonlyMap<string, BlockList> {
  const groups = Map.groupBy(elements, ({ key }) => key.slice(0, -1).join(' . '))
  return new Map([...groups].map(([before, some]) => [before, blockList(some.map(({ key }) => String(key.at(-1))))]))
}

export function blockList(cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', length] = cidr.split('/')
    const family = address.includes(':') ? 'ipv6' : 'ipv4'
    if (length === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(length), family)
  }
  return list
}
