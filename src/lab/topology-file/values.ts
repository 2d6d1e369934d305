/** Addresses and ranges as a topology file writes them, made canonical. */
import ipaddr from 'ipaddr.js'
import { canonicalAddress, parseCidr, type Range } from '../kubelet/range.ts'
import type { Family } from './draft.ts'
import { badField, show } from './fields.ts'

const BITS: Readonly<Record<Family, 32 | 128>> = { ipv4: 32, ipv6: 128 }
const EXAMPLES: Readonly<Record<Family, string>> = { ipv4: '192.168.0.20', ipv6: 'fd00:192:168::20' }

/** The canonical text of an address. @throws {FairwayError} */
export function parseAddress(text: string, family: Family, path: string): string {
  const valid = family === 'ipv4' ? ipaddr.IPv4.isValidFourPartDecimal(text) : ipaddr.IPv6.isValid(text) && !text.includes('%')
  if (!valid)
    throw badField(path, `is ${show(text)}, which is no ${name(family)} address`, `Write one such as ${EXAMPLES[family]}.`)
  return canonicalAddress(text)
}

/** The canonical text of a range; host bits are an error, as they mostly are a mistake. @throws {FairwayError} */
export function parseRange(text: string, family: Family, path: string): string {
  const [address = '', length = '', ...rest] = text.split('/')
  const bits = Number(length)
  if (rest.length > 0 || !/^\d{1,3}$/.test(length) || bits > BITS[family])
    throw badField(
      path,
      `is ${show(text)}, which is no ${name(family)} range`,
      `Write one such as ${EXAMPLES[family]}/${BITS[family]}.`,
    )
  const canonical = parseAddress(address, family, path)
  const { cidr } = parseCidr(`${canonical}/${bits}`)
  if (cidr !== `${canonical}/${bits}`) throw badField(path, `is ${show(text)}, which has host bits`, `Write ${cidr}.`)
  return cidr
}

/** An address as a number, to compare it with ranges. */
export function addressNumber(address: string): bigint {
  return parseCidr(`${address}/${address.includes(':') ? 128 : 32}`).base
}

/** Whether the two share an address; ranges of different families never do. */
export function overlap(one: Range, other: Range): boolean {
  return one.bits === other.bits && one.base < other.base + other.size && other.base < one.base + one.size
}

/** Whether the address is one that a host of the range may have: not its first, and not an IPv4 range's last. */
export function isHostOf(range: Range, address: string): boolean {
  const offset = addressNumber(address) - range.base
  return offset > 0n && offset < (range.bits === 32 ? range.size - 1n : range.size)
}

function name(family: Family): string {
  return family === 'ipv4' ? 'IPv4' : 'IPv6'
}
