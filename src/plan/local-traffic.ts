/** Which nodes may take the traffic that comes to a Service from outside, under its externalTrafficPolicy. */
import type { EndpointSlice, Family, NodeName, Service } from '../model/world.ts'

/**
 * The nodes that an address of this family may bring traffic to; undefined: every node (policy Cluster).
 *
 * Shape:  under policy Local the nodes with a ready endpoint of any port; when the whole cluster has none, those with one that still
 *         serves while it terminates. So an address leaves a node when its last ready pod begins to go, while that still serves what
 *         is on its way, and not when it is gone.
 * Order:  the order of slices and endpoints never matters; every node that sees the same slices finds the same nodes.
 * Source: Kubernetes pkg/proxy/topology.go, CategorizeEndpoints; KEP-1669 (terminating endpoints).
 */
export function receivingNodes(
  service: Pick<Service, 'externalPolicy' | 'ports'>,
  family: Family,
  slices: Iterable<EndpointSlice>,
): ReadonlySet<NodeName> | undefined {
  if (service.externalPolicy === 'Cluster') return undefined
  const ready = new Set<NodeName>()
  const leaving = new Set<NodeName>()
  for (const slice of slices) {
    if (slice.family !== family || !serves(service, slice)) continue
    for (const { node, ready: isReady, serving, terminating } of slice.endpoints) {
      if (node === '') continue
      if (isReady) ready.add(node)
      else if (serving && terminating) leaving.add(node)
    }
  }
  return ready.size > 0 ? ready : leaving
}

/** Whether a node is one of `receivingNodes`. */
export function mayReceive(
  node: NodeName,
  service: Pick<Service, 'externalPolicy' | 'ports'>,
  family: Family,
  slices: Iterable<EndpointSlice>,
): boolean {
  return receivingNodes(service, family, slices)?.has(node) ?? true
}

function serves({ ports }: Pick<Service, 'ports'>, slice: EndpointSlice): boolean {
  return slice.ports.some(({ name, protocol }) => ports.some((port) => port.name === name && port.protocol === protocol))
}
