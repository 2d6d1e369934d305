/** Who has a load-balancer address, as far as announcing it goes: a Service, or a FloatingAddress. */
import { type HolderKey, holderKey } from '../model/address-holder.ts'
import type { BgpAdvertisement, FloatingAddress, L2Advertisement } from '../model/load-balancer.ts'
import type { EndpointSlice, Family, NodeName, Service } from '../model/world.ts'
import { receivingNodes } from './local-traffic.ts'

/** What it says of its announcement itself, in the place of what advertisements say of its pool. */
export interface OwnAdvertisements {
  readonly l2?: L2Advertisement
  readonly bgp?: BgpAdvertisement
}

export interface Tenant {
  readonly key: HolderKey
  readonly labels: Readonly<Record<string, string>>
  /** By name; '' when nobody says. */
  readonly addressPool: string
  readonly own?: OwnAdvertisements
  /** Nodes that may take its traffic; undefined: every node. */
  receiving(family: Family): ReadonlySet<NodeName> | undefined
  /** Its own order of nodes, the first choice first; absent: addresses spread over nodes. */
  readonly order?: readonly NodeName[]
}

export function tenantOfService(service: Service, slices: readonly EndpointSlice[]): Tenant {
  const { key, labels, addressPool } = service
  return { key, labels, addressPool, receiving: (family) => receivingNodes(service, family, slices) }
}

export function tenantOfFloating(floating: FloatingAddress): Tenant {
  const { key, labels, addressPool } = floating
  const order = floating.candidates.map(({ node }) => node)
  const nodes = new Set(order)
  const own = ownAdvertisements(floating)
  return { key: holderKey('floatingaddress', key), labels, addressPool, own, order, receiving: () => nodes }
}

const EVERYTHING = { pools: [], poolSelectors: [], services: [], nodes: [] }
const WHOLE = { ipv4: 32, ipv6: 128 }

/** Undefined: it says nothing itself. The key is that of the holder. */
export function ownAdvertisements({ key, name, l2, bgp }: FloatingAddress): OwnAdvertisements | undefined {
  if (l2 === undefined && bgp === undefined) return undefined
  const base = { ...EVERYTHING, key: holderKey('floatingaddress', key), name }
  return {
    ...(l2 === undefined ? {} : { l2: { ...base, interfaces: l2.interfaces, preferredNodes: [] } }),
    ...(bgp === undefined ? {} : { bgp: { ...base, ...bgp, lengths: WHOLE } }),
  }
}

/** An address of no pool whose holder says nothing: on the subnet that it is of. */
export const PLAIN_L2: OwnAdvertisements = { l2: { ...EVERYTHING, key: '', name: '', interfaces: [], preferredNodes: [] } }
