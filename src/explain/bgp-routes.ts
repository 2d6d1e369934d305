/** Which prefixes nodes announce, what for, and who hears them. */
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import type { SessionReport } from '../model/session-report.ts'
import type { EndpointSlice, Node, NodeName, ObjectKey, Pod, Service } from '../model/world.ts'
import { addressesToAnnounce } from '../plan/advertisement.ts'
import type { Health } from './bgp-peer-row.ts'
import { objectFindings, rowFindings } from './bgp-route-findings.ts'
import type { RoutePath, RouteRow, RouteSource } from './bgp-route-row.ts'
import { byNames } from './order.ts'
import { type PlannedRoute, plannedRoutes } from './planned-routes.ts'

export interface BgpRoutesInput {
  readonly nodes: ReadonlyMap<NodeName, Node>
  /** Of all nodes. */
  readonly pods: ReadonlyMap<ObjectKey, Pod>
  readonly services: ReadonlyMap<ObjectKey, Service>
  readonly endpointSlices: ReadonlyMap<ObjectKey, EndpointSlice>
  readonly config: BgpConfig
  readonly reports: ReadonlyMap<string, SessionReport>
  /** The class of the Services that agents announce; '': those that name none. */
  readonly loadBalancerClass: string
}

export interface BgpRoutesView {
  readonly rows: readonly RouteRow[]
  readonly findings: readonly Finding[]
}

/**
 * Joins what nodes are to announce with the sessions that they report.
 *
 * Shape:    a row for each prefix and node.
 * Order:    by prefix, numbers by their value, then by node; that of the input never matters.
 * Filter:   `isAsked` leaves rows out, and what is found of them; findings about objects then stay only when no row does, since they may say why.
 */
export function bgpRoutes(input: BgpRoutesInput, isAsked?: (row: RouteRow) => boolean): BgpRoutesView {
  const { loadBalancerClass } = input
  const reports = new Map([...input.reports.values()].map((report) => [sessionOf(report.peer, report.node), report]))
  const podsOf = Map.groupBy(input.pods.values(), ({ node }) => node)
  const services = [...input.services.values()].filter((service) => addressesToAnnounce(service, loadBalancerClass).length > 0)
  const slices = Map.groupBy(input.endpointSlices.values(), ({ service }) => service)
  const nodes = [...input.nodes.values()]
  const planned = nodes.map((node) => ({
    node,
    ...plannedRoutes({
      node,
      nodes,
      pods: podsOf.get(node.name) ?? [],
      services,
      slices,
      config: input.config,
      loadBalancerClass,
    }),
  }))
  const rows = planned
    .flatMap(({ node, routes }) => routes.map((route) => routeRow(route, node, reports)))
    .toSorted(byNames(({ prefix, node }) => [prefix, node]))
  const found = planned.flatMap(({ findings }) => findings)
  const asked = isAsked === undefined ? rows : rows.filter(isAsked)
  const general =
    isAsked === undefined || asked.length === 0 ? objectFindings({ config: input.config, services, rows, found }) : []
  return { rows: asked, findings: [...general, ...rowFindings(asked)] }
}

/** Reports name a peer with or without its namespace. */
function sessionOf(peer: string, node: NodeName): string {
  return JSON.stringify([peer, node])
}

function routeRow(route: PlannedRoute, node: Node, reports: ReadonlyMap<string, SessionReport>): RouteRow {
  const paths = route.paths
    .map((path): RoutePath => {
      const report =
        reports.get(sessionOf(`${path.namespace}/${path.peer}`, node.name)) ?? reports.get(sessionOf(path.peer, node.name))
      return { ...path, state: report?.state || 'None', draining: report?.draining ?? false, announced: isAnnounced(report) }
    })
    .toSorted(byNames(({ peer, namespace }) => [peer, namespace]))
  const sources = route.sources
    .map((source) => ({ ...source, pods: sorted(source.pods), services: sorted(source.services) }))
    .toSorted(byNames(({ advertisement, kind }) => [advertisement, kind]))
  return {
    prefix: route.prefix,
    node: node.name,
    for: purpose(sources),
    health: healthOf(paths, node.ready),
    announcedTo: paths.filter(({ announced }) => announced).length,
    meantFor: paths.length,
    sources,
    paths,
  }
}

function isAnnounced(report: SessionReport | undefined): boolean {
  return report?.state === 'Established' && !(report.draining && report.routesSent === 0)
}

function sorted(names: readonly string[]): readonly string[] {
  return names.toSorted(byNames((name) => [name]))
}

function purpose(sources: readonly RouteSource[]): string {
  const range = sources.some(({ nodeRange }) => nodeRange) ? ['node range'] : []
  const pods = counted(
    sources.flatMap((source) => source.pods),
    'pods',
    '',
  )
  const services = counted(
    sources.flatMap((source) => source.services),
    'services',
    'service ',
  )
  const floats = counted(
    sources.flatMap(({ kind, advertisement }) => (kind === 'FloatingAddress' ? [advertisement] : [])),
    'floating addresses',
    'floating address ',
  )
  return [...range, ...pods, ...services, ...floats].join(', ')
}

/** One by its name, more by how many they are. */
function counted(names: readonly string[], noun: string, before: string): readonly string[] {
  const [first, ...more] = new Set(names)
  return first === undefined ? [] : [more.length === 0 ? before + first : `${more.length + 1} ${noun}`]
}

/** A node that is not Ready may announce what it last did: nobody knows. */
function healthOf(paths: readonly RoutePath[], isReady: boolean): Health {
  if (paths.length === 0) return 'off'
  if (!isReady) return 'doubtful'
  if (paths.some(({ draining, state }) => draining || state === 'Closed')) return 'off'
  const heard = paths.filter(({ announced }) => announced).length
  return heard === 0 ? 'bad' : heard < paths.length ? 'degraded' : 'good'
}
