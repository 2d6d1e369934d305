import { addressKey, type DataPathEntry, type Frontend, familyOf, frontendKey } from '../model/datapath.ts'
import type { Plan } from '../model/plan.ts'
import type { Service, ServicePort } from '../model/world.ts'
import { internalScope, isCarried, type ServiceGroups } from './backends.ts'
import { addressSlot, beatenBy, type Claim, type ClaimsOn, clash } from './claim.ts'

/** The claim of one cluster address and port. */
function claimOf(service: Service, address: string, port: ServicePort): Claim {
  return {
    slot: addressSlot(address, port.protocol, port.port),
    addresses: [address],
    subject: `service/${service.key}`,
    claimedAtInMs: service.createdAtInMs,
    text: `${address} port ${port.port}/${port.protocol}`,
  }
}

export function clusterIPClaims(service: Service): readonly Claim[] {
  if (!isCarried(service)) return []
  return service.clusterIPs.flatMap((address) => service.ports.map((port) => claimOf(service, address, port)))
}

/**
 * Plans the cluster addresses of one Service on one node: from pods, from the node itself and from outside.
 *
 * Shape:  a `service-address` each address, a frontend each address and port, a group each port and family.
 * Errors: never throws; a port without endpoints is a group without backends.
 * Source: Kubernetes Service API, spec.clusterIPs and spec.internalTrafficPolicy.
 */
export function planClusterIPs(service: Service, groups: ServiceGroups, claimsOn: ClaimsOn): Plan<DataPathEntry> {
  if (!isCarried(service)) return { entries: [], findings: [] }
  const entries: DataPathEntry[] = []
  const findings = []
  for (const address of service.clusterIPs) {
    const family = familyOf(address)
    entries.push({ kind: 'service-address', key: addressKey('service-address', address), family, address })
    for (const port of service.ports) {
      const claim = claimOf(service, address, port)
      const winner = beatenBy(claim, claimsOn)
      if (winner !== undefined) {
        findings.push(clash(claim, winner))
        continue
      }
      const group = groups.group(port, family, internalScope(service))
      entries.push(group, frontend(address, port, group.key))
    }
  }
  return { entries, findings }
}

function frontend(address: string, port: ServicePort, group: string): Frontend {
  const family = familyOf(address)
  const at = { at: 'address', from: 'anywhere', family, address, protocol: port.protocol, port: port.port } as const
  return { kind: 'frontend', key: frontendKey(at), ...at, group }
}
