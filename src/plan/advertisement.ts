/** Which advertisements an address of a Service has on a node, be they of L2 or of BGP. */
import ipaddr from 'ipaddr.js'
import type { AddressPool, Advertisement } from '../model/load-balancer.ts'
import type { Node, ObjectKey, Service } from '../model/world.ts'
import { anyChooses, chooses } from './selector.ts'

/** What of a Service decides how it is announced. */
export type Advertised = Pick<Service, 'addressPool' | 'labels'>

/**
 * The addresses of a Service that nodes are to announce: all of them, if it is of the class that Fairway serves, else none: whoever gave
 * them announces them. What comes to such an address is carried all the same. '' is the class of those that name none.
 * Source: Kubernetes Service API, spec.loadBalancerClass; MetalLB, flag --lb-class.
 */
export function addressesToAnnounce(
  service: Pick<Service, 'loadBalancerIPs' | 'loadBalancerClass'>,
  loadBalancerClass: string,
): readonly string[] {
  return service.loadBalancerClass === loadBalancerClass ? service.loadBalancerIPs : []
}

type Pools = ReadonlyMap<ObjectKey, AddressPool>

/** What of a pool decides how its addresses are announced. */
export type SourcePool = Pick<AddressPool, 'key' | 'name' | 'labels' | 'spans'>

/**
 * The pool that an address of a Service is from: the one that the Service names while it is there, else the one whose span holds the
 * address; of several the first by key. One that is gone still has its name: who keeps an address of it is announced by what chooses all
 * pools, or that name. Undefined: it is from no pool, and nobody announces it.
 */
export function poolOf(service: Pick<Service, 'addressPool'>, address: string, pools: Pools): SourcePool | undefined {
  const all = [...pools.values()]
  const name = service.addressPool
  const named = name === '' ? [] : all.filter((pool) => pool.name === name)
  const candidates = named.length > 0 ? named : holdersOf(address, all)
  const gone = name === '' ? undefined : { key: '', name, labels: {}, spans: [] }
  return candidates.toSorted((one, other) => (one.key < other.key ? -1 : 1))[0] ?? gone
}

/** Whether an advertisement is meant for a pool: without `pools` and `poolSelectors` it is for all, else any of them is enough. */
export function meansPool({ pools, poolSelectors }: Advertisement, pool: SourcePool): boolean {
  if (pools.length === 0 && poolSelectors.length === 0) return true
  return pools.includes(pool.name) || poolSelectors.some((selector) => chooses(selector, pool.labels))
}

/**
 * The advertisements that announce an address of a Service from a node. Whether the node may take its traffic is another question: see
 * local-traffic.ts.
 *
 * Order:  by key, whatever the order of `advertisements`.
 * Errors: never throws; an address from no pool has none.
 * Source: MetalLB v0.15 API, L2AdvertisementSpec and BGPAdvertisementSpec.
 */
export function advertisementsOf<A extends Advertisement>(
  service: Advertised,
  address: string,
  node: Pick<Node, 'labels'>,
  config: { readonly pools: Pools; readonly advertisements: ReadonlyMap<ObjectKey, A> },
): readonly A[] {
  const pool = poolOf(service, address, config.pools)
  if (pool === undefined) return []
  return [...config.advertisements.values()]
    .filter((one) => meansPool(one, pool) && anyChooses(one.services, service.labels) && anyChooses(one.nodes, node.labels))
    .sort((one, other) => (one.key < other.key ? -1 : 1))
}

function holdersOf(address: string, pools: readonly AddressPool[]): readonly AddressPool[] {
  const bytes = bytesOf(address)
  return pools.filter(({ spans }) =>
    spans.some(({ first, last }) => {
      const from = bytesOf(first)
      // addresses of one length in bytes are of one family
      return from.length === bytes.length && Buffer.compare(from, bytes) <= 0 && Buffer.compare(bytes, bytesOf(last)) <= 0
    }),
  )
}

function bytesOf(address: string): Buffer {
  return Buffer.from(ipaddr.parse(address).toByteArray())
}
