/** What is known of the node's sessions: what BIRD says, put together with what was asked for and with what has been before. */
import type { BgpSession, Drain, SessionPhase, SessionState } from '../../model/bgp.ts'
import type { Finding } from '../../model/code.ts'
import type { SessionReport } from '../../model/session-report.ts'
import type { Family } from '../../model/world.ts'
import { peerOf } from './subjects.ts'

/** The states of RFC 4271 by their names there. */
const STATES: Readonly<Record<SessionPhase, string>> = {
  disabled: 'Closed',
  idle: 'Idle',
  connect: 'Connect',
  active: 'Active',
  'open-sent': 'OpenSent',
  'open-confirm': 'OpenConfirm',
  established: 'Established',
}
const BFD_STATES = { none: 'None', up: 'Up', down: 'Down' } as const
const FAMILY_NAMES = { ipv4: 'IPv4', ipv6: 'IPv6' } as const

/** A session that came up, went down, or was shut on purpose. */
export interface Transition {
  readonly session: BgpSession
  readonly to: 'established' | 'down' | 'closed'
  readonly report: SessionReport
}

export interface SessionNews {
  /** Of the sessions that are wanted, in the order of their keys. */
  readonly reports: readonly SessionReport[]
  readonly transitions: readonly Transition[]
}

export interface Seen {
  readonly sessions: readonly BgpSession[]
  readonly states: readonly SessionState[]
  /** A finding about a session has its key among its subjects. */
  readonly findings: readonly Finding[]
  readonly nowInMs: number
}

export class SessionBook {
  private readonly node: string
  private readonly reports = new Map<string, SessionReport>()
  /** Sessions that a predecessor had: that they are up is no news. */
  private readonly adopted: Set<string>

  constructor(node: string, adopted: Iterable<string> = []) {
    this.node = node
    this.adopted = new Set(adopted)
  }

  /** Takes a look at all sessions; what is not among them any more is forgotten. */
  look({ sessions, states, findings, nowInMs }: Seen): SessionNews {
    const byKey = new Map(states.map((state) => [state.key, state]))
    const transitions: Transition[] = []
    const wanted = sessions.toSorted((one, other) => (one.key < other.key ? -1 : 1))
    const names = wanted.map(({ name }) => name)
    for (const session of wanted) {
      const isAlone = names.indexOf(session.name) === names.lastIndexOf(session.name)
      const before = this.reports.get(session.key)
      const found = findings.filter(({ subjects }) => subjects.includes(session.key))
      const report = reportOf({
        node: this.node,
        peer: isAlone ? session.name : peerOf(session),
        session,
        state: byKey.get(session.key),
        found,
        before,
        nowInMs,
      })
      this.reports.set(session.key, report)
      const to = this.turnOf(session.key, before, report)
      if (to !== undefined) transitions.push({ session, to, report })
      this.adopted.delete(session.key)
    }
    const keys = new Set(sessions.map(({ key }) => key))
    for (const key of this.reports.keys()) if (!keys.has(key)) this.reports.delete(key)
    return { reports: [...this.reports.values()], transitions }
  }

  private turnOf(key: string, before: SessionReport | undefined, after: SessionReport): Transition['to'] | undefined {
    const [was, is] = [before?.state === 'Established', after.state === 'Established']
    if (is) return was || (before === undefined && this.adopted.has(key)) ? undefined : 'established'
    if (!was) return undefined
    return after.state === 'Closed' ? 'closed' : 'down'
  }
}

interface Facts {
  readonly node: string
  /** With its namespace where another peer of the node has the same name. */
  readonly peer: string
  readonly session: BgpSession
  /** Undefined before BIRD has heard of it. */
  readonly state: SessionState | undefined
  readonly found: readonly Finding[]
  readonly before: SessionReport | undefined
  readonly nowInMs: number
}

function reportOf(facts: Facts): SessionReport {
  const { node, peer, session, state, before } = facts
  const up = state?.phase === 'established'
  const counts = Object.values(state?.prefixes ?? {})
  const sum = (of: 'sent' | 'accepted' | 'refused') => counts.reduce((total, count) => total + count[of], 0)
  const families = Object.keys(session.nextHops) as Family[]
  return {
    node,
    peer,
    peerAddress: session.peerAddress,
    peerAs: typeof session.peerAs === 'number' ? session.peerAs : session.peerAs === 'internal' ? session.localAs : 0,
    localAddress: state?.localAddress || session.sourceAddress,
    localAs: session.localAs,
    state: stateName(session.drain, state),
    bfd: session.bfd === undefined ? 'None' : BFD_STATES[state?.bfd ?? 'none'],
    families: families.toSorted().map((family) => FAMILY_NAMES[family]),
    routesSent: up ? sum('sent') : 0,
    routesAccepted: up ? sum('accepted') : 0,
    routesRejected: up ? sum('refused') : 0,
    gracefulRestart: up && session.gracefulRestart,
    draining: session.drain !== 'none',
    changedAt: changedAt(up, state, before, facts.nowInMs),
    lastError: up ? '' : (state?.lastError ?? ''),
    conditions: [established(session, up, facts.found)],
  }
}

function stateName(drain: Drain, state: SessionState | undefined): string {
  const name = STATES[state?.phase ?? 'idle']
  return drain === 'closed' ? 'Closed' : name === 'Closed' ? 'Idle' : name
}

/** BIRD knows since when a session is up. Of one that is not, its tries to connect are no change. */
function changedAt(up: boolean, state: SessionState | undefined, before: SessionReport | undefined, nowInMs: number): string {
  if (up && state !== undefined && state.sinceInMs > 0) return stamp(state.sinceInMs)
  return before !== undefined && (before.state === 'Established') === up ? before.changedAt : stamp(nowInMs)
}

function stamp(atInMs: number): string {
  return `${new Date(atInMs).toISOString().slice(0, 19)}Z`
}

function established(session: BgpSession, up: boolean, found: readonly Finding[]): SessionReport['conditions'][number] {
  const [first] = found
  const type = 'Established'
  if (up) return { type, holds: true, reason: 'Established', message: 'The session is established.' }
  if (session.drain === 'closed') return { type, holds: false, reason: 'Drained', message: 'The node is taken out of use.' }
  if (first === undefined) return { type, holds: false, reason: 'Connecting', message: 'The session is not established yet.' }
  return { type, holds: false, reason: first.code.name, message: first.message }
}
