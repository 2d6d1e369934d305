/** What commands about pools ask a cluster for. */
import { convertAddressClaim } from '../kube/address-claim.ts'
import { convertAddressRequest } from '../kube/address-request.ts'
import { convertNamespace } from '../kube/bgp-objects.ts'
import { NAMESPACES } from '../kube/bgp-resources.ts'
import { type Collections, type Contents, collection } from '../kube/collections.ts'
import { convertFloatingRequest } from '../kube/floating-address.ts'
import {
  ADDRESS_CLAIMS,
  BGP_ADVERTISEMENTS,
  FLOATING_ADDRESSES,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
} from '../kube/load-balancer-resources.ts'
import { convertBgpAdvertisement, convertL2Advertisement } from '../kube/pool-objects.ts'
import { convertPoolOutline } from '../kube/pool-outline.ts'
import { SERVICES } from '../kube/resource.ts'
import type { HolderKey } from '../model/address-holder.ts'
import type { Namespace } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { ADDRESS_NOT_INSTALLED } from '../model/codes/address.ts'
import type { AddressClaim, AddressRequest, BgpAdvertisement, L2Advertisement } from '../model/load-balancer.ts'
import type { PoolOutline } from '../model/pool-outline.ts'
import type { ClusterOptions } from './cluster.ts'
import { notInstalled } from './installed.ts'

export interface PoolsOptions extends ClusterOptions {
  readonly dryRun?: boolean
  readonly filename?: readonly string[]
  readonly loadBalancerClass: string
}

export interface PoolValues {
  readonly pools: PoolOutline
  readonly claims: AddressClaim
  readonly services: AddressRequest
  readonly floating: AddressRequest
  readonly namespaces: Namespace
  readonly l2Advertisements: L2Advertisement
  readonly bgpAdvertisements: BgpAdvertisement
}

export function poolCollections(loadBalancerClass: string): Collections<PoolValues> {
  return {
    pools: collection({ resource: IP_ADDRESS_POOLS, convert: convertPoolOutline, optional: true }),
    claims: collection({ resource: ADDRESS_CLAIMS, convert: convertAddressClaim, optional: true }),
    services: collection({ resource: SERVICES, convert: (raw) => convertAddressRequest(raw, loadBalancerClass) }),
    floating: collection({ resource: FLOATING_ADDRESSES, convert: convertFloatingRequest, optional: true }),
    namespaces: collection({ resource: NAMESPACES, convert: convertNamespace }),
    l2Advertisements: collection({ resource: L2_ADVERTISEMENTS, convert: convertL2Advertisement, optional: true }),
    bgpAdvertisements: collection({ resource: BGP_ADVERTISEMENTS, convert: convertBgpAdvertisement, optional: true }),
  }
}

/** Of all who are to have addresses, by holder. */
export function requestsOf({ services, floating }: Contents<PoolValues>['values']): ReadonlyMap<HolderKey, AddressRequest> {
  return new Map([...services.values(), ...floating.values()].map((request) => [request.key, request]))
}

/** Claims are stored by name, and asked for by address. */
export function claimsByAddress(claims: Contents<PoolValues>['values']['claims']): ReadonlyMap<string, AddressClaim> {
  return new Map([...claims.values()].map((claim) => [claim.address, claim]))
}

const KINDS = { pools: 'IPAddressPool', claims: 'AddressClaim' }

/** What the server lacks, and what of the objects of users cannot be used. */
export function generalFindings({ absent, findings }: Contents<PoolValues>): readonly Finding[] {
  return [...notInstalled(ADDRESS_NOT_INSTALLED, absent, KINDS), ...findings]
}
