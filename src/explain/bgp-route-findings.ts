/** What is wrong with routes, in sentences. Sessions that are down are told by `bgp-peer-findings`; here it counts that nobody hears. */
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { BGP_ADVERTISEMENT_IDLE, BGP_FAMILY_UNCARRIED, BGP_ROUTE_UNHEARD } from '../model/codes/bgp-report.ts'
import type { BgpAdvertisement } from '../model/load-balancer.ts'
import type { NodeName, Service } from '../model/world.ts'
import { meansPool, poolOf } from '../plan/advertisement.ts'
import type { Health } from './bgp-peer-row.ts'
import type { RouteRow, RouteSource } from './bgp-route-row.ts'
import { foundOnce } from './found-once.ts'
import { byNames } from './order.ts'

/** What is wrong follows from. `rows` are all; `found` is what planning found, of every node; `services` are those with load-balancer addresses. */
export interface RouteFacts {
  readonly config: BgpConfig
  readonly services: readonly Service[]
  readonly rows: readonly RouteRow[]
  readonly found: readonly Finding[]
}

/** About the objects that routes come from. */
export function objectFindings(facts: RouteFacts): readonly Finding[] {
  return [...foundOnce(facts.found), ...idlePodRoutes(facts), ...idleBgp(facts)]
}

/** About these routes; a finding is of one node and all of its routes. */
export function rowFindings(rows: readonly RouteRow[]): readonly Finding[] {
  return [
    ...byNode(rows, 'bad').map(unheard),
    ...byNode(
      rows.filter(({ meantFor }) => meantFor === 0),
      'off',
    ).map(uncarried),
  ]
}

/** What is not announced at all is what nobody thinks to look for. */
function idlePodRoutes({ config, rows }: RouteFacts): readonly Finding[] {
  const used = usedBy(rows, 'PodRouteAdvertisement')
  const names = [...config.podRouteAdvertisements.keys()].filter((name) => !used.has(name)).toSorted(byNames((name) => [name]))
  return names.map((name) => idle('PodRouteAdvertisement', name, `podrouteadvertisement/${name}`))
}

/** Of those for whose pools there is an address to announce. */
function idleBgp({ config, services, rows }: RouteFacts): readonly Finding[] {
  const used = usedBy(rows, 'BGPAdvertisement')
  const isAsked = (one: BgpAdvertisement) =>
    services.some((service) =>
      service.loadBalancerIPs.some((address) => {
        const pool = poolOf(service, address, config.pools)
        return pool !== undefined && meansPool(one, pool)
      }),
    )
  return [...config.bgpAdvertisements.values()]
    .filter((one) => !used.has(one.name) && isAsked(one))
    .toSorted(byNames(({ key }) => [key]))
    .map(({ key }) => idle('BGPAdvertisement', key, `bgpadvertisement/${key}`))
}

function usedBy(rows: readonly RouteRow[], kind: RouteSource['kind']): ReadonlySet<string> {
  const sources = rows.flatMap((row) => row.sources).filter((source) => source.kind === kind)
  return new Set(sources.map(({ advertisement }) => advertisement))
}

function idle(kind: RouteSource['kind'], name: string, subject: string): Finding {
  const message = `${kind} ${name} announces nothing on any node.`
  return { code: BGP_ADVERTISEMENT_IDLE, subjects: [subject], message, fix: BGP_ADVERTISEMENT_IDLE.fix }
}

interface NodeRows {
  readonly node: NodeName
  readonly prefixes: string
  readonly peers: string
}

function byNode(rows: readonly RouteRow[], health: Health): readonly NodeRows[] {
  const nodes = Map.groupBy(
    rows.filter((row) => row.health === health),
    ({ node }) => node,
  )
  return [...nodes].toSorted(byNames(([node]) => [node])).map(([node, routes]) => {
    const [first = '', ...more] = routes.map(({ prefix }) => prefix)
    const peers = [...new Set(routes.flatMap(({ paths }) => paths.map(({ peer }) => peer)))].toSorted(byNames((name) => [name]))
    return { node, prefixes: more.length === 0 ? first : `${first} and ${more.length} more`, peers: peers.join(', ') }
  })
}

function unheard({ node, prefixes, peers }: NodeRows): Finding {
  const message = `${node} announces ${prefixes} to nobody: it has no established session with ${peers}.`
  return { code: BGP_ROUTE_UNHEARD, subjects: [`node/${node}`], message, fix: BGP_ROUTE_UNHEARD.fix }
}

function uncarried({ node, prefixes }: NodeRows): Finding {
  const message = `${node} announces ${prefixes} to nobody: none of the sessions that it is meant for carries its family.`
  return { code: BGP_FAMILY_UNCARRIED, subjects: [`node/${node}`], message, fix: BGP_FAMILY_UNCARRIED.fix }
}
