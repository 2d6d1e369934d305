/** BGPPeers for who shows them, usable or not. */
import type { PeerOutline } from '../model/session-report.ts'
import { convertBgpPeer } from './bgp-peer.ts'
import { convertConditions } from './bgp-session-status.ts'
import type { Converted } from './converted.ts'
import { keyOf } from './resource.ts'
import type { SettingsObject } from './settings.ts'
import type { Condition } from './types.ts'

/** What is wrong with a peer stays with it, so that it is told of the peers that were asked for alone. */
export function convertPeerOutline(raw: SettingsObject): Converted<PeerOutline> {
  const { value: peer, findings } = convertBgpPeer(raw)
  const outline: PeerOutline = {
    key: keyOf(raw),
    namespace: raw.metadata.namespace ?? '',
    name: raw.metadata.name ?? '',
    address: peer?.peerAddress || peer?.interface || '',
    asn: peer === undefined ? '' : String(peer.peerAs),
    nodes: peer?.nodes ?? [],
    ...(peer === undefined ? {} : { usable: peer }),
    findings,
    conditions: convertConditions(conditionsOf(raw)),
  }
  return { value: outline, findings: [] }
}

/** Whatever stands in the status of an object. */
export function conditionsOf(raw: SettingsObject): readonly Condition[] {
  const { conditions } = (raw as { readonly status?: { readonly conditions?: unknown } }).status ?? {}
  return Array.isArray(conditions) ? conditions.filter((one) => typeof one === 'object' && one !== null) : []
}
