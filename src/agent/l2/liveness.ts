/** Which nodes can announce addresses, from what BFD and probes say. It has no clock and no timers of its own: whoever asks passes the time. */
import type { NodeName } from '../../model/world.ts'

/** What BFD says of a node; `unknown`: nothing (none is spoken, or our own side of it is gone). */
export type BfdState = 'up' | 'down' | 'unknown'

/** Times in milliseconds. */
export interface LivenessTimes {
  /** Between two probes of a node that is in doubt. */
  readonly doubtEvery: number
  /** Between two probes of a node that BFD says nothing of, or that is dead. */
  readonly idleEvery: number
  /** How long a node counts as live by its answers while BFD says that it is down. */
  readonly grace: number
  /** How long BFD says nothing good of a node that answers before somebody else is asked; well within `grace`. */
  readonly silent: number
  /** How long after its own start a node claims nothing, unless it knows of all the others before. */
  readonly settle: number
}

/** A live node answers within a millisecond; a lost packet and a busy machine must not look like death. */
export const LIVENESS_TIMES: LivenessTimes = { doubtEvery: 30, idleEvery: 100, grace: 10_000, silent: 2_000, settle: 3_000 }

/** Unanswered probes in a row after which a node is dead: where BFD went down as well, and where nothing else is known. */
const UNANSWERED = { withBfd: 2, alone: 3 } as const

interface Peer {
  bfd: BfdState
  bfdSinceInMs: number
  unanswered: number
  /** When the last probe that was answered was; undefined: none was. */
  answeredAtInMs: number | undefined
  /** When the next probe is due. */
  probeAtInMs: number
  isAlive: boolean
  /** Whether it is known at all if it lives. */
  isKnown: boolean
  /** Until when somebody else says that it lives. */
  vouchedUntilInMs: number
}

/**
 * The state of every peer.
 *
 * BFD up: live. BFD down: dead once two probes in a row were not answered; a node that answers (its kernel does, also while its BIRD is
 * killed) lives on for `grace`, and as long as it is vouched for. Without BFD: dead after three probes in a row, live with the first answer.
 *
 * Order: times never go back. What is asked of a node that is no peer is ignored.
 */
export class Liveness {
  private readonly self: NodeName
  private readonly times: LivenessTimes
  private readonly startedAtInMs: number
  private readonly peers = new Map<NodeName, Peer>()
  private hasSettled = false
  /** Whether any peer ever lived: one that never had any is not cut off. */
  private hasMet = false

  constructor(self: NodeName, nowInMs: number, times: LivenessTimes = LIVENESS_TIMES) {
    this.self = self
    this.startedAtInMs = nowInMs
    this.times = times
  }

  /** Whether this node may claim addresses: it knows of all the others, or has waited long enough. */
  get settled(): boolean {
    return this.hasSettled
  }

  /** Those that can announce, this node among them once it has settled. */
  get alive(): ReadonlySet<NodeName> {
    const alive = [...this.peers].filter(([, { isAlive }]) => isAlive).map(([node]) => node)
    return new Set(this.hasSettled ? [...alive, this.self] : alive)
  }

  /** Whether there were others and none of them lives. */
  get alone(): boolean {
    return this.hasMet && this.peers.size > 0 && [...this.peers.values()].every(({ isAlive }) => !isAlive)
  }

  /** States who is to be watched. A new one counts as live until it is known better: nobody takes its addresses by mistake. */
  watch(nodes: Iterable<NodeName>, nowInMs: number): void {
    const wanted = new Set(nodes)
    for (const node of this.peers.keys()) if (!wanted.has(node)) this.peers.delete(node)
    for (const node of wanted) {
      if (this.peers.has(node)) continue
      const peer: Peer = {
        ...{ bfd: 'unknown', bfdSinceInMs: nowInMs, unanswered: 0, answeredAtInMs: undefined, probeAtInMs: nowInMs },
        ...{ isAlive: true, isKnown: false, vouchedUntilInMs: 0 },
      }
      this.peers.set(node, peer)
    }
    this.tick(nowInMs)
  }

  noteBfd(node: NodeName, state: BfdState, nowInMs: number): void {
    const peer = this.peers.get(node)
    if (peer === undefined || peer.bfd === state) return
    peer.bfd = state
    peer.bfdSinceInMs = nowInMs
    peer.unanswered = 0
    peer.probeAtInMs = state === 'up' ? Number.POSITIVE_INFINITY : nowInMs
    this.judge(peer, nowInMs)
  }

  /** Somebody who is to be believed says that a node lives, for so long. It counts where the node answers and BFD is down. */
  vouch(node: NodeName, untilInMs: number, nowInMs: number): void {
    const peer = this.peers.get(node)
    if (peer === undefined) return
    peer.vouchedUntilInMs = untilInMs
    this.judge(peer, nowInMs)
  }

  /** Those that answer, while BFD says nothing good of them for longer than a BIRD takes to start again. Sorted. */
  silent(nowInMs: number): readonly NodeName[] {
    return [...this.peers]
      .filter(([, { bfd, bfdSinceInMs, unanswered, answeredAtInMs }]) => {
        const isHeard = unanswered === 0 && answeredAtInMs !== undefined
        return bfd !== 'up' && isHeard && nowInMs - bfdSinceInMs >= this.times.silent
      })
      .map(([node]) => node)
      .toSorted()
  }

  noteProbe(node: NodeName, isAnswered: boolean, nowInMs: number): void {
    const peer = this.peers.get(node)
    if (peer === undefined) return
    if (isAnswered) {
      peer.unanswered = 0
      peer.answeredAtInMs = nowInMs
    } else peer.unanswered++
    this.judge(peer, nowInMs)
  }

  /** Those that are to be probed now; each is asked for again after a while. */
  takeProbes(nowInMs: number): readonly NodeName[] {
    const due = [...this.peers].filter(([, { probeAtInMs }]) => probeAtInMs <= nowInMs)
    for (const [, peer] of due) peer.probeAtInMs = nowInMs + this.pauseOf(peer)
    return due.map(([node]) => node)
  }

  /** Lets time pass: a grace ends, or the wait after the start. */
  tick(nowInMs: number): void {
    for (const peer of this.peers.values()) this.judge(peer, nowInMs)
    const isKnown = [...this.peers.values()].every((peer) => peer.isKnown)
    this.hasSettled ||= nowInMs - this.startedAtInMs >= this.times.settle || (isKnown && this.peers.size > 0)
  }

  /** When something happens next by itself: a probe is due, or `tick` may change something. */
  get dueAtInMs(): number {
    const dues = [...this.peers.values()].flatMap(({ probeAtInMs, bfd, bfdSinceInMs, isAlive, vouchedUntilInMs }) => {
      const graceEndsAtInMs = Math.max(bfdSinceInMs + this.times.grace, vouchedUntilInMs)
      return bfd === 'down' && isAlive ? [probeAtInMs, graceEndsAtInMs] : [probeAtInMs]
    })
    return Math.min(...dues, this.hasSettled ? Number.POSITIVE_INFINITY : this.startedAtInMs + this.times.settle)
  }

  private pauseOf({ bfd, isAlive, unanswered }: Peer): number {
    if (bfd === 'up') return Number.POSITIVE_INFINITY
    const isInDoubt = isAlive && (unanswered > 0 || bfd === 'down')
    return isInDoubt ? this.times.doubtEvery : this.times.idleEvery
  }

  private judge(peer: Peer, nowInMs: number): void {
    const { bfd, unanswered, answeredAtInMs } = peer
    const limit = bfd === 'down' ? UNANSWERED.withBfd : UNANSWERED.alone
    if (bfd === 'up') this.learn(peer, true)
    else if (unanswered >= limit) this.learn(peer, false)
    else if (bfd === 'down' && nowInMs - peer.bfdSinceInMs >= this.times.grace) this.learn(peer, nowInMs < peer.vouchedUntilInMs)
    else if (unanswered === 0 && answeredAtInMs !== undefined && (bfd === 'unknown' || answeredAtInMs >= peer.bfdSinceInMs))
      this.learn(peer, peer.isAlive || bfd === 'unknown')
    if (peer.isAlive && peer.isKnown) this.hasMet = true
  }

  private learn(peer: Peer, isAlive: boolean): void {
    peer.isAlive = isAlive
    peer.isKnown = true
  }
}
