/** The next hops of the machine's default routes. */
import { readFileSync } from 'node:fs'
import ipaddr from 'ipaddr.js'

export interface Gateway {
  /** Canonical. */
  readonly address: string
  readonly interface: string
}

/** Those of this process's namespace. */
export function machineGateways(): readonly Gateway[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return '' // the family is off in this kernel
    }
  }
  return defaultGateways(read('/proc/self/net/route'), read('/proc/self/net/ipv6_route'))
}

/** From /proc/net/route (interface, destination, gateway, ...; hexadecimal, in the machine's order of octets) and /proc/net/ipv6_route. */
export function defaultGateways(ipv4: string, ipv6: string): readonly Gateway[] {
  const four = ipv4
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .filter((fields) => fields[1] === '00000000' && fields[7] === '00000000' && /^[\dA-F]{8}$/.test(fields[2] ?? ''))
    .map((fields) => ({ address: [...octets(fields[2] ?? '')].reverse().join('.'), interface: fields[0] ?? '' }))
  const six = ipv6
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => /^0{32}$/.test(fields[0] ?? '') && fields[1] === '00' && fields.length >= 10)
    .map((fields) => ({ address: new ipaddr.IPv6([...octets(fields[4] ?? '')]).toString(), interface: fields[9] ?? '' }))
  return [...four, ...six].filter(({ address }) => address !== '0.0.0.0' && address !== '::')
}

function octets(hexadecimal: string): readonly number[] {
  return hexadecimal.match(/../g)?.map((two) => Number.parseInt(two, 16)) ?? []
}
