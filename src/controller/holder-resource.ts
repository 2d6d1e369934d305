/** The kinds of objects that have addresses of ours, and how each of them shows which. */
import { convertAddressRequest, currentAddresses, isOurs } from '../kube/address-request.ts'
import { convertFloatingRequest, currentFloating, type FloatingAddressObject } from '../kube/floating-address.ts'
import { FLOATING_ADDRESSES } from '../kube/load-balancer-resources.ts'
import { type Resource, SERVICES } from '../kube/resource.ts'
import type { KubeObject, Service } from '../kube/types.ts'
import type { HolderKind } from '../model/address-holder.ts'
import type { AddressRequest } from '../model/load-balancer.ts'

/** Source: MetalLB, which shows the pool of an address so. */
const POOL = 'metallb.io/ip-allocated-from-pool'

/** What an object is to show. */
export interface Shown {
  /** In the order of its families; empty: none. */
  readonly addresses: readonly string[]
  /** '' without addresses. */
  readonly pool: string
  /** Those that claims say it has. */
  readonly held: ReadonlySet<string>
}

/** Nothing here is ever called with an object of another kind. */
export interface HolderResource {
  readonly resource: Resource<KubeObject>
  /** Whether it is to have addresses of ours. */
  isOurs(object: KubeObject): boolean
  request(object: KubeObject): AddressRequest | undefined
  /** Those in its status, canonical. */
  current(object: KubeObject): readonly string[]
  /** Whether beside the addresses it shows the right pool. */
  showsPool(object: KubeObject, pool: string): boolean
  /** Annotations that are to be different; null: gone. */
  annotations(object: KubeObject, pool: string): Readonly<Record<string, string | null>>
  /** What of the status is ours to write. What is not ours to serve loses the addresses of ours only. */
  status(object: KubeObject, shown: Shown): object
}

/** `loadBalancerClass`: '' for Services that name no class. */
export function holderResources(loadBalancerClass: string): Readonly<Record<HolderKind, HolderResource>> {
  return { service: services(loadBalancerClass), floatingaddress: FLOATING }
}

function services(loadBalancerClass: string): HolderResource {
  const showsPool = ({ metadata: { annotations = {} } }: KubeObject, pool: string) => (annotations[POOL] ?? '') === pool
  return {
    resource: SERVICES,
    isOurs: (object) => isOurs(object as Service, loadBalancerClass),
    request: (object) => convertAddressRequest(object as Service, loadBalancerClass).value,
    current: (object) => currentAddresses(object as Service),
    showsPool,
    annotations(object, pool): Readonly<Record<string, string | null>> {
      return showsPool(object, pool) ? {} : { [POOL]: pool === '' ? null : pool }
    },
    status(object, { addresses, held }) {
      const service = object as Service
      const foreign = (service.status?.loadBalancer?.ingress ?? []).filter(({ ip = '' }) => !held.has(ip))
      const own = addresses.map((ip) => ({ ip, ipMode: 'VIP' }))
      return { loadBalancer: { ingress: isOurs(service, loadBalancerClass) ? own : foreign } }
    },
  }
}

const FLOATING: HolderResource = {
  resource: FLOATING_ADDRESSES,
  isOurs: () => true,
  request: (object) => convertFloatingRequest(object as FloatingAddressObject).value,
  current: (object) => currentFloating(object as FloatingAddressObject),
  showsPool: () => true, // it says the pool itself
  annotations: () => ({}),
  status: (_object, { addresses }) => ({ addresses }),
}
