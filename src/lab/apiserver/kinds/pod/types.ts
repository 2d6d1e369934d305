import type { RawObject } from '../../kind.ts'

/** The parts of a Pod that rules look at. Fields are as decoded; what is not set is absent (or Go's zero value). */
export interface ContainerPort {
  name?: string
  containerPort?: number
  hostPort?: number
  hostIP?: string
  protocol?: string
}

export interface Handler {
  exec?: { command?: string[] }
  httpGet?: { path?: string; port?: number | string; scheme?: string; host?: string }
  tcpSocket?: { port?: number | string; host?: string }
  grpc?: { port?: number; service?: string }
  sleep?: { seconds?: number }
}

export interface Probe extends Handler {
  initialDelaySeconds?: number
  timeoutSeconds?: number
  periodSeconds?: number
  successThreshold?: number
  failureThreshold?: number
  terminationGracePeriodSeconds?: number
}

export interface EnvSource {
  fieldRef?: { apiVersion?: string; fieldPath?: string }
  resourceFieldRef?: { resource?: string }
  configMapKeyRef?: { name?: string; key?: string }
  secretKeyRef?: { name?: string; key?: string }
  fileKeyRef?: unknown
}

export interface Container {
  name?: string
  image?: string
  imagePullPolicy?: string
  ports?: ContainerPort[]
  env?: { name?: string; value?: string; valueFrom?: EnvSource }[]
  envFrom?: { prefix?: string; configMapRef?: { name?: string }; secretRef?: { name?: string } }[]
  resources?: { limits?: Record<string, string>; requests?: Record<string, string> }
  volumeMounts?: { name?: string; mountPath?: string; readOnly?: boolean }[]
  livenessProbe?: Probe
  readinessProbe?: Probe
  startupProbe?: Probe
  lifecycle?: { postStart?: Handler; preStop?: Handler }
  terminationMessagePath?: string
  terminationMessagePolicy?: string
  restartPolicy?: string
}

export interface Toleration {
  key?: string
  operator?: string
  value?: string
  effect?: string
  tolerationSeconds?: number
}

export interface Volume {
  name?: string
  [source: string]: unknown
}

export interface PodSpec {
  containers?: Container[]
  initContainers?: Container[]
  volumes?: Volume[]
  nodeName?: string
  nodeSelector?: Record<string, string>
  hostNetwork?: boolean
  restartPolicy?: string
  dnsPolicy?: string
  serviceAccountName?: string
  serviceAccount?: string
  schedulerName?: string
  hostname?: string
  subdomain?: string
  terminationGracePeriodSeconds?: number
  activeDeadlineSeconds?: number
  securityContext?: Record<string, unknown>
  enableServiceLinks?: boolean
  tolerations?: Toleration[]
  hostAliases?: { ip?: string; hostnames?: string[] }[]
  readinessGates?: { conditionType?: string }[]
  priority?: number
  preemptionPolicy?: string
  [other: string]: unknown
}

export interface ContainerState {
  waiting?: { reason?: string }
  running?: { startedAt?: string }
  terminated?: { reason?: string; exitCode?: number; signal?: number; finishedAt?: string }
}

export interface ContainerStatus {
  name?: string
  ready?: boolean
  started?: boolean
  restartCount?: number
  state?: ContainerState
  lastState?: ContainerState
}

export interface PodStatus {
  phase?: string
  reason?: string
  qosClass?: string
  podIP?: string
  podIPs?: { ip?: string }[]
  nominatedNodeName?: string
  conditions?: { type?: string; status?: string; reason?: string; lastProbeTime?: string | null }[]
  containerStatuses?: ContainerStatus[]
  initContainerStatuses?: ContainerStatus[]
}

export function specOf(pod: RawObject): PodSpec {
  pod.spec ??= {}
  return pod.spec as PodSpec
}

export const statusOf = (pod: RawObject): PodStatus => (pod.status ?? {}) as PodStatus

/** Init containers, then containers, each with its path in the spec. */
export function containersOf(spec: PodSpec): readonly (readonly [string, Container])[] {
  return (['initContainers', 'containers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, index) => [`spec.${list}[${index}]`, container] as const),
  )
}
