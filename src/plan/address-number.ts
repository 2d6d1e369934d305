/** Numbers of addresses, and back. */
import ipaddr from 'ipaddr.js'
import type { Family } from '../model/world.ts'

/** Canonical text of an address. The other way: `numberOf` of ranges.ts. */
export function addressOf(number: bigint, family: Family): string {
  const length = family === 'ipv4' ? 4 : 16
  const bytes = Array.from({ length }, (_, at) => Number((number >> BigInt(8 * (length - 1 - at))) & 0xffn))
  return family === 'ipv4' ? bytes.join('.') : new ipaddr.IPv6(bytes).toRFC5952String()
}

/** Addresses that end in .0 or .255: some old equipment takes them for those of a subnet. */
export function isBuggy(number: bigint): boolean {
  const end = number & 0xffn
  return end === 0n || end === 255n
}

/** How many numbers from `first` to `last` are `isBuggy`. */
export function countBuggy(first: bigint, last: bigint): bigint {
  const below = (end: bigint) => (end + 255n) / 256n + end / 256n
  return below(last + 1n) - below(first)
}
