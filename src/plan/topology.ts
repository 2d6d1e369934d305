/** Topology hints: which endpoints are meant for the flows of this node. */
import type { Endpoint, NodeName } from '../model/world.ts'

/** Where flows come from: `zone` is '' when not known. */
export interface Place {
  readonly node: NodeName
  readonly zone: string
}

/**
 * Whether an endpoint is meant for flows from `place`: by node when every ready endpoint has node hints and one of them is for
 * this node; else by zone in the same way; else every endpoint is.
 *
 * Order:  the order of endpoints never matters. `ready` are the ready endpoints of one port and family.
 * Source: Kubernetes pkg/proxy/topology.go, topologyModeFromHints; trafficDistribution is what makes the controller write hints.
 */
export function meantFor(place: Place, ready: readonly Endpoint[]): (endpoint: Endpoint) => boolean {
  const forNode = ({ nodes }: Endpoint) => nodes.includes(place.node)
  const forZone = ({ zones }: Endpoint) => zones.includes(place.zone)
  if (ready.every(({ nodes }) => nodes.length > 0) && ready.some(forNode)) return forNode
  if (ready.every(({ zones }) => zones.length > 0) && ready.some(forZone)) return forZone
  return () => true
}
