/** Ranges of addresses and the addresses in them, both families. */
import ipaddr from 'ipaddr.js'

export interface Range {
  /** Canonical: `10.244.1.0/24`, `fd00:10:244:1::/64`. */
  readonly cidr: string
  readonly base: bigint
  readonly size: bigint
  readonly bits: 32 | 128
}

/** @throws {Error} when the text is no CIDR */
export function parseCidr(text: string): Range {
  const [address, length] = ipaddr.parseCIDR(text)
  const bits = address.kind() === 'ipv4' ? 32 : 128
  const hostBits = BigInt(bits - length)
  const number = address.toByteArray().reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const base = (number >> hostBits) << hostBits
  const range = { cidr: '', base, size: 1n << hostBits, bits } as const
  return { ...range, cidr: `${addressAt(range, 0n)}/${length}` }
}

/** The address so many places into a range, as canonical text. */
export function addressAt(range: Pick<Range, 'base' | 'bits'>, offset: bigint): string {
  const bytes: number[] = []
  for (let rest = range.base + offset, left = range.bits / 8; left > 0; left--, rest >>= 8n) bytes.unshift(Number(rest & 255n))
  return canonicalAddress(ipaddr.fromByteArray(bytes).toString())
}

/** One text for each address: RFC 5952 for IPv6. @throws {Error} when the text is no address */
export function canonicalAddress(text: string): string {
  const address = ipaddr.parse(text)
  return address.kind() === 'ipv6' ? (address as ipaddr.IPv6).toRFC5952String() : address.toString()
}

export function isIPv6(address: string): boolean {
  return address.includes(':')
}
