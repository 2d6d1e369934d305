/** What a node says to its BGP neighbours and hears from them, free of any daemon's words: entries that planners make, states that are shown. */
import type { Family, NodeName } from './world.ts'

/** The node's one BGP speaker. Without it the node speaks no BGP at all. */
export interface BgpSpeaker {
  readonly kind: 'speaker'
  readonly key: 'speaker'
  /** An IPv4 address; fixed, since addresses of the node come and go. */
  readonly routerId: string
  /** Kernel table that accepted routes are installed in: the engine's own (`KERNEL_TABLE`); 0: they are not installed. */
  readonly kernelTable: number
}

/** When a neighbour counts as dead, by BFD (RFC 5880). A multiplier of 3 at 50 ms is 150 ms of silence. */
export interface BfdTimers {
  readonly receiveInMs: number
  readonly transmitInMs: number
  readonly detectMultiplier: number
  /** Waits for the neighbour to begin. */
  readonly passive: boolean
}

/**
 * How far a session has been taken out of use. `none` in use; `discouraged` all routes carry GRACEFUL_SHUTDOWN (RFC 8326), so that the
 * neighbour moves flows elsewhere; `withdrawn` no route is announced; `closed` there is no session.
 */
export type Drain = 'none' | 'discouraged' | 'withdrawn' | 'closed'

/** A prefix as CIDR text, and the longest prefix in it that is meant; the CIDR's own length: only the prefix itself. */
export interface AcceptedPrefix {
  readonly cidr: string
  readonly maxLength: number
}

/** One session with one neighbour. Addresses are canonical text. */
export interface BgpSession {
  readonly kind: 'session'
  readonly key: string
  /** The name of the peer, as its author gave it. */
  readonly name: string
  /** 1 to 2^32-1. */
  readonly localAs: number
  /** A number, or whatever the neighbour says: `internal` the same as ours, `external` any other. */
  readonly peerAs: number | 'internal' | 'external'
  readonly peerAddress: string
  readonly peerPort: number
  /** '' when the kernel chooses. */
  readonly sourceAddress: string
  /** The interface of a link-local neighbour; '' otherwise. */
  readonly interface: string
  readonly holdTimeInS: number
  readonly keepaliveInS: number
  /** Pause between tries to connect. */
  readonly connectInS: number
  /** Routers in between, plus one; 0 for a neighbour on the link (external) or anywhere (internal). */
  readonly hops: number
  /** TCP MD5 (RFC 2385); '' for none. */
  readonly password: string
  readonly bfd?: BfdTimers
  readonly gracefulRestart: boolean
  /** The families that the session carries, and our address that its routes point to; '' for the session's own source address. */
  readonly nextHops: Readonly<Partial<Record<Family, string>>>
  /** What the neighbour announces is accepted if it lies in one of these. Empty: nothing is. */
  readonly accept: readonly AcceptedPrefix[]
  readonly drain: Drain
}

/** How a route is announced to some of the sessions. */
export interface Announcement {
  /** Keys of sessions, sorted; empty: all of them. */
  readonly sessions: readonly string[]
  /** Sorted; `A:B` (RFC 1997, each 16 bits) or `A:B:C` (RFC 8092, each 32 bits). */
  readonly communities: readonly string[]
  /** Heard by internal neighbours only. */
  readonly localPreference?: number
  /** MULTI_EXIT_DISC: of the same route from several nodes a router takes the one where it is least. Absent: none is said. */
  readonly metric?: number
}

/** A prefix that this node announces, with itself as next hop. A session for which several announcements are meant carries them all. */
export interface BgpRoute {
  readonly kind: 'route'
  readonly key: string
  readonly family: Family
  readonly prefix: string
  readonly announcements: readonly Announcement[]
}

/** Watches whether another node's speaker is there, by BFD alone: no session is needed, and that node watches this one likewise. */
export interface BgpWatch {
  readonly kind: 'watch'
  readonly key: string
  readonly node: NodeName
  /** An address of that node on a subnet of this one, canonical; one of an own watch. */
  readonly address: string
  /** The same for all watches of a node. */
  readonly bfd: BfdTimers
}

/** `unknown`: not heard since our own speaker runs, or that does not run; `down`: was heard and is no more. */
export type Liveness = 'up' | 'down' | 'unknown'

export type BgpEntry = BgpSpeaker | BgpSession | BgpRoute | BgpWatch

export function watchKey(node: NodeName): string {
  return `watch/${node}`
}

export function sessionKey(name: string): string {
  return `session/${name}`
}

export function routeKey(prefix: string): string {
  return `route/${prefix}`
}

/** RFC 4271's states of a session; `disabled` is ours: it is closed on purpose, or could not be begun. */
export type SessionPhase = 'disabled' | 'idle' | 'connect' | 'active' | 'open-sent' | 'open-confirm' | 'established'

/** Prefixes of one family, counted. `refused` counts announcements since the session came up, the others what is there now. */
export interface PrefixCounts {
  readonly sent: number
  readonly accepted: number
  readonly refused: number
}

/** What is true of one session now. Times are milliseconds since the epoch. */
export interface SessionState {
  readonly key: string
  readonly phase: SessionPhase
  readonly sinceInMs: number
  /** 0 unless established; what both sides agreed on. */
  readonly holdTimeInS: number
  /** '' unless established. */
  readonly neighbourId: string
  readonly localAddress: string
  readonly prefixes: Readonly<Partial<Record<Family, PrefixCounts>>>
  /** Why it is not up, or last went down, in the daemon's words; '' when nothing went wrong. */
  readonly lastError: string
  /** `none`: the session has no BFD, or it has not been begun. */
  readonly bfd: 'none' | 'up' | 'down'
}
