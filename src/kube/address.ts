/** Addresses as Fairway writes them: one text for one address. */
import ipaddr from 'ipaddr.js'
import type { Family } from '../model/world.ts'

/** Canonical text (RFC 5952 for IPv6); undefined for anything but a plain IPv4 or IPv6 address. */
export function canonicalAddress(text: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined
  const address = ipaddr.IPv6.parse(text)
  // an IPv4 address in IPv6 clothes is neither to the kernel's tables
  return address.isIPv4MappedAddress() ? undefined : address.toRFC5952String()
}

/** Canonical text of a range, host bits cleared; undefined when it is none. */
export function canonicalCidr(text: string): string | undefined {
  const [address = '', length = '', ...rest] = text.trim().split('/')
  const canonical = canonicalAddress(address)
  if (canonical === undefined || rest.length > 0 || !/^\d{1,3}$/.test(length)) return undefined
  if (Number(length) > (canonical.includes(':') ? 128 : 32)) return undefined
  const cidr = `${canonical}/${Number(length)}`
  const network = canonical.includes(':') ? ipaddr.IPv6.networkAddressFromCIDR(cidr) : ipaddr.IPv4.networkAddressFromCIDR(cidr)
  return `${canonicalAddress(network.toString())}/${Number(length)}`
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}

const OF_NO_MACHINE: ReadonlySet<string> = new Set(['unspecified', 'loopback', 'linkLocal', 'multicast', 'broadcast'])

/** Whether one machine can have it on a network, and be reached there from others. `address` is canonical. */
export function isGlobalUnicast(address: string): boolean {
  return !OF_NO_MACHINE.has(ipaddr.parse(address).range())
}
