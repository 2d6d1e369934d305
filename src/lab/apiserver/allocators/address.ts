/** Addresses as integers: text is read and written here and nowhere else. */
import ipaddr from 'ipaddr.js'

export type IPFamily = 'IPv4' | 'IPv6'

export interface Address {
  readonly family: IPFamily
  readonly value: bigint
}

/** An address range; `first` has no bits set beyond the prefix. */
export interface AddressRange {
  readonly family: IPFamily
  readonly first: bigint
  readonly last: bigint
  readonly text: string
}

const BITS: Readonly<Record<IPFamily, number>> = { IPv4: 32, IPv6: 128 }

const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const IPV4 = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`)

/** Reads an address; undefined for anything else (zones, short forms and leading zeros included). */
export function parseAddress(text: string): Address | undefined {
  const octets = IPV4.exec(text)
  if (octets !== null) return { family: 'IPv4', value: join(octets.slice(1).map(Number)) }
  if (text.includes('%') || !text.includes(':') || !ipaddr.IPv6.isValid(text)) return undefined
  return { family: 'IPv6', value: join(ipaddr.IPv6.parse(text).toByteArray()) }
}

/** Canonical text: RFC 5952 for IPv6. */
export function formatAddress(address: Address): string {
  const bytes: number[] = []
  for (let shift = BITS[address.family] - 8; shift >= 0; shift -= 8) bytes.push(Number((address.value >> BigInt(shift)) & 255n))
  return address.family === 'IPv4' ? bytes.join('.') : new ipaddr.IPv6(bytes).toRFC5952String()
}

/** Reads `ADDRESS/LENGTH`. `strict` refuses bits set beyond the prefix; else they are cut off. */
export function parseRange(text: string): (AddressRange & { readonly exact: boolean }) | undefined {
  const [host = '', length = '', rest] = text.split('/')
  const address = parseAddress(host)
  if (address === undefined || rest !== undefined || !/^\d{1,3}$/.test(length) || Number(length) > BITS[address.family])
    return undefined
  const hostBits = BigInt(BITS[address.family] - Number(length))
  const first = (address.value >> hostBits) << hostBits
  return { family: address.family, first, last: first + (1n << hostBits) - 1n, text, exact: first === address.value }
}

const join = (bytes: readonly number[]): bigint => bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
