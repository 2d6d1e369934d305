/** Reads a listing of a fairway table into the mirror: what is understood becomes entries, the rest strays. */
import { isDeepStrictEqual } from 'node:util'
import { type AddressEntry, type AddressRange, addressKey, type Backend, byAddress, rangeKey } from '../../model/datapath.ts'
import type { Family } from '../../model/world.ts'
import {
  elementText,
  FRONTEND_SETS,
  groupElements,
  type Placed,
  type ReadElement,
  readClassid,
  readElement,
  readFrontend,
  readRange,
  SET_OF_ADDRESS,
  SET_OF_RANGE,
  sourceRange,
} from './element.ts'
import { formOf, groupChainRules, neededChains } from './group-chain.ts'
import type { GroupState } from './group-state.ts'
import type { Element, NftObject, RuleObject, SetObject, Statement } from './json.ts'
import { Mirror, type StrayState } from './mirror.ts'
import { chains, rules, sets } from './skeleton.ts'
import { statementText } from './text.ts'
import { ENDPOINT_BASE, ID_MASQUERADE, INDEX_BASE, WORDS } from './words.ts'

/** What became of a listing beside entries: whether the sets have another shape, so that the table must be made afresh. */
type Shape = 'good' | 'foreign'

interface Listed {
  readonly placed: Placed
  readonly read: ReadElement
}

/** What is in both tables, and which of them have a shape that is not ours. */
export interface Reading {
  readonly mirror: Mirror
  readonly fresh: readonly Family[]
}

/**
 * Reads the listings of both tables; undefined stands for one that is not there. Of the families in `unread` rules were not listed:
 * they are taken for ours as far as groups are concerned, and are a stray as a whole, so that they are written again.
 */
export function observeTables(
  listings: Readonly<Record<Family, readonly NftObject[] | undefined>>,
  unread: readonly Family[] = [],
): Reading {
  const mirror = new Mirror()
  const fresh = (['ipv4', 'ipv6'] as const).filter((family) => {
    const listing = listings[family]
    return listing !== undefined && observe(mirror, family, listing, !unread.includes(family)) === 'foreign'
  })
  return { mirror, fresh }
}

function observe(mirror: Mirror, family: Family, listing: readonly NftObject[], hasRules: boolean): Shape {
  const listedSets = new Map<string, SetObject>()
  const listedRules = new Map<string, RuleObject[]>()
  const listedChains: string[] = []
  for (const object of listing) {
    if ('set' in object) listedSets.set(object.set.name, object.set)
    else if ('map' in object) listedSets.set(object.map.name, object.map)
    else if ('chain' in object) listedChains.push(object.chain.name)
    else if ('rule' in object) listedRules.set(object.rule.chain, [...(listedRules.get(object.rule.chain) ?? []), object.rule])
  }
  if (sets(WORDS[family]).some((set) => hasOtherShape(set, listedSets.get(set.name)))) return 'foreign'
  mirror.declared[family] = true
  observeChains(mirror, family, listedChains, hasRules ? listedRules : undefined)
  const elements = (name: string): readonly Listed[] => {
    return (listedSets.get(name)?.elem ?? []).map((element) => listed(family, name, element))
  }
  const byId = observeGroups(mirror, family, elements)
  observeFrontends(mirror, family, byId, elements)
  observeAddresses(mirror, family, elements)
  return 'good'
}

type Elements = (set: string) => readonly Listed[]

function listed(family: Family, set: string, element: Element): Listed {
  const read = readElement(element)
  const [group, range] = read.key
  if (set !== 'source_range' || group === undefined || range === undefined) return { placed: { family, set, element }, read }
  const plain = sourceRange(group, readRange(range))
  return { placed: { family, set, element: plain }, read: readElement(plain) }
}

/** One that is not there is none: an older version of ours lacks it, and then has other rules, too, and is declared anew as it is. */
function hasOtherShape(wanted: SetObject, found: SetObject | undefined): boolean {
  return found !== undefined && !isDeepStrictEqual(shapeOf(wanted), shapeOf(found))
}

/** What cannot be changed of a set that is there. */
function shapeOf({ type, map, flags = [], size, timeout }: SetObject) {
  return { type, map, size, timeout, flags: flags.filter((flag) => flag !== 'dynamic').toSorted() } // `dynamic` is not listed
}

function observeChains(
  mirror: Mirror,
  family: Family,
  names: readonly string[],
  listed: ReadonlyMap<string, readonly RuleObject[]> | undefined,
): void {
  const words = WORDS[family]
  const isOurs = (name: string, wanted: readonly RuleObject[]) =>
    listed === undefined || sameRules(wanted, listed.get(name) ?? [])
  const ours = new Map(chains(words).map((chain) => [chain.name, rules(words).filter((rule) => rule.chain === chain.name)]))
  const whole = [...ours].every(([name, wanted]) => names.includes(name) && isOurs(name, wanted))
  for (const name of names) {
    if (ours.has(name)) continue
    const form = formOf(name)
    if (form !== undefined && neededChains(form).includes(name)) {
      if (isOurs(name, groupChainRules(words, name))) mirror.chains[family].add(name)
    } else addStray(mirror, `stray/${family}/chain/${name}`, { elements: [], chain: { family, name } })
  }
  const rewrite = listed === undefined ? [...mirror.chains[family]] : []
  if (!whole || listed === undefined) addStray(mirror, `stray/${family}/chains`, { elements: [], redeclare: family, rewrite })
}

/** nft 1.0 has no JSON for some statements and lists them as text. */
function sameRules(wanted: readonly RuleObject[], found: readonly RuleObject[]): boolean {
  return wanted.length === found.length && wanted.every((rule, index) => sameExpr(rule.expr, found[index]?.expr ?? []))
}

function sameExpr(wanted: readonly Statement[], found: readonly (Statement | string)[]): boolean {
  if (wanted.length !== found.length) return false
  return wanted.every((statement, index) => {
    const other = found[index]
    return typeof other === 'string' ? other === statementText(statement) : isDeepStrictEqual(statement, other)
  })
}

/** The elements that belong to groups, by the group's id. */
function partsOfGroups(elements: Elements): Map<number, Listed[]> {
  const parts = new Map<number, Listed[]>()
  for (const one of ['backend', 'endpoint', 'source_range'].flatMap(elements)) {
    const id = readClassid(one.read.key[0])
    const known = parts.get(id)
    if (known === undefined) parts.set(id, [one])
    else known.push(one)
  }
  return parts
}

/** Returns the keys of the groups that are whole, by id. Those that are not are strays, elements and all. */
function observeGroups(mirror: Mirror, family: Family, elements: Elements): ReadonlyMap<number, string> {
  const parts = partsOfGroups(elements)
  const byId = new Map<number, string>()
  for (const one of elements('group')) {
    const id = readClassid(one.read.key[0])
    const key = one.read.comment
    mirror.reserveId(id)
    const mine = [one, ...(parts.get(id) ?? [])]
    parts.delete(id)
    const state = groupState(family, id, mine, mirror)
    if (state === undefined || mirror.groups.has(key)) {
      addStray(mirror, `stray/${family}/group/${id}`, { elements: mine.map(({ placed }) => placed) })
      continue
    }
    const { whenEmpty, affinityInSeconds, sourceRanges } = state
    const masquerade = (id & ID_MASQUERADE) === 0 ? 'none' : 'outsiders'
    const backends = [...state.slots].sort(byAddress)
    mirror.groups.set(key, state)
    mirror.entries.set(key, { kind: 'group', key, family, masquerade, whenEmpty, affinityInSeconds, sourceRanges, backends })
    byId.set(id, key)
  }
  for (const [id, orphans] of parts) {
    mirror.reserveId(id)
    addStray(mirror, `stray/${family}/backends/${id}`, { elements: orphans.map(({ placed }) => placed) })
  }
  return byId
}

/** A group as its elements say it; undefined when some are missing, too many, or another's. */
function groupState(family: Family, id: number, elements: readonly Listed[], mirror: Mirror): GroupState | undefined {
  const [verdict, ...parts] = elements
  const form = formOf(verdict?.read.target ?? '')
  if (verdict === undefined || form === undefined || verdict.read.comment === '') return undefined
  if (!neededChains(form).every((name) => mirror.chains[family].has(name))) return undefined
  const slots: Backend[] = []
  const names: number[] = []
  const sourceRanges: string[] = []
  for (const { read, placed } of parts) {
    const index = Number(read.key[1]) - INDEX_BASE
    if (placed.set === 'source_range') sourceRanges.push(readRange(read.key[1]))
    else if (index >= ENDPOINT_BASE - INDEX_BASE)
      continue // by name: said again
    else if (placed.set === 'endpoint') names[index] = Number(read.data[0])
    else slots[index] = { address: String(read.data[0]), port: Number(read.data[1]) }
  }
  if (slots.length !== form.size || Object.keys(slots).length !== form.size) return undefined
  const { whenEmpty, affinityInSeconds } = form
  const state = { id, family, slots, names, whenEmpty, affinityInSeconds, sourceRanges: sourceRanges.toSorted() }
  const wanted = new Set(groupElements(verdict.read.comment, state).map((one) => textOf(one, readElement(one.element))))
  const found = elements.map(({ placed, read }) => textOf(placed, read))
  return wanted.size === found.length && found.every((text) => wanted.has(text)) ? state : undefined
}

function textOf({ set }: Placed, read: ReadElement): string {
  return `${set} ${elementText(read)}`
}

function observeFrontends(mirror: Mirror, family: Family, byId: ReadonlyMap<number, string>, elements: Elements): void {
  for (const { set, ...way } of FRONTEND_SETS) {
    for (const { read, placed } of elements(set)) {
      const place = readFrontend(family, way, read)
      const group = byId.get(readClassid(read.data[0]))
      if (group === undefined) addStray(mirror, `stray/${place.key}`, { elements: [placed] })
      else mirror.entries.set(place.key, { ...place, group })
    }
  }
}

function observeAddresses(mirror: Mirror, family: Family, elements: Elements): void {
  for (const [kind, set] of Object.entries(SET_OF_ADDRESS) as [AddressEntry['kind'], string][]) {
    for (const { read, placed } of elements(set)) {
      const address = String(read.key[0])
      const key = addressKey(kind, address)
      if (kind === 'local-pod' && read.key[1] !== address) addStray(mirror, `stray/${key}/${read.key[1]}`, { elements: [placed] })
      else mirror.entries.set(key, { kind, key, family, address })
    }
  }
  for (const [kind, set] of Object.entries(SET_OF_RANGE) as [AddressRange['kind'], string][]) {
    for (const [index, { read, placed }] of elements(set).entries()) {
      if (read.key[0] === undefined) {
        addStray(mirror, `stray/${kind}/${family}/${index}`, { elements: [placed] }) // from one address to another: no CIDR
        continue
      }
      const cidr = readRange(read.key[0])
      const key = rangeKey(kind, cidr)
      mirror.entries.set(key, { kind, key, family, cidr })
    }
  }
}

function addStray(mirror: Mirror, key: string, state: StrayState): void {
  mirror.strays.set(key, state)
  mirror.entries.set(key, { kind: 'stray', key })
}
