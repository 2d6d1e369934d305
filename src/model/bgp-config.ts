/** What users ask of BGP, free of Kubernetes' words: peers, profiles, and what is announced to and taken from whom. Input of planners. */
import type { LoadBalancerConfig } from './load-balancer.ts'
import type { Selector } from './selector.ts'
import type { ObjectKey } from './world.ts'

/** When a neighbour counts as dead (RFC 5880). */
export interface BfdProfile {
  readonly name: string
  readonly receiveInMs: number
  readonly transmitInMs: number
  readonly detectMultiplier: number
  readonly passive: boolean
  /** As the author gave it: BIRD has no echo mode (RFC 5880 section 6.4). */
  readonly echo: boolean
}

/** Where a password is: a Secret's, or here in the clear; absent: none. */
export type Password = { readonly text: string } | { readonly secret: ObjectKey }

/** A router that nodes speak BGP with. Addresses are canonical text. Values that BGP has no form for were left out by whoever made this. */
export interface BgpPeer {
  /** The object's key, and the name it is known by. */
  readonly key: ObjectKey
  readonly name: string
  readonly localAs: number
  readonly peerAs: number | 'internal' | 'external'
  /** '' when it is found behind `interface`. */
  readonly peerAddress: string
  readonly interface: string
  readonly sourceAddress: string
  readonly peerPort: number
  readonly holdTimeInS: number
  readonly keepaliveInS: number
  readonly connectInS: number
  /** '' for an address of the node. */
  readonly routerId: string
  /** Nodes that any of these chooses; empty: every node. */
  readonly nodes: readonly Selector[]
  readonly password?: Password
  /** The name of a profile; '' for no BFD. */
  readonly bfdProfile: string
  readonly gracefulRestart: boolean
  readonly multihop: boolean
  /** Both families go over this one session. */
  readonly bothFamilies: boolean
}

/** Names for communities; values as in `Announcement`. */
export interface CommunityNames {
  readonly key: ObjectKey
  readonly names: Readonly<Record<string, string>>
}

/** Announces addresses of pods; every node announces only its own. */
export interface PodRouteAdvertisement {
  readonly name: string
  /** Whether each node announces the ranges that its pods have addresses of. */
  readonly nodeRanges: boolean
  /** Pods that are announced one by one, while they are Ready; absent: none. */
  readonly pods?: { readonly selector: Selector; readonly namespaces: Selector }
  /** Names of peers, sorted; empty: all. */
  readonly peers: readonly string[]
  readonly nodes: readonly Selector[]
  /** Values (`A:B`, `A:B:C`), or names that `CommunityNames` explain. Sorted. */
  readonly communities: readonly string[]
  readonly localPreference?: number
  /** Lengths of the prefixes that are announced. */
  readonly lengths: { readonly ipv4: number; readonly ipv6: number }
  /** CIDRs: packets of pods to these keep the pod's address as their source. */
  readonly keepSourceTo: readonly string[]
}

/** What is taken from peers. */
export interface BgpRouteImport {
  readonly name: string
  readonly peers: readonly string[]
  readonly nodes: readonly Selector[]
  /** `maxLength` is the CIDR's own length when only the prefix itself is meant. */
  readonly prefixes: readonly { readonly cidr: string; readonly maxLength: number }[]
}

/** Labels of a namespace. */
export interface Namespace {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
}

/** A password that was asked for by name. `text` is absent while the Secret is missing or has none; `problem` then says why. */
export interface PeerSecret {
  readonly key: ObjectKey
  readonly text?: string
  readonly problem: string
}

/** All that users ask of BGP on this cluster, as one node sees it, and of load-balancer addresses, which BGP announces too. */
export interface BgpConfig extends LoadBalancerConfig {
  readonly peers: ReadonlyMap<ObjectKey, BgpPeer>
  readonly bfdProfiles: ReadonlyMap<ObjectKey, BfdProfile>
  readonly communities: ReadonlyMap<ObjectKey, CommunityNames>
  readonly podRouteAdvertisements: ReadonlyMap<string, PodRouteAdvertisement>
  readonly routeImports: ReadonlyMap<string, BgpRouteImport>
  readonly namespaces: ReadonlyMap<string, Namespace>
  readonly secrets: ReadonlyMap<ObjectKey, PeerSecret>
}
