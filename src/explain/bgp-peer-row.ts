/** One line about a node and a BGP peer. */
import type { Condition } from '../model/session-report.ts'
import type { NodeName } from '../model/world.ts'

/** How a row is to be taken: `good` works, `off` is shut on purpose, `degraded` works in part, `doubtful` works or not, `bad` does not. */
export type Health = 'good' | 'off' | 'degraded' | 'doubtful' | 'bad'

/** Why a row is what it is; decides which finding it belongs to. */
export type PeerProblem =
  | ''
  | 'down'
  /** Established, and BFD does not see the neighbour. */
  | 'unwatched'
  | 'unreported'
  | 'stale'
  | 'orphaned'
  | 'without-node'
  /** Its agents do not take the peer as it is. */
  | 'refused'
  /** The peer cannot be used as it is written, or not beside others. */
  | 'unusable'

/** One node and one peer. Texts are '' and numbers 0 where nothing is known. */
export interface PeerRow {
  readonly peer: string
  readonly namespace: string
  /** '' when no node is to speak with the peer. */
  readonly node: NodeName
  readonly address: string
  readonly asn: string
  readonly localAddress: string
  readonly localAsn: string
  /** A state of RFC 4271, `Closed`, or `None` when no session was reported. */
  readonly state: string
  readonly health: Health
  readonly problem: PeerProblem
  /** Why, in words; '' when nothing is wrong. */
  readonly reason: string
  readonly bfd: string
  readonly families: readonly string[]
  readonly routesSent: number
  readonly routesAccepted: number
  readonly routesRejected: number
  readonly gracefulRestart: boolean
  readonly draining: boolean
  /** RFC 3339; '' when not known. */
  readonly changedAt: string
  /** What the node says of the session beside its state. */
  readonly conditions: readonly Condition[]
}
