import type { PeerRow } from '../../explain/bgp-peer-row.ts'
import { type BgpPeersView, bgpPeers } from '../../explain/bgp-peers.ts'
import { byNames } from '../../explain/order.ts'
import { convertBfdProfile } from '../../kube/bgp-objects.ts'
import { BFD_PROFILES, BGP_PEERS } from '../../kube/bgp-resources.ts'
import { BGP_SESSION_STATUSES, convertSessionStatus } from '../../kube/bgp-session-status.ts'
import { type Contents, collection } from '../../kube/collections.ts'
import { convertPeerOutline } from '../../kube/peer-outline.ts'
import { NODES } from '../../kube/resource.ts'
import { convertNode } from '../../kube/world-objects.ts'
import type { BfdProfile } from '../../model/bgp-config.ts'
import { FairwayError } from '../../model/code.ts'
import { BGP_NO_SUCH_PEER, BGP_NOT_INSTALLED } from '../../model/codes/bgp-report.ts'
import type { PeerOutline, SessionReport } from '../../model/session-report.ts'
import type { Node } from '../../model/world.ts'
import { ask, type ClusterOptions, isMeant, type Question } from '../cluster.ts'
import { ageOf, SIGNS } from '../columns.ts'
import { notInstalled } from '../installed.ts'
import type { Listing, Snapshot } from '../listing.ts'

interface PeerValues {
  readonly peers: PeerOutline
  readonly reports: SessionReport
  readonly nodes: Node
  readonly bfdProfiles: BfdProfile
}

/** `fairway bgp peers [PEER]`: a row for each node and peer, from what agents report. */
export async function bgpPeersCommand(peer: string | undefined, options: ClusterOptions): Promise<void> {
  await ask(peersQuestion(peer, options), options)
}

export function peersQuestion(peer: string | undefined, options: ClusterOptions): Question<PeerValues, PeerRow> {
  return {
    collections: {
      peers: collection({ resource: BGP_PEERS, convert: convertPeerOutline, optional: true }),
      reports: collection({ resource: BGP_SESSION_STATUSES, convert: convertSessionStatus, optional: true }),
      nodes: collection({ resource: NODES, convert: convertNode }),
      bfdProfiles: collection({ resource: BFD_PROFILES, convert: convertBfdProfile, optional: true }),
    },
    view: (contents) =>
      snapshotOf(contents, (row) => (peer === undefined || row.peer === peer) && isMeant(options, row.namespace)),
    listing: options.namespace === undefined ? PEERS : { ...PEERS, empty: noneIn(options.namespace) },
    check: ({ values }) => {
      if (peer !== undefined) checkName(peer, values)
    },
    gatherInMs: 100,
  }
}

function snapshotOf(contents: Contents<PeerValues>, isAsked: (row: PeerRow) => boolean): Snapshot<PeerRow> {
  const view: BgpPeersView = bgpPeers(contents.values, isAsked)
  return { rows: view.rows, findings: [...notInstalled(BGP_NOT_INSTALLED, contents.absent, KINDS), ...view.findings] }
}

const KINDS = { peers: 'BGPPeer', reports: 'BGPSessionStatus' }

function noneIn(namespace: string): string {
  return `No BGP peers in the namespace ${namespace}; without -n those of all namespaces are shown.`
}

function checkName(peer: string, { peers, reports }: Contents<PeerValues>['values']): void {
  const reported = [...reports.values()].map((report) => report.peer.split('/').at(-1) ?? '')
  const known = new Set([...[...peers.values()].map(({ name }) => name), ...reported])
  if (known.has(peer)) return
  const names = [...known].toSorted(byNames((name) => [name]))
  throw new FairwayError(BGP_NO_SUCH_PEER, `There is no BGPPeer ${JSON.stringify(peer)}.`, {
    field: 'BGPPEER',
    ...(names.length === 0 ? {} : { fix: `Use one of: ${names.join(', ')}.` }),
  })
}

export const PEERS: Listing<PeerRow> = {
  field: 'sessions',
  keyOf: ({ namespace, peer, node }) => JSON.stringify([namespace, peer, node]),
  empty: 'No BGP peers. A BGPPeer says which router nodes speak with: `kubectl explain bgppeer.spec` lists what it takes.',
  columns: [
    { title: 'NAMESPACE', cell: ({ namespace }) => namespace, wide: true },
    { title: 'PEER', cell: ({ peer }) => peer },
    { title: 'NODE', cell: ({ node }) => node },
    { title: 'ADDRESS', cell: ({ address }) => address },
    { title: 'ASN', cell: ({ asn }) => asn },
    { title: 'LOCAL-ADDRESS', cell: ({ localAddress }) => localAddress, wide: true },
    { title: 'LOCAL-ASN', cell: ({ localAsn }) => localAsn, wide: true },
    { title: 'STATE', cell: stateText, tone: ({ health }) => health },
    { title: 'BFD', cell: ({ bfd }) => (bfd === 'None' ? '' : bfd) },
    { title: 'FAMILIES', cell: ({ families }) => families.join(','), wide: true },
    { title: 'SENT', cell: count(({ routesSent }) => routesSent) },
    { title: 'ACCEPTED', cell: count(({ routesAccepted }) => routesAccepted) },
    { title: 'REFUSED', cell: count(({ routesRejected }) => routesRejected), wide: true },
    { title: 'RESTART', cell: ({ gracefulRestart }) => (gracefulRestart ? 'graceful' : ''), wide: true },
    { title: 'SINCE', cell: ({ changedAt }, nowInMs) => ageOf(changedAt, nowInMs) },
    { title: 'REASON', cell: ({ reason }) => reason, wide: true },
  ],
}

function stateText({ health, state, draining }: PeerRow): string {
  return `${SIGNS[health]} ${state}${draining ? ', draining' : ''}`
}

/** Nothing was counted where nothing was reported. */
function count(of: (row: PeerRow) => number): (row: PeerRow) => string {
  return (row) => (row.state === 'None' ? '' : String(of(row)))
}
