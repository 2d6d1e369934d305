/** What a node reports of one BGP session, as others read it from the API. */
import type { BgpPeer } from './bgp-config.ts'
import type { Finding } from './code.ts'
import type { Selector } from './selector.ts'
import type { NodeName, ObjectKey } from './world.ts'

/** A condition of a report or of an object that users wrote: `reason` is one word for programs, often the name of a code. */
export interface Condition {
  readonly type: string
  readonly holds: boolean
  readonly reason: string
  readonly message: string
}

/** The session of one node with one peer. Texts are '' and numbers 0 where nothing was said. */
export interface SessionReport {
  readonly node: NodeName
  /** The name of the peer. */
  readonly peer: string
  readonly peerAddress: string
  readonly peerAs: number
  readonly localAddress: string
  readonly localAs: number
  /** A state of RFC 4271 by its name there (`Established`), or `Closed` when it is shut on purpose. */
  readonly state: string
  /** `None` where there is to be none; otherwise a state of RFC 5880. */
  readonly bfd: string
  readonly families: readonly string[]
  readonly routesSent: number
  readonly routesAccepted: number
  readonly routesRejected: number
  readonly gracefulRestart: boolean
  readonly draining: boolean
  /** When the state last changed, RFC 3339. */
  readonly changedAt: string
  readonly lastError: string
  readonly conditions: readonly Condition[]
}

/** A peer as its author wrote it, usable or not. */
export interface PeerOutline {
  readonly key: ObjectKey
  readonly namespace: string
  readonly name: string
  /** An address, or the interface that the peer is behind; '' for an unusable one, as are the AS number and the nodes. */
  readonly address: string
  /** The AS number that it must have; '' where nothing is said. */
  readonly asn: string
  /** Nodes that any of these chooses; empty: every node. */
  readonly nodes: readonly Selector[]
  /** Absent when it cannot be used. */
  readonly usable?: BgpPeer
  /** What is wrong with it as it is written. */
  readonly findings: readonly Finding[]
  readonly conditions: readonly Condition[]
}
