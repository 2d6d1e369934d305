import { type DataPathEntry, familyOf } from '../model/datapath.ts'
import type { Plan } from '../model/plan.ts'
import type { Family, Service, ServicePort } from '../model/world.ts'
import { isCarried, type ServiceGroups } from './backends.ts'
import { beatenBy, type Claim, clash, portSlot } from './claim.ts'
import { externalEntries } from './external-traffic.ts'
import type { Here, ServiceNeighbours } from './neighbours.ts'

/** Where the node answers no nodePort, a hostPort of the same number stands in nobody's way. */
function claimOf(service: Service, family: Family, port: ServicePort, here: Here): Claim {
  return {
    slot: portSlot(family, port.protocol, port.nodePort),
    addresses: here.nodePortAddresses.filter((address) => familyOf(address) === family),
    ranges: here.nodePortRanges.filter((cidr) => familyOf(cidr) === family),
    subject: `service/${service.key}`,
    claimedAtInMs: service.createdAtInMs,
    text: `nodePort ${port.nodePort}/${port.protocol}`,
  }
}

/** A load balancer that needs no nodePorts has none: spec.allocateLoadBalancerNodePorts. */
function nodePortsOf(service: Service): readonly { readonly family: Family; readonly port: ServicePort }[] {
  if (!isCarried(service) || service.type === 'ClusterIP') return []
  const ports = service.ports.filter((port) => port.nodePort !== 0)
  return service.families.flatMap((family) => ports.map((port) => ({ family, port })))
}

/** None in a family in which the node answers no nodePorts at all. */
export function nodePortClaims(service: Service, here: Here): readonly Claim[] {
  const claims = nodePortsOf(service).map(({ family, port }) => claimOf(service, family, port, here))
  return claims.filter(isSomewhere)
}

function isSomewhere({ addresses, ranges = [] }: Claim): boolean {
  return addresses.length + ranges.length > 0
}

/**
 * Plans the nodePorts of one Service: every node answers alike, on the addresses that entries `node-address` and `node-range` name.
 * Source ranges of a load balancer do not bind them.
 *
 * Shape:  a frontend each family and port, on the group that the cluster address has; under policy Local two, see `externalEntries`.
 * Errors: never throws; a nodePort that an older claim of this node has is left to it, with a finding.
 * Source: Kubernetes Service API, spec.ports[].nodePort.
 */
export function planNodePorts(
  service: Service,
  groups: ServiceGroups,
  { claimsOn, here }: ServiceNeighbours,
): Plan<DataPathEntry> {
  const entries: DataPathEntry[] = []
  const findings = []
  for (const { family, port } of nodePortsOf(service)) {
    const claim = claimOf(service, family, port, here)
    const winner = !isSomewhere(claim) ? undefined : beatenBy(claim, claimsOn)
    if (winner !== undefined) {
      findings.push(clash(claim, winner))
      continue
    }
    const to = { at: 'node-port', family, address: '', protocol: port.protocol, port: port.nodePort } as const
    entries.push(...externalEntries(service, to, (scope) => groups.group(port, family, scope)))
  }
  return { entries, findings }
}
