/** Services as kube-proxy sees them: one entry per Service port, with the endpoints of each policy and what it serves. */
import type { Endpoint, EndpointSlice, Family, Protocol, Service, ServicePort } from '../../../src/model/world.ts'

/** What kube-proxy knows of its own node. `serviceCIDR` is '' when not known: then strays are not dropped. */
export interface ProxyNode {
  readonly name: string
  readonly nodeAddresses: readonly string[]
  readonly podCIDR: string
  readonly serviceCIDR: string
}

export interface Backend {
  readonly address: string
  readonly port: number
  readonly local: boolean
}

/** One Service port of one family. `name` is kube-proxy's ServicePortName: `namespace/name` or `namespace/name:port`. */
export interface ProxyPort {
  readonly name: string
  readonly service: Service
  readonly portName: string
  readonly protocol: Protocol
  readonly port: number
  readonly nodePort: number
  readonly clusterIP: string
  readonly externalIPs: readonly string[]
  readonly loadBalancerIPs: readonly string[]
  readonly sourceRanges: readonly string[]
  /** Backends of policy Cluster, used by this port; empty when it uses none. Sorted by address, as recorded. */
  readonly cluster: readonly Backend[]
  /** Backends of policy Local, used by this port. */
  readonly local: readonly Backend[]
  readonly hasEndpoints: boolean
  readonly externallyAccessible: boolean
  /** Why new connections to cluster addresses are refused; absent when they are not. */
  readonly internalRefusal: Refusal | undefined
  readonly externalRefusal: Refusal | undefined
}

export type Refusal = 'reject' | 'drop'

const isIPv6 = (address: string) => address.includes(':')

/**
 * Every port that kube-proxy on `node` programs for one family.
 *
 * Order:  Services in the order given.
 * Source: kubernetes pkg/proxy/topology.go (CategorizeEndpoints), serviceport.go (UsesClusterEndpoints, UsesLocalEndpoints).
 */
export function proxyPorts(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node: ProxyNode,
  family: Family = 'ipv4',
): readonly ProxyPort[] {
  const byService = Map.groupBy(
    slices.filter((slice) => slice.family === family),
    (slice) => slice.service,
  )
  return services.flatMap((service) => {
    const clusterIP = service.clusterIPs.find((address) => isIPv6(address) === (family === 'ipv6'))
    if (clusterIP === undefined) return [] // headless, or of the other family
    return service.ports.map((port) =>
      proxyPort({ service, port, clusterIP, slices: byService.get(service.key) ?? [], node, family }),
    )
  })
}

interface PortInput {
  readonly service: Service
  readonly port: ServicePort
  readonly clusterIP: string
  readonly slices: readonly EndpointSlice[]
  readonly node: ProxyNode
  readonly family: Family
}

function proxyPort({ service, port, clusterIP, slices, node, family }: PortInput): ProxyPort {
  const ofFamily = (addresses: readonly string[]) => addresses.filter((address) => isIPv6(address) === (family === 'ipv6'))
  const externalIPs = ofFamily(service.externalIPs)
  const loadBalancerIPs = ofFamily(service.loadBalancerIPs)
  const externallyAccessible = port.nodePort > 0 || externalIPs.length > 0 || loadBalancerIPs.length > 0
  const usesCluster = service.internalPolicy === 'Cluster' || externallyAccessible
  const usesLocal = service.internalPolicy === 'Local' || (service.externalPolicy === 'Local' && externallyAccessible)
  const everywhere = backendsOf(slices, port, node.name)
  const here = backendsOf(slices, port, node.name, node.name)
  const hasEndpoints = everywhere.length > 0
  const refusal = (policy: 'Cluster' | 'Local'): Refusal | undefined => {
    if (!hasEndpoints) return 'reject'
    return policy === 'Local' && here.length === 0 ? 'drop' : undefined
  }
  return {
    name: port.name === '' ? service.key : `${service.key}:${port.name}`,
    service,
    portName: port.name,
    protocol: port.protocol,
    port: port.port,
    nodePort: port.nodePort,
    clusterIP,
    externalIPs,
    loadBalancerIPs,
    sourceRanges: service.sourceRanges,
    cluster: usesCluster ? everywhere : [],
    local: usesLocal ? here : [],
    hasEndpoints,
    externallyAccessible,
    internalRefusal: refusal(service.internalPolicy),
    externalRefusal: refusal(service.externalPolicy),
  }
}

/** Ready endpoints; where there are none, those that serve while they terminate. `on` keeps those of one node. */
function backendsOf(slices: readonly EndpointSlice[], port: ServicePort, here: string, on?: string): readonly Backend[] {
  const found = slices.flatMap((slice) => {
    const target = slice.ports.find((candidate) => candidate.name === port.name && candidate.protocol === port.protocol)
    const endpoints = on === undefined ? slice.endpoints : slice.endpoints.filter((endpoint) => endpoint.node === on)
    return target === undefined ? [] : endpoints.map((endpoint) => ({ endpoint, port: target.port }))
  })
  const ready = found.filter(({ endpoint }) => endpoint.ready)
  const usable = ready.length > 0 ? ready : found.filter(({ endpoint }) => endpoint.serving && endpoint.terminating)
  return usable
    .map(({ endpoint, port: number }) => backend(endpoint, number, here))
    .toSorted((a, b) => (a.address < b.address ? -1 : 1))
}

function backend(endpoint: Endpoint, port: number, here: string): Backend {
  return { address: endpoint.address, port, local: endpoint.node === here }
}
