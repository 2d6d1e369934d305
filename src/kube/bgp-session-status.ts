/** BGPSessionStatus: what the agent of a node reports of its session with one peer. Written there, read by whoever shows BGP. */
import type { Condition as Said, SessionReport } from '../model/session-report.ts'
import type { Converted } from './converted.ts'
import type { Resource } from './resource.ts'
import type { Condition, KubeObject } from './types.ts'

/** Source: deploy/crds/fairway.dev_bgpsessionstatuses.yaml. */
export interface BGPSessionStatus extends KubeObject {
  readonly spec?: { readonly node?: string; readonly peer?: string }
  readonly status?: {
    readonly peerAddress?: string
    readonly localAddress?: string
    readonly localASN?: number
    readonly peerASN?: number
    readonly state?: string
    readonly bfd?: string
    readonly families?: readonly string[]
    readonly routesSent?: number
    readonly routesAccepted?: number
    readonly routesRejected?: number
    readonly gracefulRestart?: boolean
    readonly draining?: boolean
    readonly changedAt?: string
    readonly lastError?: string
    readonly conditions?: readonly Condition[]
  }
}

export const BGP_SESSION_STATUSES: Resource<BGPSessionStatus> = {
  group: 'fairway.dev',
  version: 'v1alpha1',
  plural: 'bgpsessionstatuses',
  kind: 'BGPSessionStatus',
  namespaced: false,
}

/** An object whose status was not written yet is a session of which nothing is known. */
export function convertSessionStatus(raw: BGPSessionStatus): Converted<SessionReport> {
  const { node = '', peer = '' } = raw.spec ?? {}
  const status = raw.status ?? {}
  if (node === '' || peer === '') return { findings: [] }
  const value: SessionReport = {
    node,
    peer,
    peerAddress: status.peerAddress ?? '',
    peerAs: status.peerASN ?? 0,
    localAddress: status.localAddress ?? '',
    localAs: status.localASN ?? 0,
    state: status.state ?? '',
    bfd: status.bfd ?? 'None',
    families: status.families ?? [],
    routesSent: status.routesSent ?? 0,
    routesAccepted: status.routesAccepted ?? 0,
    routesRejected: status.routesRejected ?? 0,
    gracefulRestart: status.gracefulRestart ?? false,
    draining: status.draining ?? false,
    changedAt: status.changedAt ?? '',
    lastError: status.lastError ?? '',
    conditions: convertConditions(status.conditions),
  }
  return { value, findings: [] }
}

export function convertConditions(raw: readonly Condition[] | undefined): readonly Said[] {
  return (raw ?? []).map(({ type, status, reason = '', message = '' }) => ({ type, holds: status === 'True', reason, message }))
}
