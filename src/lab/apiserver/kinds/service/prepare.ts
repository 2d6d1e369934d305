import type { RawObject } from '../../kind.ts'
import { sameJson, unset } from '../check.ts'
import {
  externallyAccessible,
  mayHaveNodePort,
  needsClusterIP,
  needsHealthCheck,
  needsNodePort,
  type ServiceSpec,
  specOf,
} from './types.ts'

/**
 * Brings a written Service in line with the stored one: what the server once chose comes back where the writer left it out, what
 * a change of type made pointless goes, and clusterIP and clusterIPs agree.
 *
 * Source: kubernetes pkg/registry/core/service (strategy.go, storage.go).
 */
export function prepareService(service: RawObject, old: RawObject | undefined): void {
  const spec = specOf(service)
  if (old === undefined) {
    service.status = { loadBalancer: {} }
  } else {
    const before = specOf(old)
    dropPointless(spec, before)
    keepAllocated(spec, before)
    if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer')
      service.status = { ...(service.status as object), loadBalancer: {} }
  }
  agreeOnClusterIPs(spec, old === undefined ? undefined : specOf(old))
}

/** Fields that one type needs and another does not: gone when the need is, unless the writer changed them in the same write. */
const BOUND_TO_TYPE: readonly {
  readonly fields: readonly (keyof ServiceSpec)[]
  readonly needed: (spec: ServiceSpec) => boolean
}[] = [
  { fields: ['ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy'], needed: needsClusterIP },
  { fields: ['healthCheckNodePort'], needed: needsHealthCheck },
  { fields: ['allocateLoadBalancerNodePorts', 'loadBalancerClass'], needed: (spec) => spec.type === 'LoadBalancer' },
  { fields: ['externalTrafficPolicy'], needed: externallyAccessible },
]

function dropPointless(spec: ServiceSpec, before: ServiceSpec): void {
  for (const { fields, needed } of BOUND_TO_TYPE) {
    if (!needed(before) || needed(spec)) continue
    for (const field of fields) if (sameJson(spec[field], before[field])) delete spec[field]
  }
  if (
    needsClusterIP(before) &&
    !needsClusterIP(spec) &&
    spec.clusterIP === before.clusterIP &&
    sameJson(spec.clusterIPs, before.clusterIPs)
  ) {
    delete spec.clusterIP
    delete spec.clusterIPs
  }
  const nodePorts = (of: ServiceSpec): unknown => (of.ports ?? []).map((port) => port.nodePort ?? 0)
  if (mayHaveNodePort(before) && !mayHaveNodePort(spec) && sameJson(nodePorts(spec), nodePorts(before)))
    for (const port of spec.ports ?? []) delete port.nodePort
}

function keepAllocated(spec: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIP(before) && needsClusterIP(spec)) {
    if (unset(spec.clusterIP) && before.clusterIP !== undefined && sameOrNone(spec.clusterIPs, before.clusterIPs))
      spec.clusterIP = before.clusterIP
    if (spec.clusterIPs === undefined && before.clusterIPs !== undefined && spec.clusterIP === before.clusterIP)
      spec.clusterIPs = [...before.clusterIPs]
  }
  if (needsNodePort(before) && needsNodePort(spec)) keepNodePorts(spec, before)
  if (needsHealthCheck(before) && needsHealthCheck(spec) && before.healthCheckNodePort !== undefined)
    spec.healthCheckNodePort ??= before.healthCheckNodePort
}

const sameOrNone = (after: unknown, before: unknown): boolean => after === undefined || sameJson(after, before)

/** By the port's name, as the writer may have changed all else of it. */
function keepNodePorts(spec: ServiceSpec, before: ServiceSpec): void {
  const old = new Map((before.ports ?? []).map((port) => [port.name ?? '', port.nodePort ?? 0]))
  const used = new Set((spec.ports ?? []).map((port) => port.nodePort ?? 0))
  for (const port of spec.ports ?? []) {
    const nodePort = old.get(port.name ?? '') ?? 0
    if (!unset(port.nodePort) || nodePort === 0 || used.has(nodePort)) continue
    port.nodePort = nodePort
    used.add(nodePort)
  }
}

/** clusterIP is what old clients write, clusterIPs what new ones do: the one that changed decides. */
function agreeOnClusterIPs(spec: ServiceSpec, before: ServiceSpec | undefined): void {
  if (unset(spec.clusterIP)) {
    if (before !== undefined && !unset(before.clusterIP) && sameJson(spec.clusterIPs, before.clusterIPs)) delete spec.clusterIPs
  } else if (
    spec.clusterIPs === undefined ||
    (before !== undefined && spec.clusterIP !== before.clusterIP && sameJson(spec.clusterIPs, before.clusterIPs))
  ) {
    spec.clusterIPs = [spec.clusterIP ?? '']
  }
}
