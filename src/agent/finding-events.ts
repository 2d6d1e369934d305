/** Findings that the owner of an object must act on, told as Events on that object. */

import { BGP_PEERS, BGP_ROUTE_IMPORTS, POD_ROUTE_ADVERTISEMENTS } from '../kube/bgp-resources.ts'
import type { KubeClient } from '../kube/client.ts'
import { createEventRecorder } from '../kube/events.ts'
import { FLOATING_ADDRESSES } from '../kube/load-balancer-resources.ts'
import { NODES, PODS, type Resource, SERVICES } from '../kube/resource.ts'
import type { KubeObject } from '../kube/types.ts'
import { logger } from '../log/log.ts'
import type { Finding } from '../model/code.ts'
import { AGENT_HEALTH_PORT_TAKEN, AGENT_OTHER_PROXY } from '../model/codes/agent.ts'
import {
  BGP_AS_MISMATCH,
  BGP_CONFIG_REFUSED,
  BGP_DAEMON_DIED,
  BGP_DAEMON_HUNG,
  BGP_DAEMON_NOT_STARTED,
  BGP_ENTRY_INVALID,
  BGP_PASSWORD_SUSPECT,
  BGP_PORT_TAKEN,
  BGP_SESSION_DOWN,
} from '../model/codes/bgp.ts'
import {
  BGP_AGGREGATE_TOO_WIDE,
  BGP_BFD_PROFILE_MISSING,
  BGP_COMMUNITY_UNKNOWN,
  BGP_NO_POD_RANGE,
  BGP_PEER_TWICE,
  BGP_PEER_UNKNOWN,
  BGP_ROUTER_ID_DIFFERS,
  BGP_SECRET_MISSING,
} from '../model/codes/bgp-plan.ts'
import { BGP_IMPORT_SHADOWED, BGP_NO_ROUTE_BACK, BGP_STRICT_REVERSE_PATH } from '../model/codes/bgp-return.ts'
import { L2_ADDRESS_CLAIMED, L2_NOBODY_ANNOUNCES } from '../model/codes/l2-plan.ts'
import {
  EXTERNAL_IP_NOT_ALLOWED,
  HOST_PORT_IPV6_LOOPBACK,
  HOST_PORT_SERVED_BY_CNI,
  PORT_CLASH,
  SERVICE_FAMILY_MISSING,
  SERVICE_RANGES_ONE_FAMILY,
} from '../model/codes/ports.ts'

/** Which findings, and under which reason. The others come and go with every rollout, and on every node. */
const REASONS: ReadonlyMap<string, string> = new Map([
  [PORT_CLASH.code, 'PortClash'],
  [HOST_PORT_IPV6_LOOPBACK.code, 'HostPortNotServed'],
  [HOST_PORT_SERVED_BY_CNI.code, 'HostPortServedElsewhere'],
  [AGENT_OTHER_PROXY.code, 'ServiceProxyYields'],
  [AGENT_HEALTH_PORT_TAKEN.code, 'HealthPortTaken'],
  [BGP_SESSION_DOWN.code, 'SessionNotEstablished'],
  [BGP_PASSWORD_SUSPECT.code, 'PasswordsDiffer'],
  [BGP_AS_MISMATCH.code, 'ASNumbersDiffer'],
  [BGP_PORT_TAKEN.code, 'BGPPortTaken'],
  [BGP_CONFIG_REFUSED.code, 'ConfigRefused'],
  [BGP_DAEMON_NOT_STARTED.code, 'BIRDNotStarted'],
  [BGP_DAEMON_DIED.code, 'BIRDDied'],
  [BGP_DAEMON_HUNG.code, 'BIRDHung'],
  [BGP_AGGREGATE_TOO_WIDE.code, 'AggregateTooWide'],
  [BGP_NO_POD_RANGE.code, 'NoPodRange'],
  [BGP_NO_ROUTE_BACK.code, 'NoRouteBack'],
  [BGP_IMPORT_SHADOWED.code, 'ImportNotUsed'],
  [BGP_STRICT_REVERSE_PATH.code, 'StrictReversePath'],
  [L2_ADDRESS_CLAIMED.code, 'AddressClaimedByAnother'],
])
/** What every agent finds alike, since it follows from the object and the agents' flags: one Event for all of them. */
const SHARED_REASONS: ReadonlyMap<string, string> = new Map([
  [EXTERNAL_IP_NOT_ALLOWED.code, 'ExternalIPNotAllowed'],
  [SERVICE_RANGES_ONE_FAMILY.code, 'SourceRangesOneFamily'],
  [SERVICE_FAMILY_MISSING.code, 'FamilyNotServed'],
  [BGP_ENTRY_INVALID.code, 'Invalid'],
  [BGP_SECRET_MISSING.code, 'SecretMissing'],
  [BGP_BFD_PROFILE_MISSING.code, 'BFDProfileMissing'],
  [BGP_PEER_TWICE.code, 'PeerTwice'],
  [BGP_PEER_UNKNOWN.code, 'PeerUnknown'],
  [BGP_COMMUNITY_UNKNOWN.code, 'CommunityUnknown'],
  [BGP_ROUTER_ID_DIFFERS.code, 'RouterIDDiffers'],
  [L2_NOBODY_ANNOUNCES.code, 'NotAnnounced'],
])
const RESOURCES: Readonly<Record<string, Resource<KubeObject>>> = {
  pod: PODS,
  service: SERVICES,
  node: NODES,
  floatingaddress: FLOATING_ADDRESSES,
  bgppeer: BGP_PEERS,
  podrouteadvertisement: POD_ROUTE_ADVERTISEMENTS,
  bgprouteimport: BGP_ROUTE_IMPORTS,
}
const log = logger('agent')

/** Returns what tells of one finding: at once, without waiting, and without failing. */
export function findingEvents(client: KubeClient, node: string): (finding: Finding) => void {
  const own = createEventRecorder({ client, component: 'fairway-agent', host: node })
  const shared = createEventRecorder({ client, component: 'fairway-agent', shared: true })
  return (finding) => {
    const sharedReason = SHARED_REASONS.get(finding.code.code)
    const recorder = sharedReason === undefined ? own : shared
    const reason = sharedReason ?? REASONS.get(finding.code.code)
    if (reason === undefined) return
    for (const subject of finding.subjects) {
      const [kind = '', ...path] = subject.split('/')
      const [name = '', namespace] = path.toReversed()
      const resource = RESOURCES[kind]
      if (resource === undefined || name === '') continue
      // `kubectl describe` finds Events by uid, which only the object knows
      client.get(resource, { namespace, name }).then(
        (object) =>
          recorder.event(
            object,
            finding.code.severity === 'info' ? 'Normal' : 'Warning',
            reason,
            `${finding.message} ${finding.fix} (${finding.code.code})`,
          ),
        (err: unknown) => log.debug({ err, subject }, 'no Event: the object cannot be read'),
      )
    }
  }
}
