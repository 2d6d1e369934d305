/** Entries as elements of the table's sets and maps, and back. */
import { type AddressEntry, type AddressRange, type Frontend, familyOf, frontendKey } from '../../model/datapath.ts'
import type { Family, Protocol } from '../../model/world.ts'
import { groupChain } from './group-chain.ts'
import type { GroupState } from './group-state.ts'
import type { Element, ElementKey, Prefix } from './json.ts'
import { classid, INDEX_BASE } from './words.ts'

/** An element and the set or map that it is in. */
export interface Placed {
  readonly family: Family
  readonly set: string
  readonly element: Element
}

/** Maps keyed by a port alone, and by an address and a port. */
export const FRONTEND_SETS: readonly (Pick<Frontend, 'at' | 'from'> & { readonly set: string })[] = [
  { at: 'address', from: 'anywhere', set: 'address' },
  { at: 'address', from: 'inside', set: 'address_inside' },
  { at: 'node-port', from: 'anywhere', set: 'node_port' },
  { at: 'node-port', from: 'inside', set: 'node_port_inside' },
  { at: 'host-port', from: 'anywhere', set: 'host_port' },
  { at: 'host-address', from: 'anywhere', set: 'host_address' },
]
export const SET_OF_ADDRESS = {
  'node-address': 'node_address',
  'service-address': 'service_address',
  'local-pod': 'local_pod',
} as const
export const SET_OF_RANGE = {
  'local-source': 'local_source',
  'service-range': 'service_range',
  'node-range': 'node_range',
  'keep-source': 'keep_source',
} as const

export function frontendElement(frontend: Frontend, id: number): Placed {
  const { family, address, protocol, port } = frontend
  const key = address === '' ? [protocol, port] : [address, protocol, port]
  return { family, set: setOf(frontend), element: [{ concat: key }, classid(id)] }
}

function setOf({ at, from }: Frontend): string {
  const found = FRONTEND_SETS.find((one) => one.at === at && one.from === from)
  if (found === undefined) throw new Error(`there are no frontends ${at} from ${from}`)
  return found.set
}

/** All elements of a group. Backends stand at their indexes, and with affinity at their names, too. */
export function groupElements(key: string, state: GroupState): readonly Placed[] {
  const { id, family, slots, names, sourceRanges } = state
  const group = classid(id)
  const verdict = { goto: { target: groupChain(formOfState(state)) } }
  const elements: Placed[] = [{ family, set: 'group', element: [{ elem: { val: group, comment: key } }, verdict] }]
  for (const [index, { address, port }] of slots.entries()) {
    const at = (mark: number) => ({ concat: [group, mark] })
    const to = { concat: [address, port] }
    elements.push({ family, set: 'backend', element: [at(INDEX_BASE + index), to] })
    const name = names[index]
    if (name === undefined) continue
    elements.push({ family, set: 'backend', element: [at(name), to] })
    elements.push({ family, set: 'endpoint', element: [at(INDEX_BASE + index), name] })
    elements.push({ family, set: 'endpoint', element: [at(name), name] })
  }
  for (const cidr of sourceRanges) elements.push({ family, set: 'source_range', element: sourceRange(group, cidr) })
  return elements
}

/**
 * A range in a set of pairs, one address too: nft 1.0 deletes a plain address there in vain, unless the pair's other part is in network
 * byte order. It lists it plain.
 */
export function sourceRange(group: string | number, cidr: string): Element {
  const [addr = '', length = ''] = cidr.split('/')
  return { concat: [group, { prefix: { addr, len: Number(length) } }] }
}

export function formOfState({ slots, whenEmpty, affinityInSeconds, sourceRanges }: GroupState) {
  return { size: slots.length, whenEmpty, affinityInSeconds, ranged: sourceRanges.length > 0 }
}

export function addressElement({ kind, family, address }: AddressEntry): Placed {
  const element = kind === 'local-pod' ? { concat: [address, address] } : address
  return { family, set: SET_OF_ADDRESS[kind], element }
}

export function rangeElement({ kind, family, cidr }: AddressRange): Placed {
  return { family, set: SET_OF_RANGE[kind], element: rangeOf(family, cidr) }
}

function rangeOf(family: Family, cidr: string): string | Prefix {
  const [addr = '', length = ''] = cidr.split('/')
  const len = Number(length)
  return len === (family === 'ipv4' ? 32 : 128) ? addr : { prefix: { addr, len } }
}

/** What a listed element says, in parts: its key's scalars, its comment and its data. */
export interface ReadElement {
  readonly key: readonly (string | number)[]
  readonly comment: string
  readonly data: readonly (string | number)[]
  /** Target of a goto, '' for other data. */
  readonly target: string
}

export function readElement(element: Element): ReadElement {
  const [first, data] = isPair(element) ? element : [element, undefined]
  const target = typeof data === 'object' && 'goto' in data ? data.goto.target : ''
  return { ...readKey(first), data: data === undefined || target !== '' ? [] : scalars(data), target }
}

function isPair(element: Element): element is Extract<Element, readonly unknown[]> {
  return Array.isArray(element)
}

function readKey(key: ElementKey): { readonly key: readonly (string | number)[]; readonly comment: string } {
  if (typeof key === 'object' && 'elem' in key) return { ...readKey(key.elem.val), comment: key.elem.comment ?? '' }
  return { key: scalars(key), comment: '' }
}

function scalars(value: unknown): readonly (string | number)[] {
  if (typeof value === 'string' || typeof value === 'number') return [value]
  if (typeof value !== 'object' || value === null) return []
  if ('concat' in value && Array.isArray(value.concat)) return value.concat.flatMap(scalars)
  const { prefix } = value as Partial<Prefix>
  return prefix === undefined ? [] : [`${prefix.addr}/${prefix.len}`]
}

/** An element in one line: two are the same when these are. */
export function elementText({ key, comment, data, target }: ReadElement): string {
  return `${key.join(' . ')} "${comment}" ${target}${data.join(' . ')}`
}

/** A frontend as listed, but for its group. */
export function readFrontend(
  family: Family,
  { at, from }: Pick<Frontend, 'at' | 'from'>,
  { key }: ReadElement,
): Omit<Frontend, 'group'> {
  const [port = 0, protocol = '', address = ''] = key.toReversed()
  const place = {
    at,
    from,
    family,
    address: String(address),
    protocol: String(protocol) as Protocol,
    port: Number(port),
  } as const
  return { kind: 'frontend', key: frontendKey(place), ...place }
}

/** A listed range as CIDR text. */
export function readRange(listed: string | number | undefined): string {
  const text = String(listed)
  if (text.includes('/')) return text
  return `${text}/${familyOf(text) === 'ipv4' ? 32 : 128}`
}

/** The number that a listed classid stands for. */
export function readClassid(text: string | number | undefined): number {
  if (typeof text === 'number') return text
  const [major = '0', minor = '0'] = (text ?? '0:0').split(':')
  return ((Number.parseInt(major, 16) << 16) | Number.parseInt(minor, 16)) >>> 0
}
