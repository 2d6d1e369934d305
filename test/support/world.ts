/** Short ways to say a world in tests. */

import { familyOf } from '../../src/model/datapath.ts'
import type { Endpoint, EndpointSlice, Node, Pod, Service, ServiceCIDR, World } from '../../src/model/world.ts'

export function aService(key: string, part: Partial<Service> = {}): Service {
  return {
    key,
    type: 'NodePort',
    clusterIPs: [],
    families: (part.clusterIPs ?? []).map(familyOf),
    externalIPs: [],
    externalName: '',
    loadBalancerIPs: [],
    ports: [],
    externalPolicy: 'Cluster',
    internalPolicy: 'Cluster',
    affinityInSeconds: 0,
    publishNotReady: false,
    sourceRanges: [],
    healthCheckNodePort: 0,
    addressPool: '',
    loadBalancerClass: '',
    labels: {},
    leftAlone: false,
    createdAtInMs: 0,
    ...part,
  }
}

export function anEndpoint(address: string, part: Partial<Endpoint> = {}): Endpoint {
  return { address, node: '', pod: '', ready: true, serving: true, terminating: false, zones: [], nodes: [], ...part }
}

export function aSlice(key: string, service: string, part: Partial<EndpointSlice> = {}): EndpointSlice {
  return { key, service, family: 'ipv4', ports: [], endpoints: [], triggeredAtInMs: 0, ...part }
}

export function aPod(key: string, node: string, part: Partial<Pod> = {}): Pod {
  return {
    key,
    uid: key,
    node,
    addresses: [],
    hostNetwork: false,
    hostPorts: [],
    ready: true,
    terminating: false,
    finished: false,
    labels: {},
    createdAtInMs: 0,
    ...part,
  }
}

export function aNode(name: string, part: Partial<Node> = {}): Node {
  return {
    name,
    addresses: [],
    podCIDRs: [],
    labels: {},
    zone: '',
    ready: true,
    unschedulable: false,
    networkUnavailable: false,
    leaving: false,
    ...part,
  }
}

export interface Objects {
  readonly services?: readonly Service[]
  readonly slices?: readonly EndpointSlice[]
  readonly pods?: readonly Pod[]
  readonly nodes?: readonly Node[]
  readonly serviceCIDRs?: readonly ServiceCIDR[]
}

export function aWorld({ services = [], slices = [], pods = [], nodes = [], serviceCIDRs = [] }: Objects): World {
  return {
    services: new Map(services.map((one) => [one.key, one])),
    endpointSlices: new Map(slices.map((one) => [one.key, one])),
    pods: new Map(pods.map((one) => [one.key, one])),
    nodes: new Map(nodes.map((one) => [one.name, one])),
    serviceCIDRs: new Map(serviceCIDRs.map((one) => [one.name, one])),
  }
}
