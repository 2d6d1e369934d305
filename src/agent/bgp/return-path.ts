/** Whether replies to what comes in by announced routes find their way back, as the kernel's own tables say it. */
import { readFileSync } from 'node:fs'
import { tryRun } from '../../linux/run.ts'
import type { BgpSession, SessionState } from '../../model/bgp.ts'
import type { Finding } from '../../model/code.ts'
import { BGP_IMPORT_SHADOWED, BGP_NO_ROUTE_BACK, BGP_STRICT_REVERSE_PATH } from '../../model/codes/bgp-return.ts'
import type { Family } from '../../model/world.ts'

/** The kernel's tables. Each may fail; the check then says nothing. */
export interface Routes {
  /** Routes of a table, as `ip -j route show table N` gives them. */
  list(family: Family, table: number | 'main'): Promise<readonly Route[]>
  /** How an address is reached, as `ip -j route get` gives it; undefined when it is not. */
  lookUp(address: string): Promise<Route | undefined>
  /** The stricter of the interface's own and that of all. Source: kernel ip-sysctl.rst, rp_filter. */
  reversePathFilter(device: string): number
}

/** A route has a device and a gateway, or several of both. */
export interface Route {
  readonly dst?: string
  readonly dev?: string
  readonly gateway?: string
  readonly via?: { readonly host: string }
  readonly nexthops?: readonly Pick<Route, 'dev' | 'gateway' | 'via'>[]
}

/** Imported prefixes that are looked at in one check, of each family. */
const MOST_LOOKED_AT = 64

export interface ReturnPathInput {
  readonly node: string
  readonly sessions: readonly BgpSession[]
  readonly states: readonly SessionState[]
  /** Where imported routes are; 0: they are not installed. */
  readonly kernelTable: number
}

/** What a person should know about the way back. Nothing, while no session is established or nothing is announced. */
export async function checkReturnPath(input: ReturnPathInput, routes: Routes = KERNEL): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const family of ['ipv4', 'ipv6'] as const) {
    const imported = input.kernelTable === 0 ? [] : await routes.list(family, input.kernelTable)
    const announcing = input.sessions.filter((session) => announces(session, input.states, family))
    found.push(...(await shadowed(input.node, imported.slice(0, MOST_LOOKED_AT), routes)))
    if (announcing.length === 0) continue
    const defaults = await defaultRoutes(family, imported, routes)
    if (defaults.length === 0 && imported.length === 0) found.push(noRouteBack(input.node, family, announcing))
    if (family === 'ipv4') found.push(...(await strict(announcing, defaults, routes)))
  }
  return found
}

/** One that was imported goes before those of the main table. */
async function defaultRoutes(family: Family, imported: readonly Route[], routes: Routes): Promise<readonly Route[]> {
  const isDefault = ({ dst }: Route) => dst === 'default'
  const own = imported.filter(isDefault)
  return own.length > 0 ? own : (await routes.list(family, 'main')).filter(isDefault)
}

function announces(session: BgpSession, states: readonly SessionState[], family: Family): boolean {
  const state = states.find(({ key }) => key === session.key)
  return state?.phase === 'established' && (state.prefixes[family]?.sent ?? 0) > 0
}

function noRouteBack(node: string, family: Family, announcing: readonly BgpSession[]): Finding {
  const name = { ipv4: 'IPv4', ipv6: 'IPv6' }[family]
  const peers = announcing.map((session) => session.name).join(', ')
  const message = `Node ${node} announces ${name} routes to ${peers}, and has no ${name} default route and no route of a neighbour: replies reach only its own links.`
  return about(BGP_NO_ROUTE_BACK, [`node/${node}`, ...announcing.map(({ key }) => key)], message)
}

async function shadowed(node: string, imported: readonly Route[], routes: Routes): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const route of imported) {
    const address = someAddress(route.dst ?? '')
    const used = address === undefined ? undefined : await routes.lookUp(address)
    if (address === undefined || used === undefined || hops(route).some((hop) => sameWay(hop, used))) continue
    const message = `Node ${node} took a route to ${route.dst} by ${wayOf(hops(route)[0] ?? {})}, but sends to ${address} by ${wayOf(used)}.`
    found.push(about(BGP_IMPORT_SHADOWED, [`node/${node}`, `prefix/${route.dst}`], message))
  }
  return found
}

/** A default route is no prefix with an address of its own; a longer one of somebody else may rightly be there. */
function someAddress(prefix: string): string | undefined {
  const address = prefix.split('/')[0] ?? ''
  return /^[0-9a-f.:]+$/.test(address) && !/^(0\.0\.0\.0|::)$/.test(address) ? address : undefined
}

const hops = (route: Route): readonly Route[] => route.nexthops ?? [route]
const gatewayOf = (route: Route): string => route.gateway ?? route.via?.host ?? ''
const sameWay = (one: Route, other: Route): boolean => one.dev === other.dev && gatewayOf(one) === gatewayOf(other)

function wayOf(route: Route): string {
  const gateway = gatewayOf(route)
  return gateway === '' ? (route.dev ?? 'nothing') : `${gateway} (${route.dev})`
}

/** IPv6 has no such filter. With several default routes, one by the neighbour's interface is enough for the kernel. */
async function strict(
  announcing: readonly BgpSession[],
  defaults: readonly Route[],
  routes: Routes,
): Promise<readonly Finding[]> {
  const out = new Set(defaults.flatMap(hops).map(({ dev }) => dev))
  const found: Finding[] = []
  for (const session of announcing) {
    const device =
      session.interface || (session.peerAddress === '' ? '' : ((await routes.lookUp(session.peerAddress))?.dev ?? ''))
    if (device === '' || out.size === 0 || out.has(device) || routes.reversePathFilter(device) !== 1) continue
    const message = `Packets by ${session.name} come in on ${device}, replies leave by ${[...out].join(', ')}, and rp_filter of ${device} is 1: the kernel drops what comes in.`
    found.push(about(BGP_STRICT_REVERSE_PATH, [session.key], message))
  }
  return found
}

function about(code: Finding['code'], subjects: readonly string[], message: string): Finding {
  return { code, subjects: subjects.toSorted(), message, fix: code.fix }
}

/** The tables of this process's network namespace. */
export const KERNEL: Routes = {
  async list(family, table) {
    const flag = family === 'ipv4' ? '-4' : '-6'
    return (await ask(['ip', '-j', flag, 'route', 'show', 'table', String(table)])) ?? []
  },
  async lookUp(address) {
    return (await ask(['ip', '-j', 'route', 'get', address]))?.[0]
  },
  reversePathFilter(device) {
    return Math.max(...['all', device].map(readReversePathFilter))
  },
}

/** A table that was never written to does not exist, which `ip` calls an error. */
async function ask(command: readonly string[]): Promise<readonly Route[] | undefined> {
  const { exitCode, stdout } = await tryRun(command)
  if (exitCode !== 0 || stdout.trim() === '') return undefined
  return JSON.parse(stdout) as readonly Route[]
}

function readReversePathFilter(name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/conf/${name.replaceAll('/', '.')}/rp_filter`, 'utf8'))
  } catch {
    return 0
  }
}
