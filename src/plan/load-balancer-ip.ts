import { type DataPathEntry, familyOf } from '../model/datapath.ts'
import type { Plan } from '../model/plan.ts'
import type { Service } from '../model/world.ts'
import { isCarried, type ServiceGroups } from './backends.ts'
import type { Claim } from './claim.ts'
import { type ExternalAddress, externalAddressClaims, planExternalAddress, servesFamilyOf } from './external-address.ts'
import type { Here, ServiceNeighbours } from './neighbours.ts'
import { closedFamilies } from './source-ranges.ts'

function addressesOf(service: Service): readonly ExternalAddress[] {
  if (!isCarried(service)) return []
  const served = service.loadBalancerIPs.filter((address) => servesFamilyOf(service, address))
  return served.map((address) => ({ address, name: 'load-balancer address' }))
}

export function loadBalancerIPClaims(service: Service, here: Here): readonly Claim[] {
  return addressesOf(service).flatMap((at) => externalAddressClaims(service, at, here))
}

/**
 * Plans the load-balancer addresses of one Service whose packets come as the client sent them (ipMode VIP).
 *
 * Shape:  as every external address; with source ranges on groups of their own, so that they bind neither nodePorts nor cluster addresses.
 * Errors: never throws; ranges that leave out a whole family become a finding.
 * Source: Kubernetes Service API, status.loadBalancer.ingress and spec.loadBalancerSourceRanges.
 */
export function planLoadBalancerIPs(service: Service, groups: ServiceGroups, neighbours: ServiceNeighbours): Plan<DataPathEntry> {
  const addresses = addressesOf(service)
  const plans = addresses.map((at) => {
    const family = familyOf(at.address)
    return planExternalAddress(service, at, neighbours, (port, scope) => groups.ranged(port, family, scope))
  })
  return {
    entries: plans.flatMap(({ entries }) => entries),
    findings: [...plans.flatMap(({ findings }) => findings), ...(addresses.length > 0 ? closedFamilies(service) : [])],
  }
}
