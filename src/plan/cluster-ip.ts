import { addressKey, type BackendGroup, type DataPathEntry, type Frontend, familyOf, frontendKey } from '../model/datapath.ts'
import type { Plan } from '../model/plan.ts'
import type { EndpointSlice, NodeName, Service, ServicePort } from '../model/world.ts'
import { isCarried, planGroup, withoutEndpoints } from './backends.ts'
import { addressSlot, beatenBy, type Claim, type ClaimsOn, clash } from './claim.ts'

/** What a Service's plan depends on beside itself. */
export interface ServiceNeighbours {
  /** The slices of this Service, in any order. */
  readonly slices: readonly EndpointSlice[]
  readonly claimsOn: ClaimsOn
}

/** The claim of one cluster address and port. */
function claimOf(service: Service, address: string, port: ServicePort): Claim {
  return {
    slot: addressSlot(address, port.protocol, port.port),
    address,
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
 * Errors: never throws; a port without ready endpoints is a group without backends (refused at once) and a finding.
 * Source: Kubernetes Service API, spec.clusterIPs.
 */
export function planClusterIPs(service: Service, neighbours: ServiceNeighbours, _node: NodeName): Plan<DataPathEntry> {
  if (!isCarried(service)) return { entries: [], findings: [] }
  const entries: DataPathEntry[] = []
  const findings = []
  const groups: { port: ServicePort; group: BackendGroup }[] = []
  for (const address of service.clusterIPs) {
    const family = familyOf(address)
    entries.push({ kind: 'service-address', key: addressKey('service-address', address), family, address })
    for (const port of service.ports) {
      const claim = claimOf(service, address, port)
      const winner = beatenBy(claim, neighbours.claimsOn)
      if (winner !== undefined) {
        findings.push(clash(claim, winner))
        continue
      }
      const group = planGroup(service, port, family, neighbours.slices)
      groups.push({ port, group })
      entries.push(group, frontend(address, port, group))
    }
  }
  return { entries, findings: [...findings, ...withoutEndpoints(service, groups)] }
}

function frontend(address: string, port: ServicePort, group: BackendGroup): Frontend {
  const at = { at: 'address', from: 'anywhere', family: group.family, address, protocol: port.protocol, port: port.port } as const
  return { kind: 'frontend', key: frontendKey(at), ...at, group: group.key }
}
