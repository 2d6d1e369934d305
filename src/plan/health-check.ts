import type { Finding } from '../model/code.ts'
import type { EndpointSlice, Family, NodeName, ObjectKey, Service } from '../model/world.ts'
import { isCarried } from './backends.ts'
import { beatenBy, type Claim, clash, portSlot } from './claim.ts'
import type { ServiceNeighbours } from './neighbours.ts'

/** A port of the node on which load balancers ask whether a Service has endpoints here. */
export interface HealthCheck {
  readonly service: ObjectKey
  readonly port: number
  /** Ready endpoints on this node; those that terminate do not count, so that load balancers turn away in time. */
  readonly localEndpoints: number
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']

function claimOf(service: Service, family: Family): Claim {
  return {
    slot: portSlot(family, 'tcp', service.healthCheckNodePort),
    addresses: [],
    subject: `service/${service.key}`,
    claimedAtInMs: service.createdAtInMs,
    text: `healthCheckNodePort ${service.healthCheckNodePort}/tcp`,
  }
}

function isChecked(service: Service): boolean {
  const wanted = service.type === 'LoadBalancer' && service.externalPolicy === 'Local' && service.healthCheckNodePort !== 0
  return wanted && isCarried(service)
}

export function healthCheckClaims(service: Service): readonly Claim[] {
  return isChecked(service) ? FAMILIES.map((family) => claimOf(service, family)) : []
}

/**
 * Plans the health check of one Service on one node.
 *
 * Errors: never throws; no check when the Service needs none, or when an older claim has the port, which is a finding.
 * Source: Kubernetes pkg/proxy/healthcheck/service_health.go and EndpointsMap.LocalReadyEndpoints.
 */
export function planHealthCheck(
  service: Service,
  { slices, claimsOn, here }: ServiceNeighbours,
): { readonly check?: HealthCheck; readonly findings: readonly Finding[] } {
  if (!isChecked(service)) return { findings: [] }
  for (const family of FAMILIES) {
    const claim = claimOf(service, family)
    const winner = beatenBy(claim, claimsOn)
    if (winner !== undefined) return { findings: [clash(claim, winner)] }
  }
  const localEndpoints = countLocal(service, slices, here.node)
  return { check: { service: service.key, port: service.healthCheckNodePort, localEndpoints }, findings: [] }
}

/** Counts in the Service's first family: a pod with two addresses is one endpoint. */
function countLocal(service: Service, slices: readonly EndpointSlice[], node: NodeName): number {
  const counted = slices.filter((slice) => slice.family === service.families[0] && slice.ports.length > 0)
  const here = counted.flatMap(({ endpoints }) => endpoints).filter((endpoint) => endpoint.ready && endpoint.node === node)
  return new Set(here.map(({ address }) => address)).size
}
