/** The Services that both sides get: `count` of them with ten endpoints each, one in ten with a NodePort. */
import type { Endpoint, EndpointSlice, Node, Service, World } from '../../src/model/world.ts'
import type { ProxyNode } from './kube-proxy/ports.ts'

export const ENDPOINTS_EACH = 10
const NODE_COUNT = 100

export const HERE: Node = {
  name: 'node-0',
  addresses: ['192.168.0.154'],
  podCIDRs: ['10.128.0.0/16'],
  labels: {},
  zone: '',
  ready: true,
  unschedulable: false,
  networkUnavailable: false,
  leaving: false,
}
export const PROXY_NODE: ProxyNode = {
  name: HERE.name,
  nodeAddresses: HERE.addresses,
  podCIDR: '10.128.0.0/9',
  serviceCIDR: '10.96.0.0/12',
}

/** A world that changes in place, as the agent's own does. */
export interface BenchWorld extends World {
  readonly services: Map<string, Service>
  readonly endpointSlices: Map<string, EndpointSlice>
}

const bytes = (first: number, rest: number) => `${first}.${(rest >> 16) & 255}.${(rest >> 8) & 255}.${rest & 255}`

function service(index: number): Service {
  return {
    key: `bench/service-${index}`,
    type: index % 10 === 0 ? 'NodePort' : 'ClusterIP',
    clusterIPs: [bytes(10, (96 << 16) + index + 1)],
    families: ['ipv4'],
    externalIPs: [],
    externalName: '',
    loadBalancerIPs: [],
    ports: [{ name: '', protocol: 'tcp', port: 80, nodePort: index % 10 === 0 ? 30_000 + index / 10 : 0 }],
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
    createdAtInMs: index,
  }
}

function endpoint(number: number): Endpoint {
  const node = number % NODE_COUNT
  const address = bytes(10, ((128 + node) << 16) + Math.floor(number / NODE_COUNT) + 1)
  return {
    address,
    node: `node-${node}`,
    pod: `bench/pod-${number}`,
    ready: true,
    serving: true,
    terminating: false,
    zones: [],
    nodes: [],
  }
}

function slice(index: number, firstEndpoint: number): EndpointSlice {
  return {
    key: `bench/service-${index}-slice`,
    service: `bench/service-${index}`,
    family: 'ipv4',
    ports: [{ name: '', protocol: 'tcp', port: 8080 }],
    endpoints: Array.from({ length: ENDPOINTS_EACH }, (_, offset) => endpoint(firstEndpoint + offset)),
    triggeredAtInMs: 0,
  }
}

export function benchWorld(count: number): BenchWorld {
  const indexes = Array.from({ length: count }, (_, index) => index)
  return {
    services: new Map(indexes.map((index) => [`bench/service-${index}`, service(index)])),
    endpointSlices: new Map(indexes.map((index) => [`bench/service-${index}-slice`, slice(index, index * ENDPOINTS_EACH)])),
    pods: new Map(),
    nodes: new Map([[HERE.name, HERE]]),
    serviceCIDRs: new Map(),
  }
}

/** The slice of Service `index` after its tenth pod was replaced by another, the `round`-th one, or (`gone`) by none. */
export function replacedEndpoint(world: BenchWorld, index: number, round: number, gone = false): EndpointSlice {
  const before = world.endpointSlices.get(`bench/service-${index}-slice`)
  if (before === undefined) throw new Error(`there is no Service ${index}`)
  const fresh = gone ? [] : [endpoint(world.services.size * ENDPOINTS_EACH + round)]
  return { ...before, endpoints: [...before.endpoints.slice(0, ENDPOINTS_EACH - 1), ...fresh] }
}

/** The line in which a watch tells of a slice, with what a real one carries. */
export function watchEvent(world: BenchWorld, slice: EndpointSlice): string {
  const [namespace = '', name = ''] = slice.key.split('/')
  const endpoints = slice.endpoints.map(({ address, node, pod, ready, serving, terminating }) => ({
    addresses: [address],
    conditions: { ready, serving, terminating },
    nodeName: node,
    targetRef: { kind: 'Pod', namespace, name: pod.split('/')[1], uid: `uid-of-${pod}` },
  }))
  const labels = {
    'kubernetes.io/service-name': slice.service.split('/')[1],
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
  }
  const object = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels, resourceVersion: String(world.services.size), generation: 2 },
    addressType: 'IPv4',
    ports: slice.ports.map((port) => ({ name: port.name, protocol: port.protocol.toUpperCase(), port: port.port })),
    endpoints,
  }
  return JSON.stringify({ type: 'MODIFIED', object })
}
