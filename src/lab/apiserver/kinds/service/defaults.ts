import type { RawObject } from '../../kind.ts'
import { unset } from '../check.ts'
import { externallyAccessible, ingressOf, needsClusterIP, type ServiceSpec, specOf } from './types.ts'

const AFFINITY_IN_SECONDS = 10_800

/** Defaults of a Service that follow from the object alone. Source: kubernetes pkg/apis/core/v1/defaults.go. */
export function serviceDefaults(service: RawObject): void {
  const spec = specOf(service)
  dropZeroValues(spec)
  spec.type ??= 'ClusterIP'
  spec.sessionAffinity ??= 'None'
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig
  if (spec.sessionAffinity === 'ClientIP' && spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined)
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: AFFINITY_IN_SECONDS } }
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP'
    port.targetPort ||= port.port ?? 0
    if (unset(port.nodePort)) delete port.nodePort
    if (unset(port.name)) delete port.name
  }
  if (externallyAccessible(spec)) spec.externalTrafficPolicy ??= 'Cluster'
  if (needsClusterIP(spec)) spec.internalTrafficPolicy ??= 'Cluster'
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true
  for (const ingress of ingressOf(service)) if (!unset(ingress.ip)) ingress.ipMode ??= 'VIP'
  service.status ??= {}
  const status = service.status as { loadBalancer?: unknown }
  status.loadBalancer ??= {}
}

const ZERO_IS_ABSENT = [
  ...(['type', 'clusterIP', 'sessionAffinity', 'externalName', 'externalTrafficPolicy', 'loadBalancerIP'] as const),
  ...(['healthCheckNodePort', 'publishNotReadyAddresses'] as const),
]

function dropZeroValues(spec: ServiceSpec): void {
  const fields = spec as Record<string, unknown>
  for (const field of ZERO_IS_ABSENT) if (unset(fields[field])) delete fields[field]
}
