/** Findings that the owner of an Ingress must act on, told as Events on it: by all gateways alike, so as one. */
import type { KubeClient } from '../kube/client.ts'
import { createEventRecorder } from '../kube/events.ts'
import { INGRESSES } from '../kube/resource.ts'
import type { Finding } from '../model/code.ts'
import type { ObjectKey } from '../model/world.ts'
import type { IngressHead } from './ingress-world.ts'

const SUBJECT = 'ingress/'

/** Returns what tells of one finding: at once, and without failing. The first Ingress among its subjects is who must act. */
export function ingressEvents(client: KubeClient, heads: ReadonlyMap<ObjectKey, IngressHead>): (finding: Finding) => void {
  const recorder = createEventRecorder({ client, component: 'fairway-gateway', shared: true })
  return ({ code, subjects, message, fix }) => {
    const subject = subjects.find((one) => one.startsWith(SUBJECT))
    const head = subject === undefined ? undefined : heads.get(subject.slice(SUBJECT.length))
    if (head === undefined) return
    const about = { ...head, apiVersion: `${INGRESSES.group}/${INGRESSES.version}`, kind: INGRESSES.kind }
    recorder.event(
      about,
      code.severity === 'info' ? 'Normal' : 'Warning',
      reasonOf(code.name),
      `${message} ${fix} (${code.code})`,
    )
  }
}

/** `INGRESS_SERVICE_MISSING` is `IngressServiceMissing`. */
function reasonOf(name: string): string {
  return name.replaceAll(/([A-Z])([A-Z]*)_?/g, (_, first: string, rest: string) => first + rest.toLowerCase())
}
