/** Kubernetes objects in Fairway's words. Every function takes any JSON of the kind; what is unusable becomes a finding. */
import type * as world from '../model/world.ts'
import { familyOf } from './address.ts'
import { type Converted, FieldReader } from './converted.ts'
import { keyOf } from './resource.ts'
import type { Container, EndpointSlice, KubeObject, Node, Pod, Service, ServiceCIDR, SliceEndpoint } from './types.ts'

/** The default of sessionAffinityConfig.clientIP.timeoutSeconds. Source: pkg/apis/core/v1/defaults.go. */
const AFFINITY_IN_SECONDS = 10_800
/**
 * Taints that say that a node goes: the cluster autoscaler's first one, and that of an administrator for a node that was shut down.
 * Source: kubernetes pkg/proxy/healthcheck/proxy_health.go; k8s.io/api/core/v1 TaintNodeOutOfService.
 */
const LEAVING: ReadonlySet<string> = new Set(['ToBeDeletedByClusterAutoscaler', 'node.kubernetes.io/out-of-service'])
/** Set by the endpoint slice controller. Source: kubernetes pkg/apis/core, EndpointsLastChangeTriggerTime. */
const LAST_CHANGE = 'endpoints.kubernetes.io/last-change-trigger-time'
/** On a Service: its servers are told the client's address by the PROXY protocol, in version `v1` or `v2`. */
const PROXY_PROTOCOL = 'fairway.dev/proxy-protocol'
const SERVICE_TYPES: ReadonlySet<string> = new Set(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'])
/** A range that no packet comes from: a list of which nothing can be used must not become "everyone". */
const NOBODY = '255.255.255.255/32'

export function convertService(raw: Service): Converted<world.Service> {
  const read = new FieldReader('Service', raw)
  const spec = raw.spec ?? {}
  const type = spec.type ?? 'ClusterIP'
  if (!SERVICE_TYPES.has(type)) read.unusable('spec.type', type, 'a type of Service')
  const ips = (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter((ip) => ip !== '' && ip !== 'None')
  const clusterIPs = read.addresses(ips, 'spec.clusterIPs')
  const families = (spec.ipFamilies ?? []).map((family): world.Family => (family === 'IPv6' ? 'ipv6' : 'ipv4'))
  const proxyProtocol = raw.metadata.annotations?.[PROXY_PROTOCOL]
  const value: world.Service = {
    key: keyOf(raw),
    type: SERVICE_TYPES.has(type) ? (type as world.Service['type']) : 'ClusterIP',
    clusterIPs: type === 'ExternalName' ? [] : clusterIPs,
    families: families.length > 0 ? families : [...new Set(clusterIPs.map(familyOf))],
    externalIPs: read.addresses(spec.externalIPs ?? [], 'spec.externalIPs'),
    externalName: type === 'ExternalName' ? (spec.externalName ?? '').toLowerCase() : '',
    loadBalancerIPs: loadBalancerIPs(raw, read),
    ports: servicePorts(raw, read),
    externalPolicy: spec.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
    internalPolicy: spec.internalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
    affinityInSeconds: affinityInSeconds(spec),
    publishNotReady: spec.publishNotReadyAddresses === true,
    sourceRanges: sourceRanges(raw, read),
    healthCheckNodePort: spec.healthCheckNodePort ?? 0,
    addressPool: addressPool(raw),
    loadBalancerClass: spec.loadBalancerClass ?? '',
    labels: raw.metadata.labels ?? {},
    ...(proxyProtocol === undefined ? {} : { proxyProtocol }),
    leftAlone: isLeftAlone(raw),
    createdAtInMs: Date.parse(raw.metadata.creationTimestamp ?? '') || 0,
  }
  return { value, findings: read.findings }
}

/**
 * Labelled for another proxy, or as one that none shall carry; the labels' values mean nothing.
 * Source: Kubernetes cmd/kube-proxy/app/server.go, the selector of its informers.
 */
function isLeftAlone({ metadata: { labels = {} } }: KubeObject): boolean {
  return 'service.kubernetes.io/service-proxy-name' in labels || 'service.kubernetes.io/headless' in labels
}

/** Source: MetalLB, whose controller writes it beside the address. */
function addressPool({ metadata: { annotations = {} } }: KubeObject): string {
  return annotations['metallb.io/ip-allocated-from-pool'] ?? annotations['metallb.universe.tf/ip-allocated-from-pool'] ?? ''
}

/** Addresses that a load balancer delivers as they are (mode VIP), not those of a proxy in front. */
function loadBalancerIPs(raw: Service, read: FieldReader): readonly string[] {
  // what is left over from a time as a load balancer means nothing
  if (raw.spec?.type !== 'LoadBalancer') return []
  const ingress = (raw.status?.loadBalancer?.ingress ?? []).filter((entry) => entry.ip && (entry.ipMode ?? 'VIP') === 'VIP')
  const ips = ingress.map((entry) => entry.ip)
  return read.addresses(ips, 'status.loadBalancer.ingress')
}

function sourceRanges(raw: Service, read: FieldReader): readonly string[] {
  const ranges = raw.spec?.loadBalancerSourceRanges ?? []
  const usable = read.cidrs(ranges, 'spec.loadBalancerSourceRanges')
  return ranges.length > 0 && usable.length === 0 ? [NOBODY] : usable
}

function affinityInSeconds(spec: NonNullable<Service['spec']>): number {
  return spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_IN_SECONDS) : 0
}

function servicePorts(raw: Service, read: FieldReader): readonly world.ServicePort[] {
  return (raw.spec?.ports ?? []).flatMap((entry, index) => {
    const protocol = read.protocol(entry.protocol, `spec.ports[${index}].protocol`)
    const port = read.port(entry.port, `spec.ports[${index}].port`)
    const nodePort = entry.nodePort ? read.port(entry.nodePort, `spec.ports[${index}].nodePort`) : 0
    if (protocol === undefined || port === undefined) return []
    const said = entry.appProtocol?.toLowerCase()
    return { name: entry.name ?? '', protocol, port, nodePort: nodePort ?? 0, ...(said ? { appProtocol: said } : {}) }
  })
}

/** A slice of names (FQDN), or one that belongs to no Service, is nothing to the data path. */
export function convertEndpointSlice(raw: EndpointSlice): Converted<world.EndpointSlice> {
  const read = new FieldReader('EndpointSlice', raw)
  const service = raw.metadata.labels?.['kubernetes.io/service-name'] ?? ''
  if (service === '' || isLeftAlone(raw) || (raw.addressType !== 'IPv4' && raw.addressType !== 'IPv6')) return { findings: [] }
  const family = raw.addressType === 'IPv6' ? 'ipv6' : 'ipv4'
  const ports = (raw.ports ?? []).flatMap((entry, index) => {
    // a port that is null means every port, which no Service port can be joined with
    if (entry.port === undefined || entry.port === null) return []
    const protocol = read.protocol(entry.protocol, `ports[${index}].protocol`)
    const port = read.port(entry.port, `ports[${index}].port`)
    return protocol === undefined || port === undefined ? [] : { name: entry.name ?? '', protocol, port }
  })
  const endpoints = (raw.endpoints ?? []).flatMap((entry, index) => {
    const address = read.address(entry.addresses?.[0], `endpoints[${index}].addresses[0]`)
    if (address === undefined) return []
    if (familyOf(address) === family) return convertEndpoint(entry, address, raw.metadata.namespace ?? '')
    read.unusable(`endpoints[${index}].addresses[0]`, address, `of type ${raw.addressType}`)
    return []
  })
  const triggeredAtInMs = Date.parse(raw.metadata.annotations?.[LAST_CHANGE] ?? '') || 0
  const value = {
    key: keyOf(raw),
    service: `${raw.metadata.namespace ?? ''}/${service}`,
    family,
    ports,
    endpoints,
    triggeredAtInMs,
  } as const
  return { value, findings: read.findings }
}

/** Unset conditions: ready and serving are true, terminating is false. Source: discovery/v1 EndpointConditions. */
function convertEndpoint(raw: SliceEndpoint, address: string, namespace: string): world.Endpoint {
  const target = raw.targetRef
  return {
    address,
    node: raw.nodeName ?? '',
    pod: target?.kind === 'Pod' ? `${target.namespace ?? namespace}/${target.name ?? ''}` : '',
    ready: raw.conditions?.ready ?? true,
    serving: raw.conditions?.serving ?? true,
    terminating: raw.conditions?.terminating ?? false,
    zones: (raw.hints?.forZones ?? []).map((zone) => zone.name),
    nodes: (raw.hints?.forNodes ?? []).map((node) => node.name),
  }
}

export function convertPod(raw: Pod): Converted<world.Pod> {
  const read = new FieldReader('Pod', raw)
  const ips = raw.status?.podIPs?.map((entry) => entry.ip) ?? (raw.status?.podIP ? [raw.status.podIP] : [])
  const value: world.Pod = {
    key: keyOf(raw),
    uid: raw.metadata.uid ?? '',
    node: raw.spec?.nodeName ?? '',
    addresses: read.addresses(ips, 'status.podIPs'),
    hostNetwork: raw.spec?.hostNetwork === true,
    hostPorts: hostPorts(raw, read),
    ready: isTrue(raw, 'Ready'),
    terminating: raw.metadata.deletionTimestamp !== undefined,
    finished: raw.status?.phase === 'Succeeded' || raw.status?.phase === 'Failed',
    labels: raw.metadata.labels ?? {},
    createdAtInMs: Date.parse(raw.metadata.creationTimestamp ?? '') || 0,
  }
  return { value, findings: read.findings }
}

interface PortPlace {
  readonly field: string
  readonly read: FieldReader
  readonly hostNetwork: boolean
}

function hostPorts(raw: Pod, read: FieldReader): readonly world.HostPort[] {
  const hostNetwork = raw.spec?.hostNetwork === true
  const lists: readonly (readonly [string, readonly Container[]])[] = [
    ['spec.containers', raw.spec?.containers ?? []],
    // an init container that stays (a sidecar) holds its ports as any other does; the others are gone when traffic comes
    ['spec.initContainers', (raw.spec?.initContainers ?? []).filter((container) => container.restartPolicy === 'Always')],
  ]
  return lists.flatMap(([field, containers]) =>
    containers.flatMap((container, at) =>
      (container.ports ?? []).flatMap((port, index) =>
        hostPort(port, { field: `${field}[${at}].ports[${index}]`, read, hostNetwork }),
      ),
    ),
  )
}

/** With the host's network a container's ports are the host's, also where the API's default of hostPort was not applied. */
function hostPort(raw: NonNullable<Container['ports']>[number], at: PortPlace): readonly world.HostPort[] {
  const { field, read, hostNetwork } = at
  if (!raw.hostPort && !hostNetwork) return []
  const protocol = read.protocol(raw.protocol, `${field}.protocol`)
  const port = read.port(raw.hostPort || raw.containerPort, `${field}.hostPort`)
  const containerPort = read.port(raw.containerPort, `${field}.containerPort`)
  const hostIP = raw.hostIP ? read.address(raw.hostIP, `${field}.hostIP`) : ''
  if (protocol === undefined || port === undefined || containerPort === undefined || hostIP === undefined) return []
  return [{ hostIP, hostPort: port, containerPort, protocol }]
}

export function convertNode(raw: Node): Converted<world.Node> {
  const read = new FieldReader('Node', raw)
  const addresses = (raw.status?.addresses ?? []).filter((entry) => entry.type === 'InternalIP' || entry.type === 'ExternalIP')
  const value: world.Node = {
    name: raw.metadata.name ?? '',
    addresses: read.addresses(
      addresses.map((entry) => entry.address),
      'status.addresses',
    ),
    podCIDRs: read.cidrs(raw.spec?.podCIDRs ?? (raw.spec?.podCIDR ? [raw.spec.podCIDR] : []), 'spec.podCIDRs'),
    labels: raw.metadata.labels ?? {},
    zone: raw.metadata.labels?.['topology.kubernetes.io/zone'] ?? '',
    ready: isTrue(raw, 'Ready'),
    unschedulable: raw.spec?.unschedulable === true,
    networkUnavailable: isTrue(raw, 'NetworkUnavailable'),
    leaving: raw.metadata.deletionTimestamp !== undefined || (raw.spec?.taints ?? []).some(({ key }) => LEAVING.has(key)),
  }
  return { value, findings: read.findings }
}

function isTrue({ status }: Pod | Node, condition: string): boolean {
  return status?.conditions?.some((one) => one.type === condition && one.status === 'True') ?? false
}

export function convertServiceCIDR(raw: ServiceCIDR): Converted<world.ServiceCIDR> {
  const read = new FieldReader('ServiceCIDR', raw)
  const value: world.ServiceCIDR = { name: raw.metadata.name ?? '', cidrs: read.cidrs(raw.spec?.cidrs ?? [], 'spec.cidrs') }
  return { value, findings: read.findings }
}
