import { type DataPathEntry, type Frontend, frontendKey } from '../model/datapath.ts'
import type { Plan } from '../model/plan.ts'
import type { Family, NodeName, Service, ServicePort } from '../model/world.ts'
import { isCarried, planGroup } from './backends.ts'
import { beatenBy, type Claim, clash, portSlot } from './claim.ts'
import type { ServiceNeighbours } from './cluster-ip.ts'

function claimOf(service: Service, family: Family, port: ServicePort): Claim {
  return {
    slot: portSlot(family, port.protocol, port.nodePort),
    address: '',
    subject: `service/${service.key}`,
    claimedAtInMs: service.createdAtInMs,
    text: `nodePort ${port.nodePort}/${port.protocol}`,
  }
}

function nodePortsOf(service: Service): readonly { readonly family: Family; readonly port: ServicePort }[] {
  if (!isCarried(service) || service.type === 'ClusterIP') return []
  const ports = service.ports.filter((port) => port.nodePort !== 0)
  return service.families.flatMap((family) => ports.map((port) => ({ family, port })))
}

export function nodePortClaims(service: Service): readonly Claim[] {
  return nodePortsOf(service).map(({ family, port }) => claimOf(service, family, port))
}

/**
 * Plans the nodePorts of one Service: every node answers alike, on the addresses that the cluster knows it by.
 *
 * Shape:  a frontend each family and port, on the group that the cluster address has.
 * Errors: never throws; a nodePort that an older hostPort of this node has is left to it, with a finding.
 * Source: Kubernetes Service API, spec.ports[].nodePort.
 */
export function planNodePorts(service: Service, neighbours: ServiceNeighbours, _node: NodeName): Plan<DataPathEntry> {
  const entries: DataPathEntry[] = []
  const findings = []
  for (const { family, port } of nodePortsOf(service)) {
    const claim = claimOf(service, family, port)
    const winner = beatenBy(claim, neighbours.claimsOn)
    if (winner !== undefined) {
      findings.push(clash(claim, winner))
      continue
    }
    const group = planGroup(service, port, family, neighbours.slices)
    entries.push(group, frontend(port, family, group.key))
  }
  return { entries, findings }
}

function frontend(port: ServicePort, family: Family, group: string): Frontend {
  const at = { at: 'node-port', from: 'anywhere', family, address: '', protocol: port.protocol, port: port.nodePort } as const
  return { kind: 'frontend', key: frontendKey(at), ...at, group }
}
