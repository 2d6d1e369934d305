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
  const { ready, leaving } = candidatesOf(port, family, slices)
  const here = ({ endpoint }: Candidate) => endpoint.node === place.node
  const localReady = ready.filter(here)
  const meant = meantFor(
    place,
    ready.map(({ endpoint }) => endpoint),
  )
  return {
    cluster: backendsOf(ready.length > 0 ? ready.filter(({ endpoint }) => meant(endpoint)) : leaving),
    local: backendsOf(localReady.length > 0 ? localReady : leaving.filter(here)),
  }
}

interface Candidate {
  readonly endpoint: Endpoint
  readonly backend: Backend
}

interface Candidates {
  readonly ready: readonly Candidate[]
  /** Those that serve while they terminate. */
  readonly leaving: readonly Candidate[]
}

function candidatesOf(port: ServicePort, family: Family, slices: readonly EndpointSlice[]): Candidates {
  const ready: Candidate[] = []
  const leaving: Candidate[] = []
  for (const slice of slices) {
    if (slice.family !== family) continue
    const target = slice.ports.find((candidate) => candidate.name === port.name && candidate.protocol === port.protocol)
    if (target === undefined) continue
    for (const endpoint of slice.endpoints) {
      const list = endpoint.ready ? ready : endpoint.serving && endpoint.terminating ? leaving : undefined
      list?.push({ endpoint, backend: { address: endpoint.address, port: target.port } })
    }
  }
  return { ready, leaving }
}

function backendsOf(candidates: readonly Candidate[]): readonly Backend[] {
  const sorted = candidates.map(({ backend }) => backend).sort(byAddress)
  return sorted.filter((backend, index) => {
    const before = sorted[index - 1]
    return before === undefined || byAddress(before, backend) !== 0
  })
}
