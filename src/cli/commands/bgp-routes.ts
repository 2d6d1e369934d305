import type { RoutePath, RouteRow } from '../../explain/bgp-route-row.ts'
import { bgpRoutes } from '../../explain/bgp-routes.ts'
import { unreadSecrets } from '../../explain/planned-sessions.ts'
import { answers, type RouteQuestion, textOf } from '../../explain/route-question.ts'
import { canonicalAddress, canonicalCidr } from '../../kube/address.ts'
import {
  convertBfdProfile,
  convertCommunityNames,
  convertNamespace,
  convertPodRouteAdvertisement,
  convertRouteImport,
} from '../../kube/bgp-objects.ts'
import { convertBgpPeer } from '../../kube/bgp-peer.ts'
import {
  BFD_PROFILES,
  BGP_PEERS,
  BGP_ROUTE_IMPORTS,
  COMMUNITIES,
  NAMESPACES,
  POD_ROUTE_ADVERTISEMENTS,
} from '../../kube/bgp-resources.ts'
import { BGP_SESSION_STATUSES, convertSessionStatus } from '../../kube/bgp-session-status.ts'
import { type Contents, collection } from '../../kube/collections.ts'
import { NODES, PODS } from '../../kube/resource.ts'
import { convertNode, convertPod } from '../../kube/world-objects.ts'
import type {
  BfdProfile,
  BgpConfig,
  BgpPeer,
  BgpRouteImport,
  CommunityNames,
  Namespace,
  PodRouteAdvertisement,
} from '../../model/bgp-config.ts'
import { FairwayError, type Finding } from '../../model/code.ts'
import { BGP_NOT_ANNOUNCED, BGP_NOT_INSTALLED } from '../../model/codes/bgp-report.ts'
import { USAGE_WRONG } from '../../model/codes/usage.ts'
import { NO_LOAD_BALANCER_CONFIG } from '../../model/load-balancer.ts'
import type { SessionReport } from '../../model/session-report.ts'
import type { Node, Pod } from '../../model/world.ts'
import { ask, type ClusterOptions, isMeant, type Question } from '../cluster.ts'
import { SIGNS } from '../columns.ts'
import { notInstalled } from '../installed.ts'
import type { Listing, Snapshot } from '../listing.ts'

interface RouteValues {
  readonly nodes: Node
  readonly pods: Pod
  readonly namespaces: Namespace
  readonly peers: BgpPeer
  readonly bfdProfiles: BfdProfile
  readonly communities: CommunityNames
  readonly advertisements: PodRouteAdvertisement
  readonly imports: BgpRouteImport
  readonly reports: SessionReport
}

const COLLECTIONS = {
  nodes: collection({ resource: NODES, convert: convertNode }),
  pods: collection({ resource: PODS, convert: convertPod }),
  namespaces: collection({ resource: NAMESPACES, convert: convertNamespace }),
  peers: collection({ resource: BGP_PEERS, convert: convertBgpPeer, optional: true }),
  bfdProfiles: collection({ resource: BFD_PROFILES, convert: convertBfdProfile, optional: true }),
  communities: collection({ resource: COMMUNITIES, convert: convertCommunityNames, optional: true }),
  advertisements: collection({ resource: POD_ROUTE_ADVERTISEMENTS, convert: convertPodRouteAdvertisement, optional: true }),
  imports: collection({ resource: BGP_ROUTE_IMPORTS, convert: convertRouteImport, optional: true }),
  reports: collection({ resource: BGP_SESSION_STATUSES, convert: convertSessionStatus, optional: true }),
}
const KINDS = { peers: 'BGPPeer', advertisements: 'PodRouteAdvertisement', reports: 'BGPSessionStatus' }

/** `fairway bgp routes [ADDRESS|PREFIX|NAMESPACE/POD]`: what every node announces, worked out as its agent does, and who hears it. */
export async function bgpRoutesCommand(wanted: string | undefined, options: ClusterOptions): Promise<void> {
  const question = wanted === undefined ? undefined : questionOf(wanted)
  await ask(routesQuestion(question, options), options)
}

function questionOf(text: string): RouteQuestion {
  const address = canonicalAddress(text)
  if (address !== undefined) return { address }
  const cidr = canonicalCidr(text)
  if (cidr !== undefined) return { cidr }
  if (/^[a-z0-9-]+\/[a-z0-9.-]+$/.test(text) && !/^[\d.]+\/\d+$/.test(text)) return { pod: text }
  throw new FairwayError(USAGE_WRONG, `${JSON.stringify(text)} is no address, prefix or pod.`, {
    field: 'WHAT',
    fix: 'Write it as 10.244.1.7, 10.244.1.0/24 or NAMESPACE/POD.',
  })
}

function routesQuestion(wanted: RouteQuestion | undefined, options: ClusterOptions): Question<RouteValues, RouteRow> {
  const isWhole = wanted === undefined && options.namespace === undefined
  const isAsked = (row: RouteRow) => (wanted === undefined || answers(wanted, row)) && isOfNamespace(row, options)
  return {
    collections: COLLECTIONS,
    view: (contents) => snapshotOf(contents, wanted, isWhole ? undefined : isAsked),
    listing: { ...ROUTES, empty: wanted !== undefined ? '' : isWhole ? ROUTES.empty : noneIn(options.namespace ?? '') },
    gatherInMs: 250,
  }
}

function noneIn(namespace: string): string {
  return `No pod of the namespace ${namespace} is announced; without -n all routes are shown.`
}

/** A node's range belongs to no namespace. */
function isOfNamespace({ sources }: RouteRow, options: ClusterOptions): boolean {
  if (options.namespace === undefined) return true
  return sources.some(({ pods }) => pods.some((pod) => isMeant(options, pod.slice(0, pod.indexOf('/')))))
}

function snapshotOf(
  { values, absent, findings }: Contents<RouteValues>,
  wanted: RouteQuestion | undefined,
  isAsked: ((row: RouteRow) => boolean) | undefined,
): Snapshot<RouteRow> {
  const { nodes, pods, reports } = values
  const view = bgpRoutes({ nodes, pods, reports, config: configOf(values) }, isAsked)
  const objects =
    isAsked === undefined || view.rows.length === 0
      ? [...notInstalled(BGP_NOT_INSTALLED, absent, KINDS), ...settingsOnly(findings)]
      : []
  const nobody = wanted !== undefined && view.rows.length === 0 ? [notAnnounced(wanted)] : []
  return { rows: view.rows, findings: [...objects, ...view.findings, ...nobody] }
}

function configOf(values: Contents<RouteValues>['values']): BgpConfig {
  const { peers, bfdProfiles, communities, advertisements, imports, namespaces } = values
  const secrets = unreadSecrets(peers.values())
  return {
    ...{ peers, bfdProfiles, communities, namespaces, secrets },
    podRouteAdvertisements: advertisements,
    routeImports: imports,
    ...NO_LOAD_BALANCER_CONFIG,
  }
}

/** What is wrong with Nodes and Pods in other ways is told elsewhere. */
function settingsOnly(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ subjects }) => !subjects.some((subject) => /^(node|pod)\//.test(subject)))
}

function notAnnounced(wanted: RouteQuestion): Finding {
  const subjects = 'pod' in wanted ? [`pod/${wanted.pod}`] : []
  return {
    code: BGP_NOT_ANNOUNCED,
    subjects,
    message: `No node announces ${textOf(wanted)}.`,
    fix: BGP_NOT_ANNOUNCED.fix,
  }
}

const ROUTES: Listing<RouteRow> = {
  field: 'routes',
  keyOf: ({ prefix, node }) => JSON.stringify([prefix, node]),
  empty:
    'No routes. A PodRouteAdvertisement says what nodes announce: `kubectl explain podrouteadvertisement.spec` lists what it takes.',
  columns: [
    { title: 'PREFIX', cell: ({ prefix }) => prefix },
    { title: 'NODE', cell: ({ node }) => node },
    { title: 'FOR', cell: (row) => row.for },
    { title: 'PEERS', cell: ({ paths }) => paths.map(({ peer }) => peer).join(',') },
    { title: 'ANNOUNCED', cell: announcedText, tone: ({ health }) => health },
    { title: 'ADVERTISEMENT', cell: ({ sources }) => sources.map(({ advertisement }) => advertisement).join(','), wide: true },
    { title: 'COMMUNITIES', cell: perPeer(({ communities }) => communities.join(',')), wide: true },
    { title: 'LOCAL-PREF', cell: perPeer(({ localPreference }) => String(localPreference ?? '')), wide: true },
    { title: 'STATES', cell: perPeer(({ state, draining }) => (draining ? `${state},draining` : state)), wide: true },
  ],
}

function announcedText({ health, announcedTo, meantFor, paths }: RouteRow): string {
  const draining = paths.some((path) => path.draining) ? ', draining' : ''
  return `${SIGNS[health]} to ${announcedTo} of ${meantFor}${draining}`
}

/** What is the same for all peers is said once, what is not in the order of the peers. */
function perPeer(of: (path: RoutePath) => string): (row: RouteRow) => string {
  return ({ paths }) => {
    const texts = paths.map(of)
    return new Set(texts).size <= 1 ? (texts[0] ?? '') : texts.map((text) => text || '-').join(' ')
  }
}
