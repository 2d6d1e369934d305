/** Objects of BGP in a fake cluster, for commands that show them. */
import type { BGPSessionStatus } from '../../src/kube/bgp-session-status.ts'
import type { KubeObject } from '../../src/kube/types.ts'
import type { CliCluster } from './cli.ts'

const ESTABLISHED = {
  ...{ peerAddress: '192.168.0.1', localAddress: '192.168.0.240', localASN: 64_513, peerASN: 64_512 },
  ...{ state: 'Established', bfd: 'Up', families: ['IPv4', 'IPv6'], routesSent: 3, routesAccepted: 1, routesRejected: 2 },
  ...{ gracefulRestart: true, changedAt: '2026-01-02T02:59:05Z' },
}

/** Makes objects, or changes them: whatever is not said is as a cluster in good health has it. */
export class BgpObjects {
  readonly #cluster: CliCluster

  constructor(cluster: CliCluster) {
    this.#cluster = cluster
  }

  node(name: string, { ready = true, labels = {}, podCIDRs = [] }: NodePart = {}): void {
    const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }]
    const addresses = [{ type: 'InternalIP', address: '192.168.0.240' }]
    this.#put('/api/v1/nodes', { metadata: { name, labels }, spec: { podCIDRs }, status: { conditions, addresses } })
  }

  pod(name: string, node: string, addresses: readonly string[], labels: Readonly<Record<string, string>> = {}): void {
    const podIPs = addresses.map((ip) => ({ ip }))
    const status = { phase: 'Running', podIPs, conditions: [{ type: 'Ready', status: 'True' }] }
    this.#put('/api/v1/pods', { metadata: { namespace: 'default', name, labels }, spec: { nodeName: node }, status })
  }

  peer(name: string, spec: object = {}, status: object = {}, namespace = 'metallb-system'): void {
    const whole = { myASN: 64_513, peerASN: 64_512, peerAddress: '192.168.0.1', ...spec }
    this.#put('/apis/metallb.io/v1beta2/bgppeers', { metadata: { namespace, name }, spec: whole, status })
  }

  session(peer: string, node: string, status: Partial<BGPSessionStatus['status']> = {}): void {
    const metadata = { name: `${node}--${peer.replace('/', '.')}` }
    this.#put('/apis/fairway.dev/v1alpha1/bgpsessionstatuses', {
      metadata,
      spec: { node, peer },
      status: { ...ESTABLISHED, ...status },
    })
  }

  advertisement(name: string, spec: object): void {
    this.#put('/apis/fairway.dev/v1alpha1/podrouteadvertisements', { metadata: { name }, spec })
  }

  /** A Service that has addresses, and endpoints on these nodes. */
  service(name: string, addresses: readonly string[], spec: object = {}, nodes: readonly string[] = []): void {
    const metadata = { namespace: 'default', name }
    const ports = [{ name: '', protocol: 'TCP', port: 80 }]
    const ingress = addresses.map((ip) => ({ ip, ipMode: 'VIP' }))
    const whole = { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'], ports, ...spec }
    this.#put('/api/v1/services', { metadata, spec: whole, status: { loadBalancer: { ingress } } })
    const endpoints = nodes.map((nodeName) => ({ addresses: ['10.244.1.7'], nodeName, conditions: { ready: true } }))
    const slice = { addressType: 'IPv4', endpoints, ports: [{ name: '', protocol: 'TCP', port: 80 }] }
    const labels = { 'kubernetes.io/service-name': name }
    this.#put('/apis/discovery.k8s.io/v1/endpointslices', { metadata: { ...metadata, labels }, ...slice })
  }

  pool(name: string, addresses: readonly string[]): void {
    this.#put('/apis/metallb.io/v1beta1/ipaddresspools', { metadata: { namespace: 'metallb-system', name }, spec: { addresses } })
  }

  bgpAdvertisement(name: string, spec: object = {}): void {
    this.#put('/apis/metallb.io/v1beta1/bgpadvertisements', { metadata: { namespace: 'metallb-system', name }, spec })
  }

  removeSession(peer: string, node: string): void {
    this.#cluster.api.store.remove('/apis/fairway.dev/v1alpha1/bgpsessionstatuses', `${node}--${peer}`)
  }

  removePeer(name: string): void {
    this.#cluster.api.store.remove('/apis/metallb.io/v1beta2/bgppeers', `metallb-system/${name}`)
  }

  removePod(name: string): void {
    this.#cluster.api.store.remove('/api/v1/pods', `default/${name}`)
  }

  #put(collection: string, object: KubeObject & { readonly spec?: unknown; readonly status?: unknown }): void {
    this.#cluster.api.store.put(collection, object)
  }
}

interface NodePart {
  readonly ready?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly podCIDRs?: readonly string[]
}
