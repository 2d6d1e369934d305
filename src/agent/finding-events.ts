/** Findings that the owner of an object must act on, told as Events on that object. */
import type { KubeClient } from '../kube/client.ts'
import { createEventRecorder } from '../kube/events.ts'
import { NODES, PODS, type Resource, SERVICES } from '../kube/resource.ts'
import type { KubeObject } from '../kube/types.ts'
import { logger } from '../log/log.ts'
import type { Finding } from '../model/code.ts'
import { AGENT_HEALTH_PORT_TAKEN, AGENT_OTHER_PROXY } from '../model/codes/agent.ts'
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
])
/** What every agent finds alike, since it follows from the object and the agents' flags: one Event for all of them. */
const SHARED_REASONS: ReadonlyMap<string, string> = new Map([
  [EXTERNAL_IP_NOT_ALLOWED.code, 'ExternalIPNotAllowed'],
  [SERVICE_RANGES_ONE_FAMILY.code, 'SourceRangesOneFamily'],
  [SERVICE_FAMILY_MISSING.code, 'FamilyNotServed'],
])
const RESOURCES: Readonly<Record<string, Resource<KubeObject>>> = { pod: PODS, service: SERVICES, node: NODES }
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
