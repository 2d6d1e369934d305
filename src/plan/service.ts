/** One Service on one node, by all its ways in. */
import type { Finding } from '../model/code.ts'
import { SERVICE_FAMILY_MISSING, SERVICE_WITHOUT_ENDPOINTS } from '../model/codes/ports.ts'
import { type DataPathEntry, familyOf } from '../model/datapath.ts'
import type { Plan } from '../model/plan.ts'
import type { Service } from '../model/world.ts'
import { isCarried, ServiceGroups } from './backends.ts'
import type { Claim } from './claim.ts'
import { clusterIPClaims, planClusterIPs } from './cluster-ip.ts'
import { servesFamilyOf } from './external-address.ts'
import { externalIPClaims, planExternalIPs } from './external-ip.ts'
import { type HealthCheck, healthCheckClaims, planHealthCheck } from './health-check.ts'
import { loadBalancerIPClaims, planLoadBalancerIPs } from './load-balancer-ip.ts'
import type { Here, ServiceNeighbours } from './neighbours.ts'
import { nodePortClaims, planNodePorts } from './node-port.ts'

export interface ServicePlan extends Plan<DataPathEntry> {
  readonly healthCheck?: HealthCheck
}

/** All ports that a Service asks for on this node. */
export function serviceClaims(service: Service, here: Here): readonly Claim[] {
  return [
    ...clusterIPClaims(service),
    ...nodePortClaims(service, here),
    ...externalIPClaims(service, here),
    ...loadBalancerIPClaims(service, here),
    ...healthCheckClaims(service),
  ]
}

/**
 * Plans one Service on one node.
 *
 * Order:  of an address that is both an externalIP and a load-balancer address the latter counts, with its source ranges.
 * Errors: never throws; what cannot be served becomes a finding.
 */
export function planService(service: Service, neighbours: ServiceNeighbours): ServicePlan {
  const groups = new ServiceGroups(service, neighbours.slices, neighbours.here)
  const plans = [
    planClusterIPs(service, groups, neighbours.claimsOn),
    planNodePorts(service, groups, neighbours),
    planExternalIPs(service, groups, neighbours),
    planLoadBalancerIPs(service, groups, neighbours),
  ]
  const { check, findings } = planHealthCheck(service, neighbours)
  return {
    entries: plans.flatMap(({ entries }) => entries),
    findings: [
      ...plans.flatMap((plan) => plan.findings),
      ...findings,
      ...withoutEndpoints(service, groups),
      ...missingFamilies(service),
    ],
    healthCheck: check,
  }
}

/** One finding for a Service of which some port has no endpoint anywhere, naming the ports and families. */
function withoutEndpoints(service: Service, groups: ServiceGroups): readonly Finding[] {
  if (!isCarried(service)) return []
  const families = [...new Set(service.clusterIPs.map(familyOf))].toSorted()
  const empty = service.ports.flatMap((port) =>
    families.filter((family) => !groups.hasAny(port, family)).map((family) => `${port.port}/${port.protocol} (${family})`),
  )
  if (empty.length === 0) return []
  const subject = `service/${service.key}`
  const message = `${subject} has no ready endpoint for ${[...new Set(empty)].toSorted().join(', ')}: new connections are refused.`
  return [{ code: SERVICE_WITHOUT_ENDPOINTS, subjects: [subject], message, fix: SERVICE_WITHOUT_ENDPOINTS.fix }]
}

/** One finding for addresses of a family in which the Service has no cluster address. */
function missingFamilies(service: Service): readonly Finding[] {
  if (!isCarried(service)) return []
  const idle = [...service.externalIPs, ...service.loadBalancerIPs].filter((address) => !servesFamilyOf(service, address))
  if (idle.length === 0) return []
  const subject = `service/${service.key}`
  const message = `${subject} has no cluster address of the family of ${idle.join(', ')}, so that it is not served there.`
  return [{ code: SERVICE_FAMILY_MISSING, subjects: [subject], message, fix: SERVICE_FAMILY_MISSING.fix }]
}
