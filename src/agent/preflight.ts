/** What of the node itself stands in the way, found without changing anything. */
import { readFileSync } from 'node:fs'
import type { Finding } from '../model/code.ts'
import { AGENT_NO_DEFAULT_ROUTE } from '../model/codes/agent.ts'
import type { Family } from '../model/world.ts'

/** RTF_REJECT of <linux/route.h>: the entry says that there is no way. */
const REJECT = 0x0200

/** Whether /proc/net/route (IPv4) has a default route that leads somewhere. Its fields: interface, destination, gateway, flags. */
export function hasIPv4Default(table: string): boolean {
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.split('\t'))
    .some(
      (fields) => fields[1] === '00000000' && fields[7] === '00000000' && (Number.parseInt(fields[3] ?? '0', 16) & REJECT) === 0,
    )
}

/** Whether /proc/net/ipv6_route has one. Its fields: destination, its prefix length, ..., flags (9th), interface. */
export function hasIPv6Default(table: string): boolean {
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(
      (fields) => /^0{32}$/.test(fields[0] ?? '') && fields[1] === '00' && (Number.parseInt(fields[8] ?? '0', 16) & REJECT) === 0,
    )
}

/** Findings about the routes of this network namespace, for the families that the node has addresses of. */
export function findRoutes(node: string, families: ReadonlySet<Family>): readonly Finding[] {
  const missing = [
    ...(families.has('ipv4') && !hasIPv4Default(read('/proc/self/net/route')) ? ['IPv4'] : []),
    ...(families.has('ipv6') && !hasIPv6Default(read('/proc/self/net/ipv6_route')) ? ['IPv6'] : []),
  ]
  if (missing.length === 0) return []
  const message = `Node ${node} has no default route for ${missing.join(' and ')}: it cannot reach cluster addresses itself; pods and outsiders can.`
  return [{ code: AGENT_NO_DEFAULT_ROUTE, subjects: [`node/${node}`], message, fix: AGENT_NO_DEFAULT_ROUTE.fix }]
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // the family is off in this kernel: then it has no route
  }
}
