/** The clock of liveness: asks the others, hears BFD, and tells when somebody died or came back. */
import { logger } from '../../log/log.ts'
import type { NodeName } from '../../model/world.ts'
import { type BfdState, Liveness, type LivenessTimes } from './liveness.ts'

const log = logger('l2')

/** What BFD says of other nodes. */
export interface BfdSource {
  /** States who is watched, each by an address of its own on a subnet of this node. */
  watchNodes(nodes: ReadonlyMap<NodeName, string>): void
  readonly liveness: ReadonlyMap<NodeName, BfdState>
  /** Calls back after a change of `liveness`. Returns the unsubscriber. */
  onLivenessChange(listener: () => void): () => void
}

export interface PeerWatchOptions {
  readonly node: NodeName
  /** Asks a node once, by its own address; resolves to whether it answered within the time. */
  readonly probe: (node: NodeName, timeoutInMs: number) => Promise<boolean>
  /** Absent: probes alone decide. */
  readonly bfd?: BfdSource
  /** After a change of `alive` or `settled`. */
  readonly onChange: () => void
  readonly times?: LivenessTimes
}

const PROBE_TIMEOUT_IN_MS = 40
/** An answer that this process was too busy to hear is no silence. */
const LATE_IN_MS = 60

export class PeerWatch {
  private readonly options: PeerWatchOptions
  private readonly liveness: Liveness
  private readonly unsubscribe: (() => void) | undefined
  private peers: ReadonlySet<NodeName> = new Set()
  private told = ''
  private timer: NodeJS.Timeout | undefined
  private closed = false

  constructor(options: PeerWatchOptions) {
    this.options = options
    this.liveness = new Liveness(options.node, performance.now(), options.times)
    this.told = this.shown
    this.unsubscribe = options.bfd?.onLivenessChange(() => this.hearBfd())
    this.step()
  }

  get alive(): ReadonlySet<NodeName> {
    return this.liveness.alive
  }

  /** Those that are watched and do not live. */
  get dead(): ReadonlySet<NodeName> {
    return this.peers.difference(this.liveness.alive)
  }

  get settled(): boolean {
    return this.liveness.settled
  }

  /** Whether there were others and none of them lives. */
  get alone(): boolean {
    return this.liveness.alone
  }

  /** Those that answer and whose BFD is not heard; none where no BFD is spoken. */
  get silent(): readonly NodeName[] {
    return this.options.bfd === undefined ? [] : this.liveness.silent(performance.now())
  }

  /** Somebody who is to be believed says that a node lives. */
  vouch(node: NodeName, forInMs: number): void {
    const now = performance.now()
    this.liveness.vouch(node, now + forInMs, now)
    this.step()
  }

  /** States who is watched. What `alive` is afterwards is not told. */
  watch(peers: ReadonlySet<NodeName>): void {
    if (this.closed || (this.peers.size === peers.size && this.peers.isSubsetOf(peers))) return
    this.peers = new Set(peers)
    this.liveness.watch(this.peers, performance.now())
    this.told = this.shown
    this.hearBfd()
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    this.unsubscribe?.()
  }

  private get shown(): string {
    return `${this.liveness.settled} ${[...this.liveness.alive].sort().join()}`
  }

  private hearBfd(): void {
    const now = performance.now()
    for (const peer of this.peers) this.liveness.noteBfd(peer, this.options.bfd?.liveness.get(peer) ?? 'unknown', now)
    this.step()
  }

  private step(): void {
    if (this.closed) return
    clearTimeout(this.timer)
    const now = performance.now()
    this.liveness.tick(now)
    for (const peer of this.liveness.takeProbes(now)) void this.ask(peer)
    const { dueAtInMs } = this.liveness
    if (Number.isFinite(dueAtInMs)) this.timer = setTimeout(() => this.step(), Math.max(1, dueAtInMs - now))
    this.timer?.unref()
    this.tell()
  }

  private async ask(peer: NodeName): Promise<void> {
    const askedAtInMs = performance.now()
    const isAnswered = await this.options.probe(peer, PROBE_TIMEOUT_IN_MS).catch(() => false)
    const now = performance.now()
    if (this.closed || (!isAnswered && now - askedAtInMs > PROBE_TIMEOUT_IN_MS + LATE_IN_MS)) return
    this.liveness.noteProbe(peer, isAnswered, now)
    this.step()
  }

  private tell(): void {
    const { shown } = this
    if (shown === this.told) return
    this.told = shown
    log.info({ alive: [...this.alive].sort(), settled: this.settled }, 'who can announce')
    this.options.onChange()
  }
}
