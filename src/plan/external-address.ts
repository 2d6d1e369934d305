/** What externalIPs and load-balancer addresses have in common: addresses outside the cluster that a Service answers on. */
import { addressKey, type BackendGroup, type DataPathEntry, familyOf } from '../model/datapath.ts'
import type { Plan } from '../model/plan.ts'
import type { Service, ServicePort } from '../model/world.ts'
import type { Scope } from './backends.ts'
import { addressSlot, beatenBy, type Claim, clash, portSlot } from './claim.ts'
import { externalEntries } from './external-traffic.ts'
import type { Here, ServiceNeighbours } from './neighbours.ts'

/** One address of a Service; `name` says in the user's words what it is. */
export interface ExternalAddress {
  readonly address: string
  readonly name: 'externalIP' | 'load-balancer address'
}

/** Whether a Service has cluster addresses of the family, without which it has no endpoints in it either. */
export function servesFamilyOf(service: Service, address: string): boolean {
  return service.clusterIPs.some((clusterIP) => familyOf(clusterIP) === familyOf(address))
}

/** A claim of an address of this node meets hostPorts and nodePorts, too. */
function claimOf(service: Service, { address, name }: ExternalAddress, port: ServicePort, here: Here): Claim {
  return {
    slot: here.addresses.includes(address)
      ? portSlot(familyOf(address), port.protocol, port.port)
      : addressSlot(address, port.protocol, port.port),
    addresses: [address],
    subject: `service/${service.key}`,
    claimedAtInMs: service.createdAtInMs,
    text: `${name} ${address} port ${port.port}/${port.protocol}`,
  }
}

export function externalAddressClaims(service: Service, at: ExternalAddress, here: Here): readonly Claim[] {
  return service.ports.map((port) => claimOf(service, at, port, here))
}

/**
 * Plans one address of a Service.
 *
 * Shape:  a `service-address`, but not for an address of a node, whose other ports must go on working; a frontend each port, under
 *         policy Local two.
 * Errors: never throws; an address and port that an older claim has is left to it, with a finding.
 */
export function planExternalAddress(
  service: Service,
  at: ExternalAddress,
  neighbours: ServiceNeighbours,
  groupOf: (port: ServicePort, scope: Scope) => BackendGroup,
): Plan<DataPathEntry> {
  const { address } = at
  const family = familyOf(address)
  const entries: DataPathEntry[] = []
  const findings = []
  if (!neighbours.here.isNodeAddress(address))
    entries.push({ kind: 'service-address', key: addressKey('service-address', address), family, address })
  for (const port of service.ports) {
    const claim = claimOf(service, at, port, neighbours.here)
    const winner = beatenBy(claim, neighbours.claimsOn)
    if (winner !== undefined) {
      findings.push(clash(claim, winner))
      continue
    }
    const to = { at: 'address', family, address, protocol: port.protocol, port: port.port } as const
    entries.push(...externalEntries(service, to, (scope) => groupOf(port, scope)))
  }
  return { entries, findings }
}
