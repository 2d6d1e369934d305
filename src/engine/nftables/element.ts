/** Entries as elements of the table's sets and maps, and back. */
import { type AddressEntry, type AddressRange, type Backend, type Frontend, familyOf, frontendKey } from '../../model/datapath.ts'
import type { Family, Protocol } from '../../model/world.ts'
import type { Element, ElementKey } from './json.ts'
import { classid, INDEX_BASE, spreadChain } from './skeleton.ts'

/** An element and the set or map that it is in. */
export interface Placed {
  readonly family: Family
  readonly set: string
  readonly element: Element
}

/** Maps keyed by a port alone, and by an address and a port. */
export const SET_OF_FRONTEND = {
  address: 'address',
  'node-port': 'node_port',
  'host-port': 'host_port',
  'host-address': 'host_address',
} as const
export const SET_OF_ADDRESS = {
  'node-address': 'node_address',
  'service-address': 'service_address',
  'local-pod': 'local_pod',
} as const

export function frontendElement(frontend: Frontend, id: number): Placed {
  const { at, family, address, protocol, port } = frontend
  const key = address === '' ? [protocol, port] : [address, protocol, port]
  return { family, set: SET_OF_FRONTEND[at], element: [{ concat: key }, classid(id)] }
}

export function groupElement(family: Family, key: string, id: number, size: number): Placed {
  return {
    family,
    set: 'group',
    element: [{ elem: { val: classid(id), comment: key } }, { goto: { target: spreadChain(size) } }],
  }
}

export function backendElement(family: Family, id: number, index: number, backend: Backend): Placed {
  const key = { concat: [classid(id), INDEX_BASE + index] }
  return { family, set: 'backend', element: [key, { concat: [backend.address, backend.port] }] }
}

export function addressElement({ kind, family, address }: AddressEntry): Placed {
  const element = kind === 'local-pod' ? { concat: [address, address] } : address
  return { family, set: SET_OF_ADDRESS[kind], element }
}

export function sourceElement({ family, cidr }: AddressRange): Placed {
  const [addr = '', length = ''] = cidr.split('/')
  const len = Number(length)
  const whole = family === 'ipv4' ? 32 : 128
  return { family, set: 'local_source', element: len === whole ? addr : { prefix: { addr, len } } }
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
  if (typeof key === 'object' && 'prefix' in key) return { key: [`${key.prefix.addr}/${key.prefix.len}`], comment: '' }
  return { key: scalars(key), comment: '' }
}

function scalars(value: unknown): readonly (string | number)[] {
  if (typeof value === 'string' || typeof value === 'number') return [value]
  if (typeof value === 'object' && value !== null && 'concat' in value && Array.isArray(value.concat)) return value.concat
  return []
}

/** A frontend as listed, but for its group. */
export function readFrontend(family: Family, at: Frontend['at'], { key }: ReadElement): Omit<Frontend, 'group'> {
  const [port = 0, protocol = '', address = ''] = key.toReversed()
  const place = {
    at,
    from: 'anywhere',
    family,
    address: String(address),
    protocol: String(protocol) as Protocol,
    port: Number(port),
  } as const
  return { kind: 'frontend', key: frontendKey(place), ...place }
}

export function readSource({ key }: ReadElement): string {
  const text = String(key[0])
  if (text.includes('/')) return text
  return `${text}/${familyOf(text) === 'ipv4' ? 32 : 128}`
}

/** The number that a listed classid stands for. */
export function readClassid(text: string | number | undefined): number {
  if (typeof text === 'number') return text
  const [major = '0', minor = '0'] = (text ?? '0:0').split(':')
  return ((Number.parseInt(major, 16) << 16) | Number.parseInt(minor, 16)) >>> 0
}
