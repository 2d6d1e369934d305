/** Which nodes speak BGP with which peers, and what stands in the way where they do not. */
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import type { PeerOutline, SessionReport } from '../model/session-report.ts'
import type { Node, NodeName, ObjectKey } from '../model/world.ts'
import { anyChooses } from '../plan/selector.ts'
import { peerFindings } from './bgp-peer-findings.ts'
import type { Health, PeerProblem, PeerRow } from './bgp-peer-row.ts'
import { foundOnce } from './found-once.ts'
import { byNames } from './order.ts'
import { PlannedSessions } from './planned-sessions.ts'

export interface BgpPeersInput {
  readonly peers: ReadonlyMap<ObjectKey, PeerOutline>
  readonly reports: ReadonlyMap<string, SessionReport>
  readonly nodes: ReadonlyMap<NodeName, Node>
  readonly bfdProfiles: BgpConfig['bfdProfiles']
}

export interface BgpPeersView {
  readonly rows: readonly PeerRow[]
  readonly findings: readonly Finding[]
}

/**
 * Joins what is asked for (peers) with what is reported (sessions).
 *
 * Shape:    a row for each peer and node that it chooses, one without a node when it chooses none, and one for each report that no peer asks for.
 * Order:    by peer, namespace and node, numbers by their value; that of the input never matters.
 * Filter:   `isAsked` leaves rows out, and their findings.
 * Findings: one for each cause and peer, whatever the number of nodes.
 */
export function bgpPeers(input: BgpPeersInput, isAsked: (row: PeerRow) => boolean = () => true): BgpPeersView {
  const reports = new Reports(input.reports.values())
  const usable = new Map([...input.peers.values()].flatMap(({ usable: peer }) => (peer === undefined ? [] : [[peer.key, peer]])))
  const plans = [...input.nodes.values()].map((node) => ({
    node,
    plan: new PlannedSessions(node, { peers: usable, bfdProfiles: input.bfdProfiles }),
  }))
  const wanted = [...input.peers.values()].flatMap((peer) => rowsOfPeer(peer, plans, reports))
  const orphans = reports.left().map((report) => orphanRow(report, input))
  const rows = [...wanted, ...orphans].filter(isAsked).toSorted(byNames(({ peer, namespace, node }) => [peer, namespace, node]))
  const shown = new Set(rows.map(({ namespace, peer }) => (namespace === '' ? peer : `${namespace}/${peer}`)))
  const written = [...input.peers.values()]
    .filter(({ key }) => shown.has(key))
    .flatMap(({ findings, usable: peer }) => [
      ...findings,
      ...(peer === undefined ? [] : plans.flatMap(({ plan }) => plan.findingsOf(peer))),
    ])
  return { rows, findings: [...foundOnce(written), ...peerFindings(rows)] }
}

/** Reports by whose they are, each taken once. A report names its peer with or without the namespace. */
class Reports {
  readonly #left: Map<string, SessionReport>

  constructor(reports: Iterable<SessionReport>) {
    this.#left = new Map([...reports].map((report) => [JSON.stringify([report.peer, report.node]), report]))
  }

  take(peer: PeerOutline, node: NodeName): SessionReport | undefined {
    for (const name of [peer.key, peer.name]) {
      const key = JSON.stringify([name, node])
      const report = this.#left.get(key)
      if (report === undefined) continue
      this.#left.delete(key)
      return report
    }
    return undefined
  }

  left(): readonly SessionReport[] {
    return [...this.#left.values()]
  }
}

interface NodePlan {
  readonly node: Node
  readonly plan: PlannedSessions
}

function rowsOfPeer(peer: PeerOutline, plans: readonly NodePlan[], reports: Reports): readonly PeerRow[] {
  const base = emptyRow(peer)
  const { usable } = peer
  if (usable === undefined)
    return [{ ...base, problem: 'unusable', reason: peer.findings.map(({ message }) => message).join(' ') }]
  const chosen = plans.filter(({ node }) => anyChooses(peer.nodes, node.labels))
  if (chosen.length === 0) return [{ ...base, problem: 'without-node', reason: 'its nodeSelectors choose no node' }]
  return chosen.map(({ node, plan }) => {
    const report = reports.take(peer, node.name)
    if (report === undefined) return { ...base, node: node.name, ...missing(peer, node, plan.refusalOf(usable)) }
    return { ...reported(report, node.ready ? '' : 'its node is not Ready'), ...ofAuthor(peer, report) }
  })
}

function emptyRow(peer: PeerOutline): PeerRow {
  return {
    peer: peer.name,
    namespace: peer.namespace,
    node: '',
    address: peer.address,
    asn: peer.asn,
    localAddress: '',
    localAsn: '',
    state: 'None',
    health: 'bad',
    problem: '',
    reason: '',
    bfd: 'None',
    families: [],
    routesSent: 0,
    routesAccepted: 0,
    routesRejected: 0,
    gracefulRestart: false,
    draining: false,
    changedAt: '',
    conditions: peer.conditions,
  }
}

/** Why there is no report, from what is known without asking the node. */
function missing(peer: PeerOutline, node: Node, refusal: string): Pick<PeerRow, 'problem' | 'reason'> {
  if (refusal !== '') return { problem: 'unusable', reason: refusal }
  const said = peer.conditions.find(({ type, holds }) => type === 'Accepted' && !holds)
  if (said !== undefined) return { problem: 'refused', reason: said.message || said.reason }
  if (!node.ready) return { problem: 'unreported', reason: 'the node is not Ready' }
  return { problem: 'unreported', reason: 'no agent reports it' }
}

/** What the author wrote stands where the report says nothing. */
function ofAuthor(peer: PeerOutline, report: SessionReport): Pick<PeerRow, 'peer' | 'namespace' | 'address' | 'asn'> {
  return {
    peer: peer.name,
    namespace: peer.namespace,
    address: report.peerAddress || peer.address,
    asn: report.peerAs === 0 ? peer.asn : String(report.peerAs),
  }
}

function orphanRow(report: SessionReport, { nodes, peers }: BgpPeersInput): PeerRow {
  const peer = [...peers.values()].find(({ key, name }) => report.peer === key || report.peer === name)
  const [name = '', namespace = ''] = report.peer.split('/').toReversed()
  const names = { peer: name, namespace: peer?.namespace ?? namespace }
  if (!nodes.has(report.node)) return { ...reported(report, 'its node is gone'), ...names }
  const reason =
    peer === undefined
      ? 'its BGPPeer is gone'
      : `its BGPPeer ${peer.usable !== undefined ? 'does not choose this node' : 'cannot be used as it is now'}`
  return { ...reported(report, ''), ...names, health: 'doubtful', problem: 'orphaned', reason }
}

const PROBLEMS: Readonly<Record<Health, PeerProblem>> = {
  doubtful: 'stale',
  off: '',
  bad: 'down',
  degraded: 'unwatched',
  good: '',
}

/** `doubt` is why the report may be old; '' when it is not. */
function reported(report: SessionReport, doubt: string): PeerRow {
  const { conditions, lastError } = report
  const established = report.state === 'Established'
  const off = report.state === 'Closed' || report.draining
  const watched = report.bfd === 'None' || report.bfd === 'Up'
  const health = doubt !== '' ? 'doubtful' : off ? 'off' : !established ? 'bad' : watched ? 'good' : 'degraded'
  const problem = PROBLEMS[health]
  const reason = { doubtful: doubt, off: '', bad: lastError, degraded: `BFD is ${report.bfd}`, good: '' }[health]
  return {
    peer: report.peer,
    namespace: '',
    node: report.node,
    address: report.peerAddress,
    asn: asnText(report.peerAs),
    localAddress: report.localAddress,
    localAsn: asnText(report.localAs),
    state: report.state || 'None',
    health,
    problem,
    reason,
    bfd: report.bfd,
    families: report.families,
    routesSent: report.routesSent,
    routesAccepted: report.routesAccepted,
    routesRejected: report.routesRejected,
    gracefulRestart: report.gracefulRestart,
    draining: report.draining,
    changedAt: report.changedAt,
    conditions,
  }
}

function asnText(asn: number): string {
  return asn === 0 ? '' : String(asn)
}
