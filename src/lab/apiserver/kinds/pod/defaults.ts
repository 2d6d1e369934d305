import type { RawObject } from '../../kind.ts'
import { type Container, containersOf, type Handler, type PodSpec, type Probe, specOf, statusOf, type Volume } from './types.ts'

const FILE_MODE = 0o644
const GRACE_PERIOD_IN_SECONDS = 30
const EVICTION_IN_SECONDS = 300

/**
 * Defaults of a Pod, with what admission adds to every pod alike (name of the service account, tolerations, priority).
 *
 * Source: kubernetes pkg/apis/core/v1/defaults.go; plugin/pkg/admission.
 */
export function podDefaults(pod: RawObject): void {
  const spec = specOf(pod)
  podSpecDefaults(spec)
  spec.serviceAccountName ||= spec.serviceAccount || 'default'
  spec.serviceAccount = spec.serviceAccountName
  spec.enableServiceLinks ??= true
  spec.priority ??= 0
  spec.preemptionPolicy ??= 'PreemptLowerPriority'
  tolerateForAWhile(spec)
  if (spec.hostNetwork)
    for (const [, container] of containersOf(spec))
      for (const port of container.ports ?? []) port.hostPort ||= port.containerPort ?? 0
  pod.status ??= {}
  // Go writes this time also when there is none.
  for (const condition of statusOf(pod).conditions ?? []) condition.lastProbeTime ??= null
}

/** Defaults that a pod and a pod template share. */
export function podSpecDefaults(spec: PodSpec): void {
  spec.restartPolicy ||= 'Always'
  spec.terminationGracePeriodSeconds ??= GRACE_PERIOD_IN_SECONDS
  spec.dnsPolicy ||= 'ClusterFirst'
  spec.securityContext ??= {}
  spec.schedulerName ||= 'default-scheduler'
  if (spec.hostNetwork === false) delete spec.hostNetwork
  for (const volume of spec.volumes ?? []) volumeDefaults(volume)
  for (const [, container] of containersOf(spec)) containerDefaults(container)
}

function containerDefaults(container: Container): void {
  container.imagePullPolicy ||= pullPolicy(container.image ?? '')
  container.terminationMessagePath ||= '/dev/termination-log'
  container.terminationMessagePolicy ||= 'File'
  container.resources ??= {}
  const { limits } = container.resources
  if (limits !== undefined) container.resources.requests = { ...limits, ...container.resources.requests }
  for (const port of container.ports ?? []) {
    port.protocol ||= 'TCP'
    if (!port.hostPort) delete port.hostPort
  }
  for (const env of container.env ?? []) if (env.valueFrom?.fieldRef !== undefined) env.valueFrom.fieldRef.apiVersion ??= 'v1'
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe])
    if (probe !== undefined) probeDefaults(probe)
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop])
    if (handler !== undefined) handlerDefaults(handler)
}

/** An image without a tag, or tagged `latest`, may change under its name. */
function pullPolicy(image: string): string {
  const [name = '', digest] = image.split('@')
  const tag = /:([^/:]+)$/.exec(name)?.[1]
  return tag === 'latest' || (tag === undefined && digest === undefined) ? 'Always' : 'IfNotPresent'
}

function probeDefaults(probe: Probe): void {
  handlerDefaults(probe)
  probe.timeoutSeconds ||= 1
  probe.periodSeconds ||= 10
  probe.successThreshold ||= 1
  probe.failureThreshold ||= 3
}

function handlerDefaults(handler: Handler): void {
  if (handler.httpGet !== undefined) {
    handler.httpGet.path ||= '/'
    handler.httpGet.scheme ||= 'HTTP'
  }
  if (handler.grpc !== undefined) handler.grpc.service ??= ''
}

function volumeDefaults(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {}
  for (const source of ['secret', 'configMap', 'projected', 'downwardAPI']) {
    const value = volume[source] as { defaultMode?: number } | undefined
    if (value !== undefined) value.defaultMode ??= FILE_MODE
  }
  const host = volume.hostPath as { type?: string } | undefined
  if (host !== undefined) host.type ??= ''
}

/** What the DefaultTolerationSeconds admission plugin adds. */
function tolerateForAWhile(spec: PodSpec): void {
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    const known = (spec.tolerations ?? []).some(
      (toleration) => (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === 'NoExecute'),
    )
    if (!known)
      spec.tolerations = [
        ...(spec.tolerations ?? []),
        { key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: EVICTION_IN_SECONDS },
      ]
  }
}

/** Quality of service: Guaranteed when limits and requests of all containers are equal, BestEffort when there are none. */
export function qosClass(spec: PodSpec): 'BestEffort' | 'Burstable' | 'Guaranteed' {
  const resources = containersOf(spec).map(([, container]) => container.resources ?? {})
  const counted = (map: Record<string, string> | undefined): readonly string[] =>
    ['cpu', 'memory'].filter((name) => (map?.[name] ?? '0') !== '0')
  if (resources.every(({ limits, requests }) => counted(limits).length === 0 && counted(requests).length === 0))
    return 'BestEffort'
  const guaranteed = resources.every(
    ({ limits, requests }) =>
      counted(limits).length === 2 && counted(limits).every((name) => limits?.[name] === requests?.[name]),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}
