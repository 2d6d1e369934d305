/** The vocabulary of a fairway table: its registers, and the words of each family. */
import type { Family } from '../../model/world.ts'
import type { Expression, NftFamily, Statement, Verdict } from './json.ts'

export const TABLE = 'fairway'
/** Set in every group id, so that a packet of ours is known by its priority register. */
export const ID_OURS = 0x8000_0000
/** Set in the ids of groups whose flows are masqueraded unless they come from a pod of this node. */
export const ID_MASQUERADE = 0x4000_0000
/** Backend indexes begin here, out of the way of the small marks that policy routing likes to match. */
export const INDEX_BASE = 0x2000_0000
/** Names of endpoints begin here, clear of indexes. */
export const ENDPOINT_BASE = 0x4000_0000

export const PRIORITY: Expression = { meta: { key: 'priority' } }
export const MARK: Expression = { meta: { key: 'mark' } }
export const L4: Expression = { meta: { key: 'l4proto' } }
export const TRANSPORTS = { set: ['tcp', 'udp', 'sctp'] } as const
/** nft asks for it before a port may be translated. */
export const DNAT_TRANSPORTS: Statement = { match: { op: '==', left: L4, right: TRANSPORTS } }

/** The words of one family. */
export interface Words {
  readonly family: Family
  readonly nft: NftFamily
  readonly address: 'ipv4_addr' | 'ipv6_addr'
  readonly icmp: 'icmp' | 'icmpv6'
  readonly saddr: Expression
  readonly daddr: Expression
}

const field = (protocol: NftFamily, name: 'saddr' | 'daddr'): Expression => ({ payload: { protocol, field: name } })
const wordsOf = (family: Family, nft: NftFamily): Words => ({
  family,
  nft,
  address: `${family}_addr`,
  icmp: family === 'ipv4' ? 'icmp' : 'icmpv6',
  saddr: field(nft, 'saddr'),
  daddr: field(nft, 'daddr'),
})

export const WORDS: Readonly<Record<Family, Words>> = { ipv4: wordsOf('ipv4', 'ip'), ipv6: wordsOf('ipv6', 'ip6') }

/** What a client is remembered by. */
export interface Client {
  readonly expression: Expression
  readonly type: 'ipv4_addr' | 'mark'
  /** Whether it has to go through the mark before it can be part of a key. */
  readonly staged: boolean
}

/**
 * IPv4: its address. IPv6: 31 bits made of it, since nft 1.0 has no room for a whole IPv6 address in the key of a map that rules
 * write (it aborts the process); two clients that share them share a backend.
 */
export function clientOf({ family, saddr }: Words): Client {
  if (family === 'ipv4') return { expression: saddr, type: 'ipv4_addr', staged: false }
  return { expression: { jhash: { expr: saddr, mod: 0x7fff_ffff, seed: 1 } }, type: 'mark', staged: true }
}

export const set = (key: Expression, value: Expression | number | string): Statement => ({ mangle: { key, value } })
export const go = (target: string): Verdict => ({ goto: { target } })
export const lookup = (key: readonly Expression[], data: string): Expression => ({ map: { key: { concat: key }, data } })

/** A 32-bit value as nft writes the type classid: `major:minor` in hexadecimal, and `none` for 0. */
export function classid(value: number): string {
  if (value === 0) return 'none'
  return `${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`
}
