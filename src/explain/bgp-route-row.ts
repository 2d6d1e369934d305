/** One line about a prefix that a node announces. */
import type { NodeName, ObjectKey } from '../model/world.ts'
import type { Health } from './bgp-peer-row.ts'

/** Why a node announces a prefix, as one advertisement asks for it. */
export interface RouteSource {
  readonly kind: 'PodRouteAdvertisement' | 'BGPAdvertisement' | 'FloatingAddress'
  /** The name of the advertisement; of a FloatingAddress its key. */
  readonly advertisement: string
  /** It is a range that pods of the node have addresses of, whole or in part. */
  readonly nodeRange: boolean
  /** The pods that are announced with it, sorted; none for a range. */
  readonly pods: readonly ObjectKey[]
  /** The Services whose load-balancer addresses are announced with it, sorted. */
  readonly services: readonly ObjectKey[]
}

/** A prefix on its way to one peer of the node. */
export interface RoutePath {
  readonly peer: string
  readonly namespace: string
  /** Of the session, as in `PeerRow`; `None` when none was reported. */
  readonly state: string
  readonly draining: boolean
  /** The session is established, and the node has not yet withdrawn its routes to drain. */
  readonly announced: boolean
  /** Sorted, as values. */
  readonly communities: readonly string[]
  /** Absent where nothing is said, and of meaning to internal peers alone. */
  readonly localPreference?: number
  /** MULTI_EXIT_DISC; absent where nothing is said. The least one is where routers go. */
  readonly metric?: number
}

/** One prefix of one node. */
export interface RouteRow {
  readonly prefix: string
  readonly node: NodeName
  /** What it is announced for, in words: `node range`, `default/web`, `3 pods`, `service default/web`, `floating address default/vip`. */
  readonly for: string
  readonly health: Health
  /** How many of the sessions that it is meant for are established, and how many there are. */
  readonly announcedTo: number
  readonly meantFor: number
  readonly sources: readonly RouteSource[]
  readonly paths: readonly RoutePath[]
}
