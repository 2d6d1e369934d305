import type { RawObject } from '../../kind.ts'

/** The parts of a Service that rules look at. Fields are as decoded; what is not set is absent (or Go's zero value). */
export interface ServicePort {
  name?: string
  protocol?: string
  port?: number
  targetPort?: number | string
  nodePort?: number
  appProtocol?: string
}

export interface ServiceSpec {
  type?: string
  clusterIP?: string
  clusterIPs?: string[]
  ipFamilies?: string[]
  ipFamilyPolicy?: string
  ports?: ServicePort[]
  selector?: Record<string, string>
  sessionAffinity?: string
  sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } }
  externalIPs?: string[]
  externalName?: string
  externalTrafficPolicy?: string
  internalTrafficPolicy?: string
  healthCheckNodePort?: number
  allocateLoadBalancerNodePorts?: boolean
  loadBalancerClass?: string
  loadBalancerIP?: string
  loadBalancerSourceRanges?: string[]
  trafficDistribution?: string
}

export interface LoadBalancerIngress {
  ip?: string
  hostname?: string
  ipMode?: string
}

export const HEADLESS = 'None'

/** The spec of a stored or decoded Service; made when absent, so that defaults have somewhere to stand. */
export function specOf(service: RawObject): ServiceSpec {
  service.spec ??= {}
  return service.spec as ServiceSpec
}

/** Addresses that a load balancer reported. */
export function ingressOf(service: RawObject): LoadBalancerIngress[] {
  return (service.status as { loadBalancer?: { ingress?: LoadBalancerIngress[] } } | undefined)?.loadBalancer?.ingress ?? []
}

export const needsClusterIP = (spec: ServiceSpec): boolean => spec.type !== 'ExternalName'
export const needsNodePort = (spec: ServiceSpec): boolean =>
  spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)
export const mayHaveNodePort = (spec: ServiceSpec): boolean => spec.type === 'NodePort' || spec.type === 'LoadBalancer'
export const isHeadless = (spec: ServiceSpec): boolean => spec.clusterIP === HEADLESS
export const externallyAccessible = (spec: ServiceSpec): boolean =>
  mayHaveNodePort(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0)
export const needsHealthCheck = (spec: ServiceSpec): boolean =>
  spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'
