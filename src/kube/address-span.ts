/** Ranges of addresses as users write them: `192.168.9.0/24`, `192.168.9.1-192.168.9.9`. */
import ipaddr from 'ipaddr.js'
import type { AddressSpan } from '../model/load-balancer.ts'
import { canonicalAddress, canonicalCidr, familyOf } from './address.ts'

/** All addresses of a prefix, network and broadcast address too, or from the first to the last one; undefined for anything else. */
export function spanOf(text: string): AddressSpan | undefined {
  if (text.includes('/')) return prefixSpan(text)
  const [first, last, ...rest] = text.split('-').map((part) => canonicalAddress(part.trim()))
  if (first === undefined || last === undefined || rest.length > 0) return undefined
  const family = familyOf(first)
  return family === familyOf(last) && isOrdered(first, last) ? { family, first, last } : undefined
}

function prefixSpan(text: string): AddressSpan | undefined {
  const cidr = canonicalCidr(text)
  if (cidr === undefined) return undefined
  const [first = '', length = ''] = cidr.split('/')
  const octets = ipaddr.parse(first).toByteArray()
  const last = octets.map((octet, at) => octet | (0xff >> Math.min(8, Math.max(0, Number(length) - at * 8))))
  return { family: familyOf(first), first, last: canonicalAddress(ipaddr.fromByteArray(last).toString()) ?? first }
}

function isOrdered(first: string, last: string): boolean {
  return Buffer.compare(Buffer.from(ipaddr.parse(first).toByteArray()), Buffer.from(ipaddr.parse(last).toByteArray())) <= 0
}
