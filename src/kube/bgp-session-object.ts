/** BGPSessionStatus as the agent of a node writes it. */
import { createHash } from 'node:crypto'
import type { SessionReport } from '../model/session-report.ts'
import type { BGPSessionStatus } from './bgp-session-status.ts'

/** The most that a name of the API may have. */
const LONGEST_NAME = 253
const HASH_LENGTH = 10

/**
 * The name of the object of one node and peer: `NODE--PEER`. One that is too long, or whose peer has a `/`, is shortened and ends in a hash, so that no two are the same.
 */
export function sessionStatusName(node: string, peer: string): string {
  const plain = `${node}--${peer.replaceAll('/', '.')}`
  if (plain.length <= LONGEST_NAME && !peer.includes('/')) return plain
  const hash = createHash('sha256').update(`${node} ${peer}`).digest('hex').slice(0, HASH_LENGTH)
  return `${plain.slice(0, LONGEST_NAME - HASH_LENGTH - 1).replace(/[^a-z0-9]+$/, '')}-${hash}`
}

/** The object without its status; it goes when its node goes. `nodeUid` '' when that is not known. */
export function sessionStatusObject(node: string, peer: string, nodeUid: string): BGPSessionStatus {
  const owner = { apiVersion: 'v1', kind: 'Node', name: node, uid: nodeUid }
  return {
    metadata: { name: sessionStatusName(node, peer), ...(nodeUid === '' ? {} : { ownerReferences: [owner] }) },
    spec: { node, peer },
  }
}

/** The whole status as a merge patch: what nothing is known of is null, so that nothing old stays. */
export function sessionStatusPatch(report: SessionReport): { readonly status: Readonly<Record<string, unknown>> } {
  const said = (value: string | number) => (value === '' || value === 0 ? null : value)
  return {
    status: {
      peerAddress: said(report.peerAddress),
      peerASN: said(report.peerAs),
      localAddress: said(report.localAddress),
      localASN: said(report.localAs),
      state: report.state,
      bfd: report.bfd,
      families: report.families,
      routesSent: report.routesSent,
      routesAccepted: report.routesAccepted,
      routesRejected: report.routesRejected,
      gracefulRestart: report.gracefulRestart,
      draining: report.draining,
      changedAt: said(report.changedAt),
      lastError: said(report.lastError),
      conditions: report.conditions.map(({ type, holds, reason, message }) => ({
        ...{ type, status: holds ? 'True' : 'False', reason, message, lastTransitionTime: report.changedAt },
      })),
    },
  }
}
