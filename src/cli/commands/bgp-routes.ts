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
import { convertFloatingAddress } from '../../kube/floating-address.ts'
import { BGP_ADVERTISEMENTS, FLOATING_ADDRESSES, IP_ADDRESS_POOLS } from '../../kube/load-balancer-resources.ts'
import { convertAddressPool, convertBgpAdvertisement } from '../../kube/pool-objects.ts'
import { ENDPOINT_SLICES, NODES, PODS, SERVICES } from '../../kube/resource.ts'
import { convertEndpointSlice, convertNode, convertPod, convertService } from '../../kube/world-objects.ts'
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
import {
  type AddressPool,
  type BgpAdvertisement,
  type FloatingAddress,
  NO_LOAD_BALANCER_CONFIG,
} from '../../model/load-balancer.ts'
import type { SessionReport } from '../../model/session-report.ts'
import type { EndpointSlice, Node, Pod, Service } from '../../model/world.ts'
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
  readonly services: Service
  readonly endpointSlices: EndpointSlice
  readonly pools: AddressPool
  readonly bgpAdvertisements: BgpAdvertisement
  readonly floatingAddresses: FloatingAddress
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
  services: collection({ resource: SERVICES, convert: convertService }),
  endpointSlices: collection({ resource: ENDPOINT_SLICES, convert: convertEndpointSlice }),
  pools: collection({ resource: IP_ADDRESS_POOLS, convert: convertAddressPool, optional: true }),
  bgpAdvertisements: collection({ resource: BGP_ADVERTISEMENTS, convert: convertBgpAdvertisement, optional: true }),
  floatingAddresses: collection({ resource: FLOATING_ADDRESSES, convert: convertFloatingAddress, optional: true }),
}
const KINDS = { peers: 'BGPPeer', advertisements: 'PodRouteAdvertisement', reports: 'BGPSessionStatus' }

export interface RouteOptions extends ClusterOptions {
  /** Of the agents; '': they announce Services that name none. */
  readonly loadBalancerClass: string
}

/** `fairway bgp routes [ADDRESS|PREFIX|NAMESPACE/POD|NAMESPACE/SERVICE]`: what every node announces, worked out as its agent does, and who hears it. */
export async function bgpRoutesCommand(wanted: string | undefined, options: RouteOptions): Promise<void> {
  const question = wanted === undefined ? undefined : questionOf(wanted)
  await ask(routesQuestion(question, options), options)
}

function questionOf(text: string): RouteQuestion {
  const address = canonicalAddress(text)
  if (address !== undefined) return { address }
  const cidr = canonicalCidr(text)
  if (cidr !== undefined) return { cidr }
  if (/^[a-z0-9-]+\/[a-z0-9.-]+$/.test(text) && !/^[\d.]+\/\d+$/.test(text)) return { object: text }
  throw new FairwayError(USAGE_WRONG, `${JSON.stringify(text)} is no address, prefix, pod or Service.`, {
    field: 'WHAT',
    fix: 'Write it as 10.244.1.7, 10.244.1.0/24, NAMESPACE/POD or NAMESPACE/SERVICE.',
  })
}

function routesQuestion(wanted: RouteQuestion | undefined, options: RouteOptions): Question<RouteValues, RouteRow> {
  const isWhole = wanted === undefined && options.namespace === undefined
  const isAsked = (row: RouteRow) => (wanted === undefined || answers(wanted, row)) && isOfNamespace(row, options)
  return {
    collections: COLLECTIONS,
    view: (contents) => snapshotOf(contents, options.loadBalancerClass, wanted, isWhole ? undefined : isAsked),
    listing: { ...ROUTES, empty: wanted !== undefined ? '' : isWhole ? ROUTES.empty : noneIn(options.namespace ?? '') },
    gatherInMs: 250,
  }
}

function noneIn(namespace: string): string {
  return `No pod and no Service of the namespace ${namespace} is announced; without -n all routes are shown.`
}

/** A node's range belongs to no namespace. */
function isOfNamespace({ sources }: RouteRow, options: ClusterOptions): boolean {
  if (options.namespace === undefined) return true
  return sources.some(({ pods, services }) =>
    [...pods, ...services].some((key) => isMeant(options, key.slice(0, key.indexOf('/')))),
  )
}

function snapshotOf(
  { values, absent, findings }: Contents<RouteValues>,
  loadBalancerClass: string,
  wanted: RouteQuestion | undefined,
  isAsked: ((row: RouteRow) => boolean) | undefined,
): Snapshot<RouteRow> {
  const { nodes, pods, reports, services, endpointSlices } = values
  const view = bgpRoutes({ nodes, pods, reports, services, endpointSlices, config: configOf(values), loadBalancerClass }, isAsked)
  const objects =
    isAsked === undefined || view.rows.length === 0
      ? [...notInstalled(BGP_NOT_INSTALLED, absent, KINDS), ...settingsOnly(findings)]
      : []
  const nobody = wanted !== undefined && view.rows.length === 0 ? [notAnnounced(wanted)] : []
  return { rows: view.rows, findings: [...objects, ...view.findings, ...nobody] }
}

function configOf(values: Contents<RouteValues>['values']): BgpConfig {
  const { peers, bfdProfiles, communities, advertisements, imports, namespaces, pools, bgpAdvertisements, floatingAddresses } =
    values
  const secrets = unreadSecrets(peers.values())
  return {
    ...{ peers, bfdProfiles, communities, namespaces, secrets },
    podRouteAdvertisements: advertisements,
    routeImports: imports,
    ...{ pools, bgpAdvertisements, floatingAddresses },
    l2Advertisements: NO_LOAD_BALANCER_CONFIG.l2Advertisements,
  }
}

/** What is wrong with Nodes, Pods and Services in other ways is told elsewhere. */
function settingsOnly(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ subjects }) => !subjects.some((subject) => /^(node|pod|service|endpointslice)\//.test(subject)))
}

function notAnnounced(wanted: RouteQuestion): Finding {
  const subjects = 'object' in wanted ? [`pod/${wanted.object}`, `service/${wanted.object}`] : []
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
    'No routes. A PodRouteAdvertisement or a BGPAdvertisement says what nodes announce: `kubectl explain podrouteadvertisement.spec` lists what it takes.',
  columns: [
    { title: 'PREFIX', cell: ({ prefix }) => prefix },
    { title: 'NODE', cell: ({ node }) => node },
    { title: 'FOR', cell: (row) => row.for },
    { title: 'PEERS', cell: ({ paths }) => paths.map(({ peer }) => peer).join(',') },
    { title: 'ANNOUNCED', cell: announcedText, tone: ({ health }) => health },
    { title: 'ADVERTISEMENT', cell: ({ sources }) => sources.map(({ advertisement }) => advertisement).join(','), wide: true },
    { title: 'COMMUNITIES', cell: perPeer(({ communities }) => communities.join(',')), wide: true },
    { title: 'LOCAL-PREF', cell: perPeer(({ localPreference }) => String(localPreference ?? '')), wide: true },
    { title: 'MED', cell: perPeer(({ metric }) => String(metric ?? '')), wide: true },
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
