import type { Finding } from '../model/code.ts'
import { EXTERNAL_IP_NOT_ALLOWED } from '../model/codes/ports.ts'
import { type DataPathEntry, familyOf } from '../model/datapath.ts'
import type { Plan } from '../model/plan.ts'
import type { Service } from '../model/world.ts'
import { isCarried, type ServiceGroups } from './backends.ts'
import type { Claim } from './claim.ts'
import { type ExternalAddress, externalAddressClaims, planExternalAddress, servesFamilyOf } from './external-address.ts'
import type { Here, ServiceNeighbours } from './neighbours.ts'

function externalIPsOf(service: Service, here: Here): readonly ExternalAddress[] {
  if (!isCarried(service)) return []
  const allowed = service.externalIPs.filter((address) => here.isAllowed(address) && servesFamilyOf(service, address))
  return allowed.map((address) => ({ address, name: 'externalIP' }))
}

export function externalIPClaims(service: Service, here: Here): readonly Claim[] {
  return externalIPsOf(service, here).flatMap((at) => externalAddressClaims(service, at, here))
}

/**
 * Plans the externalIPs of one Service that the cluster's operator allows: whoever may write a Service could else take over what the
 * cluster sends to any address in the world (CVE-2020-8554).
 *
 * Errors: never throws; addresses that are not allowed become a finding.
 * Source: Kubernetes Service API, spec.externalIPs.
 */
export function planExternalIPs(service: Service, groups: ServiceGroups, neighbours: ServiceNeighbours): Plan<DataPathEntry> {
  const plans = externalIPsOf(service, neighbours.here).map((at) => {
    const family = familyOf(at.address)
    return planExternalAddress(service, at, neighbours, (port, scope) => groups.group(port, family, scope))
  })
  return {
    entries: plans.flatMap(({ entries }) => entries),
    findings: [...plans.flatMap(({ findings }) => findings), ...notAllowed(service, neighbours.here)],
  }
}

function notAllowed(service: Service, here: Here): readonly Finding[] {
  const refused = isCarried(service) ? service.externalIPs.filter((address) => !here.isAllowed(address)) : []
  if (refused.length === 0) return []
  const subject = `service/${service.key}`
  const message = `${subject} asks for externalIPs that are not allowed: ${refused.join(', ')}; they are not served.`
  return [{ code: EXTERNAL_IP_NOT_ALLOWED, subjects: [subject], message, fix: EXTERNAL_IP_NOT_ALLOWED.fix }]
}
