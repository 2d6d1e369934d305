/**
 * What Fairway knows of a cluster, in its own words: the input of every planner. Kubernetes types end in `src/kube`,
 * which makes these values; nothing here has a clock, an API version or an optional field that means two things.
 */

export type Family = 'ipv4' | 'ipv6'
export type Protocol = 'tcp' | 'udp' | 'sctp'
export type NodeName = string
/** `namespace/name`; the bare name for cluster-scoped objects. */
export type ObjectKey = string
export type TrafficPolicy = 'Cluster' | 'Local'

/** One port of a Service. `name` is '' when unnamed; `nodePort` is 0 when the port has none. */
export interface ServicePort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
  readonly nodePort: number
  /** What servers speak, in lower case; absent when nobody says. Source: Kubernetes Service API, appProtocol. */
  readonly appProtocol?: string
}

/** A Service as planners see it. Addresses are canonical text (RFC 5952 for IPv6); a headless one has none. */
export interface Service {
  readonly key: ObjectKey
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  readonly clusterIPs: readonly string[]
  readonly families: readonly Family[]
  readonly externalIPs: readonly string[]
  /** Of type ExternalName: the name outside that it stands for; '' otherwise. */
  readonly externalName: string
  /** Addresses of status.loadBalancer whose ipMode is VIP; none unless it is a load balancer. */
  readonly loadBalancerIPs: readonly string[]
  readonly ports: readonly ServicePort[]
  readonly externalPolicy: TrafficPolicy
  readonly internalPolicy: TrafficPolicy
  /** Seconds of ClientIP affinity; 0 when there is none. */
  readonly affinityInSeconds: number
  readonly publishNotReady: boolean
  /** Who may use the load-balancer addresses, as CIDR text of either family; empty: everybody. */
  readonly sourceRanges: readonly string[]
  /** 0 when there is none. */
  readonly healthCheckNodePort: number
  /** The pool that its load-balancer addresses are from, by name; '' when nobody says. */
  readonly addressPool: string
  /** spec.loadBalancerClass: whose load balancer it asks for; '' when it names none. */
  readonly loadBalancerClass: string
  readonly labels: Readonly<Record<string, string>>
  /** The version of the PROXY protocol that its servers take, as it is written; absent when nobody says. */
  readonly proxyProtocol?: string
  /** Labelled for another service proxy, or as headless: not ours to carry. */
  readonly leftAlone: boolean
  /** Milliseconds since the epoch, from creationTimestamp: the older of two claims wins. */
  readonly createdAtInMs: number
}

/** One address behind a Service. The conditions are those of an EndpointSlice, with its defaults applied. */
export interface Endpoint {
  readonly address: string
  /** '' when not known. */
  readonly node: NodeName
  /** `namespace/name` of the pod; '' when the endpoint is none. */
  readonly pod: ObjectKey
  readonly ready: boolean
  readonly serving: boolean
  readonly terminating: boolean
  /** Hints: the zones and the nodes whose flows this endpoint is meant for; empty when there is no hint. */
  readonly zones: readonly string[]
  readonly nodes: readonly NodeName[]
}

/** One port of an endpoint slice; `name` joins it with the Service's port of that name. */
export interface EndpointPort {
  readonly name: string
  readonly protocol: Protocol
  readonly port: number
}

/** A part of the endpoints of one Service; a Service has any number of them, of either family. */
export interface EndpointSlice {
  readonly key: ObjectKey
  readonly service: ObjectKey
  readonly family: Family
  readonly ports: readonly EndpointPort[]
  readonly endpoints: readonly Endpoint[]
  /** When the change of a pod or Service happened that last changed this, in milliseconds since the epoch; 0 when not known. */
  readonly triggeredAtInMs: number
}

export interface HostPort {
  /** '' means every address of the node. */
  readonly hostIP: string
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: Protocol
}

/** A pod as far as its ways in are concerned. */
export interface Pod {
  readonly key: ObjectKey
  readonly uid: string
  readonly node: NodeName
  readonly addresses: readonly string[]
  readonly hostNetwork: boolean
  readonly hostPorts: readonly HostPort[]
  readonly ready: boolean
  readonly terminating: boolean
  /** Succeeded or Failed: holds no address any more. */
  readonly finished: boolean
  readonly labels: Readonly<Record<string, string>>
  /** Milliseconds since the epoch, from creationTimestamp: the older of two claims wins. */
  readonly createdAtInMs: number
}

/** A node. `addresses` are its InternalIP and ExternalIP, canonical, in the API's order. */
export interface Node {
  readonly name: NodeName
  readonly addresses: readonly string[]
  readonly podCIDRs: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** '' when not known. */
  readonly zone: string
  readonly ready: boolean
  readonly unschedulable: boolean
  /** Condition NetworkUnavailable: its network is not set up, or no more. */
  readonly networkUnavailable: boolean
  /** It is being deleted, the cluster autoscaler marked it for that, or it is tainted as out of service. */
  readonly leaving: boolean
}

/** Ranges that cluster addresses are given out of, as canonical CIDR text. */
export interface ServiceCIDR {
  readonly name: string
  readonly cidrs: readonly string[]
}

/** The whole input of planning. Keys are the objects' own; the order of entries never matters. */
export interface World {
  readonly services: ReadonlyMap<ObjectKey, Service>
  readonly endpointSlices: ReadonlyMap<ObjectKey, EndpointSlice>
  readonly pods: ReadonlyMap<ObjectKey, Pod>
  readonly nodes: ReadonlyMap<NodeName, Node>
  readonly serviceCIDRs: ReadonlyMap<string, ServiceCIDR>
}

export type WorldKind = 'service' | 'endpointSlice' | 'pod' | 'node' | 'serviceCIDR'

/** One object that changed; `before` or `after` is absent when it was added or removed. */
export type WorldChange =
  | { readonly kind: 'service'; readonly key: ObjectKey; readonly before?: Service; readonly after?: Service }
  | { readonly kind: 'endpointSlice'; readonly key: ObjectKey; readonly before?: EndpointSlice; readonly after?: EndpointSlice }
  | { readonly kind: 'pod'; readonly key: ObjectKey; readonly before?: Pod; readonly after?: Pod }
  | { readonly kind: 'node'; readonly key: NodeName; readonly before?: Node; readonly after?: Node }
  | { readonly kind: 'serviceCIDR'; readonly key: string; readonly before?: ServiceCIDR; readonly after?: ServiceCIDR }
