/** Reads a listing of a fairway table into the mirror: what is understood becomes entries, the rest strays. */
import { isDeepStrictEqual } from 'node:util'
import { type AddressEntry, addressKey, type Backend, byAddress, type Frontend, rangeKey } from '../../model/datapath.ts'
import type { Family } from '../../model/world.ts'
import {
  type Placed,
  type ReadElement,
  readClassid,
  readElement,
  readFrontend,
  readSource,
  SET_OF_ADDRESS,
  SET_OF_FRONTEND,
} from './element.ts'
import type { Element, NftObject, RuleObject, SetObject, Statement } from './json.ts'
import { type GroupState, Mirror } from './mirror.ts'
import { chains, ID_MASQUERADE, INDEX_BASE, rules, sets, spreadChain, spreadRule, WORDS } from './skeleton.ts'
import { statementText } from './text.ts'

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

/** Reads the listings of both tables; undefined stands for one that is not there. */
export function observeTables(listings: Readonly<Record<Family, readonly NftObject[] | undefined>>): Reading {
  const mirror = new Mirror()
  const fresh = (['ipv4', 'ipv6'] as const).filter((family) => {
    const listing = listings[family]
    return listing !== undefined && observe(mirror, family, listing) === 'foreign'
  })
  return { mirror, fresh }
}

function observe(mirror: Mirror, family: Family, listing: readonly NftObject[]): Shape {
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
  observeChains(mirror, family, listedChains, listedRules)
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
  return { placed: { family, set, element }, read: readElement(element) }
}

/** One that is not there is none: an older version of ours lacks it, and then has other rules, too, and is declared anew as it is. */
function hasOtherShape(wanted: SetObject, found: SetObject | undefined): boolean {
  return found !== undefined && !(isDeepStrictEqual(wanted.type, found.type) && wanted.map === found.map)
}

function observeChains(
  mirror: Mirror,
  family: Family,
  names: readonly string[],
  listed: ReadonlyMap<string, readonly RuleObject[]>,
): void {
  const words = WORDS[family]
  const ours = new Map(chains(words).map((chain) => [chain.name, rules(words).filter((rule) => rule.chain === chain.name)]))
  const whole = [...ours].every(([name, wanted]) => names.includes(name) && sameRules(wanted, listed.get(name) ?? []))
  if (!whole) addStray(mirror, `stray/${family}/chains`, { elements: [], redeclare: family })
  for (const name of names) {
    if (ours.has(name)) continue
    const size = Number(/^spread_(\d+)$/.exec(name)?.[1] ?? 0)
    if (size > 0 && spreadChain(size) === name) {
      if (sameRules([spreadRule(words, size)], listed.get(name) ?? [])) mirror.spreads[family].add(size)
    } else addStray(mirror, `stray/${family}/chain/${name}`, { elements: [], chain: { family, name } })
  }
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

/** Returns the keys of the groups that are whole, by id. Those that are not are strays, elements and all. */
function observeGroups(mirror: Mirror, family: Family, elements: Elements): ReadonlyMap<number, string> {
  const backends = new Map<number, Listed[]>()
  for (const one of elements('backend')) {
    const id = readClassid(one.read.key[0])
    const known = backends.get(id)
    if (known === undefined) backends.set(id, [one])
    else known.push(one)
  }
  const byId = new Map<number, string>()
  for (const one of elements('group')) {
    const id = readClassid(one.read.key[0])
    mirror.reserveId(id)
    const mine = backends.get(id) ?? []
    backends.delete(id)
    const state = groupState(family, id, one, mine, mirror)
    if (state === undefined || mirror.groups.has(one.read.comment)) {
      addStray(mirror, `stray/${family}/group/${id}`, { elements: [one.placed, ...mine.map(({ placed }) => placed)] })
      continue
    }
    const key = one.read.comment
    const masquerade = (id & ID_MASQUERADE) === 0 ? 'none' : 'outsiders'
    const plain = { whenEmpty: 'refuse', affinityInSeconds: 0, sourceRanges: [] } as const
    mirror.groups.set(key, state)
    mirror.entries.set(key, { kind: 'group', key, family, masquerade, ...plain, backends: [...state.slots].sort(byAddress) })
    byId.set(id, key)
  }
  for (const [id, orphans] of backends) {
    addStray(mirror, `stray/${family}/backends/${id}`, { elements: orphans.map(({ placed }) => placed) })
  }
  return byId
}

function groupState(
  family: Family,
  id: number,
  group: Listed,
  backends: readonly Listed[],
  mirror: Mirror,
): GroupState | undefined {
  const slots: Backend[] = []
  for (const { read } of backends)
    slots[Number(read.key[1]) - INDEX_BASE] = { address: String(read.data[0]), port: Number(read.data[1]) }
  const whole = slots.length === backends.length && Object.keys(slots).length === slots.length
  const chained = slots.length === 0 || mirror.spreads[family].has(slots.length)
  if (!whole || !chained || group.read.comment === '' || group.read.target !== spreadChain(slots.length)) return undefined
  return { id, family, slots }
}

function observeFrontends(mirror: Mirror, family: Family, byId: ReadonlyMap<number, string>, elements: Elements): void {
  for (const [at, set] of Object.entries(SET_OF_FRONTEND) as [Frontend['at'], string][]) {
    for (const { read, placed } of elements(set)) {
      const place = readFrontend(family, at, read)
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
  for (const { read } of elements('local_source')) {
    const cidr = readSource(read)
    const key = rangeKey('local-source', cidr)
    mirror.entries.set(key, { kind: 'local-source', key, family, cidr })
  }
}

function addStray(
  mirror: Mirror,
  key: string,
  state: { elements: readonly Placed[]; redeclare?: Family; chain?: { family: Family; name: string } },
): void {
  mirror.strays.set(key, state)
  mirror.entries.set(key, { kind: 'stray', key })
}
