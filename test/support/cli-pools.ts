/** Pools, claims and Services in a fake cluster, for commands that show them. */
import type { KubeObject, Service } from '../../src/kube/types.ts'
import type { CliCluster } from './cli.ts'

/** Makes objects, or changes them. Services come one second after the other. */
export class PoolObjects {
  readonly #cluster: CliCluster
  #second = 0

  constructor(cluster: CliCluster) {
    this.#cluster = cluster
    this.#put('/api/v1/namespaces', { metadata: { name: 'default', labels: { team: 'web' } } })
  }

  pool(name: string, addresses: unknown, spec: object = {}, status: object = {}): void {
    const metadata = { namespace: 'metallb-system', name, creationTimestamp: '2026-01-02T03:00:00Z' }
    this.#put('/apis/metallb.io/v1beta1/ipaddresspools', { metadata, spec: { addresses, ...spec }, status })
  }

  removePool(name: string): void {
    this.#cluster.api.store.remove('/apis/metallb.io/v1beta1/ipaddresspools', `metallb-system/${name}`)
  }

  l2(name: string, spec: object = {}): void {
    this.#put('/apis/metallb.io/v1beta1/l2advertisements', { metadata: { namespace: 'metallb-system', name }, spec })
  }

  bgp(name: string, spec: object = {}): void {
    this.#put('/apis/metallb.io/v1beta1/bgpadvertisements', { metadata: { namespace: 'metallb-system', name }, spec })
  }

  /** Without addresses it waits for one. */
  service(key: string, { addresses = [], annotations = {}, spec = {} }: ServicePart = {}): void {
    const [namespace = '', name = ''] = key.split('/')
    const creationTimestamp = new Date(Date.UTC(2026, 0, 2, 4, 0, this.#second++)).toISOString()
    const ports = [{ name: 'http', port: 80 }]
    this.#put('/api/v1/services', {
      metadata: { namespace, name, creationTimestamp, annotations },
      spec: { type: 'LoadBalancer', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack', ports, ...spec },
      status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip })) } },
    })
  }

  /** `name` is that of the object; the address as it is for IPv4. */
  claim(address: string, pool: string, holders: readonly string[], name = address): void {
    this.#put('/apis/fairway.dev/v1alpha1/addressclaims', { metadata: { name }, spec: { address, pool, holders } })
  }

  #put(collection: string, object: KubeObject & { readonly spec?: unknown; readonly status?: unknown }): void {
    this.#cluster.api.store.put(collection, object)
  }
}

interface ServicePart {
  readonly addresses?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly spec?: Partial<Service['spec']>
}
