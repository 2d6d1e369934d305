/** Which endpoints new flows go to, under policy Cluster and under policy Local. */
import { type Backend, byAddress } from '../model/datapath.ts'
import type { Endpoint, EndpointSlice, Family, ServicePort } from '../model/world.ts'
import { meantFor, type Place } from './topology.ts'

/** Sorted, without doubles. `cluster` is empty only when the cluster has no usable endpoint at all. */
export interface Usable {
  readonly cluster: readonly Backend[]
  readonly local: readonly Backend[]
}

/**
 * The usable endpoints of one port and family of a Service: the ready ones; when there are none, those that still serve while they
 * terminate. Both policies fall back by themselves: Local looks at this node's endpoints alone, and does not mind topology.
 *
 * Shape:  an endpoint in two slices counts once; one without a node is never local.
 * Order:  the order of slices and endpoints never matters.
 * Source: Kubernetes pkg/proxy/topology.go, CategorizeEndpoints.
 */
export function usableEndpoints(port: ServicePort, family: Family, slices: readonly EndpointSlice[], place: Place): Usable {
  const candidates = candidatesOf(port, family, slices)
  const ready = candidates.filter(({ endpoint }) => endpoint.ready)
  const leaving = candidates.filter(({ endpoint }) => !endpoint.ready && endpoint.serving && endpoint.terminating)
  const meant = meantFor(
    place,
    ready.map(({ endpoint }) => endpoint),
  )
  const here = ({ endpoint }: Candidate) => endpoint.node === place.node
  return {
    cluster: backendsOf(ready.length > 0 ? ready.filter(({ endpoint }) => meant(endpoint)) : leaving),
    local: backendsOf(ready.some(here) ? ready.filter(here) : leaving.filter(here)),
  }
}

interface Candidate {
  readonly endpoint: Endpoint
  readonly port: number
}

function candidatesOf(port: ServicePort, family: Family, slices: readonly EndpointSlice[]): readonly Candidate[] {
  return slices.flatMap((slice) => {
    if (slice.family !== family) return []
    const target = slice.ports.find((candidate) => candidate.name === port.name && candidate.protocol === port.protocol)
    return target === undefined ? [] : slice.endpoints.map((endpoint) => ({ endpoint, port: target.port }))
  })
}

function backendsOf(candidates: readonly Candidate[]): readonly Backend[] {
  const byText = new Map<string, Backend>()
  for (const { endpoint, port } of candidates) byText.set(`${endpoint.address} ${port}`, { address: endpoint.address, port })
  return [...byText.values()].sort(byAddress)
}
