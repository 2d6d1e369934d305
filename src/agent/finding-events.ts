/** Findings that the owner of an object must act on, told as Events on that object. */
import type { KubeClient } from '../kube/client.ts'
import { createEventRecorder } from '../kube/events.ts'
import { PODS, type Resource, SERVICES } from '../kube/resource.ts'
import type { KubeObject } from '../kube/types.ts'
import { logger } from '../log/log.ts'
import type { Finding } from '../model/code.ts'
import { HOST_PORT_IPV6_LOOPBACK, PORT_CLASH } from '../model/codes/ports.ts'

/** Which findings, and under which reason. The others come and go with every rollout, and on every node. */
const REASONS: ReadonlyMap<string, string> = new Map([
  [PORT_CLASH.code, 'PortClash'],
  [HOST_PORT_IPV6_LOOPBACK.code, 'HostPortNotServed'],
])
const RESOURCES: Readonly<Record<string, Resource<KubeObject>>> = { pod: PODS, service: SERVICES }
const log = logger('agent')

/** Returns what tells of one finding: at once, without waiting, and without failing. */
export function findingEvents(client: KubeClient, node: string): (finding: Finding) => void {
  const recorder = createEventRecorder({ client, component: 'fairway-agent', host: node })
  return (finding) => {
    const reason = REASONS.get(finding.code.code)
    if (reason === undefined) return
    for (const subject of finding.subjects) {
      const [kind = '', namespace = '', name = ''] = subject.split('/')
      const resource = RESOURCES[kind]
      if (resource === undefined || name === '') continue
      // `kubectl describe` finds Events by uid, which only the object knows
      client.get(resource, { namespace, name }).then(
        (object) => recorder.event(object, 'Warning', reason, `${finding.message} ${finding.fix} (${finding.code.code})`),
        (err: unknown) => log.debug({ err, subject }, 'no Event: the object cannot be read'),
      )
    }
  }
}
