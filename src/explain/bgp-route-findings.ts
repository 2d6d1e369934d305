/** What is wrong with routes, in sentences. Sessions that are down are told by `bgp-peer-findings`; here it counts that nobody hears. */
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { BGP_ADVERTISEMENT_IDLE, BGP_FAMILY_UNCARRIED, BGP_ROUTE_UNHEARD } from '../model/codes/bgp-report.ts'
import type { NodeName } from '../model/world.ts'
import type { Health } from './bgp-peer-row.ts'
import type { RouteRow } from './bgp-route-row.ts'
import { foundOnce } from './found-once.ts'
import { byNames } from './order.ts'

/** About the objects that routes come from. `rows` are all; `found` is what planning found, of every node. */
export function objectFindings(config: BgpConfig, rows: readonly RouteRow[], found: readonly Finding[]): readonly Finding[] {
  return [...foundOnce(found), ...idle(config, rows)]
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
function idle({ podRouteAdvertisements }: BgpConfig, rows: readonly RouteRow[]): readonly Finding[] {
  const used = new Set(rows.flatMap(({ sources }) => sources.map(({ advertisement }) => advertisement)))
  const names = [...podRouteAdvertisements.keys()].filter((name) => !used.has(name)).toSorted(byNames((name) => [name]))
  return names.map((name) => ({
    code: BGP_ADVERTISEMENT_IDLE,
    subjects: [`podrouteadvertisement/${name}`],
    message: `PodRouteAdvertisement ${name} announces nothing on any node.`,
    fix: BGP_ADVERTISEMENT_IDLE.fix,
  }))
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
