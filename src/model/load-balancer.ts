/** What users ask of load-balancer addresses, free of Kubernetes' words: pools, who may have what, and how it is announced. Input of planners. */
import type { HolderKey } from './address-holder.ts'
import type { Selector } from './selector.ts'
import type { Family, NodeName, ObjectKey, Protocol } from './world.ts'

/** Addresses from `first` to `last`, both of them included, canonical and of one family. */
export interface AddressSpan {
  readonly family: Family
  readonly first: string
  readonly last: string
}

/** Addresses to give out. */
export interface AddressPool {
  readonly key: ObjectKey
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** In the order of the object: the first free address of the first span is given first. */
  readonly spans: readonly AddressSpan[]
  /** Whether a Service gets an address of it without asking for this pool. */
  readonly autoAssign: boolean
  /** Leaves out IPv4 addresses that end in .0 and .255. */
  readonly avoidsBuggyAddresses: boolean
  /** The lower goes first, 0 goes last. Source: MetalLB, serviceAllocation.priority. */
  readonly priority: number
  /** Whom it is for; absent: every Service. A Service must be in one of the namespaces, and be chosen by one of the selectors. */
  readonly reserved?: {
    readonly namespaces: readonly string[]
    readonly namespaceSelectors: readonly Selector[]
    readonly services: readonly Selector[]
  }
  /** Whether its author agrees that addresses which are no longer in it are taken from the Services that have them. */
  readonly mayMove: boolean
  /** Milliseconds since the epoch, from creationTimestamp: of two pools that overlap the older one is used. */
  readonly createdAtInMs: number
}

/** One port of a Service, as far as sharing an address goes. */
export interface SharedPort {
  readonly protocol: Protocol
  readonly port: number
}

/** A Service, or a FloatingAddress, that is to have an address of ours. */
export interface AddressRequest {
  readonly key: HolderKey
  readonly labels: Readonly<Record<string, string>>
  /** The families of its cluster addresses, the first one first. */
  readonly families: readonly Family[]
  /** Whether each of `families` is needed: `RequireDualStack`, or single-stack. */
  readonly needsAll: boolean
  /** Addresses that it asks for, canonical; empty: any. */
  readonly addresses: readonly string[]
  /** What it asks for cannot be read: it keeps what it has, and is given nothing. */
  readonly isUnreadable?: boolean
  /** Whether those that it asks for may be of no pool. */
  readonly mayBeOutside: boolean
  /** The pool that it asks for, by name; '' for any. */
  readonly pool: string
  /** Services with the same key may share addresses where their ports differ; '' for none. */
  readonly sharingKey: string
  readonly ports: readonly SharedPort[]
  /** Under policy Local services that share an address must have the same endpoints: their selector, as text; '' under policy Cluster. */
  readonly localBackends: string
  /** Those it has in its status, canonical. */
  readonly current: readonly string[]
  readonly createdAtInMs: number
}

/** An address that was given, as it is stored. More than one Service has it when they share it. */
export interface AddressClaim {
  readonly address: string
  /** '' for an address of no pool. */
  readonly pool: string
  /** Sorted. */
  readonly holders: readonly HolderKey[]
}

/** A node that an address may float to, and the pod there that it is for. */
export interface FloatingCandidate {
  readonly node: NodeName
  /** Its name, in the namespace of the FloatingAddress. */
  readonly pod: string
}

/** An address that follows pods of the host network, or with host ports, from node to node. */
export interface FloatingAddress {
  readonly key: ObjectKey
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Those that were given to it, canonical; at most one of a family. */
  readonly addresses: readonly string[]
  /** The pool that they are from, by name; '' for addresses that it names itself. */
  readonly addressPool: string
  /** Where it may be, the first choice first. */
  readonly candidates: readonly FloatingCandidate[]
  /** Where it is, by the last word of a node; absent: nowhere. */
  readonly place?: FloatingCandidate
  /** The pods that it follows, by labels, in its namespace. */
  readonly pods: Selector
  /** Nodes that any of these chooses; empty: every node. */
  readonly nodes: readonly Selector[]
  /** How it says itself that it is to be announced by ARP and NDP. With neither this nor `bgp` the advertisements of its pool say it. */
  readonly l2?: { readonly interfaces: readonly string[] }
  readonly bgp?: Pick<BgpAdvertisement, 'peers' | 'communities' | 'localPreference'>
}

/** What every announcement says: which addresses, of which Services, from which nodes. Empty lists: all. */
export interface Advertisement {
  readonly key: ObjectKey
  readonly name: string
  readonly pools: readonly string[]
  /** Beside `pools`: those that any of these chooses. */
  readonly poolSelectors: readonly Selector[]
  readonly services: readonly Selector[]
  readonly nodes: readonly Selector[]
}

/** Announces addresses by ARP and NDP. */
export interface L2Advertisement extends Advertisement {
  /** Names of interfaces; empty: those whose subnet holds the address. */
  readonly interfaces: readonly string[]
  /** Nodes that a selector chooses weigh more, 1 to 100 each; the heaviest live one is the owner. */
  readonly preferredNodes: readonly { readonly weight: number; readonly selector: Selector }[]
}

/** Announces addresses to BGP neighbours. */
export interface BgpAdvertisement extends Advertisement {
  /** Names of peers, sorted; empty: all. */
  readonly peers: readonly string[]
  /** Values (`A:B`, `A:B:C`), or names that `CommunityNames` explain. Sorted. */
  readonly communities: readonly string[]
  readonly localPreference?: number
  /** Lengths of the prefixes that are announced. */
  readonly lengths: { readonly ipv4: number; readonly ipv6: number }
}

/** What is asked of load-balancer addresses on this cluster. */
export interface LoadBalancerConfig {
  readonly pools: ReadonlyMap<ObjectKey, AddressPool>
  readonly l2Advertisements: ReadonlyMap<ObjectKey, L2Advertisement>
  readonly bgpAdvertisements: ReadonlyMap<ObjectKey, BgpAdvertisement>
  readonly floatingAddresses: ReadonlyMap<ObjectKey, FloatingAddress>
}

/** Of a cluster where nobody asks for load-balancer addresses. */
export const NO_LOAD_BALANCER_CONFIG: LoadBalancerConfig = {
  pools: new Map(),
  l2Advertisements: new Map(),
  bgpAdvertisements: new Map(),
  floatingAddresses: new Map(),
}
