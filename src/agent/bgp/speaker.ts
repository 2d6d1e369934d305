/** The node's BGP: settings and pods -> plan -> BIRD, and what became of it back to the API. */
import type { BirdEngine } from '../../engine/bird/engine.ts'
import { createReconciler, type Reconciler, type Round } from '../../engine/reconcile.ts'
import type { Metric } from '../../http/metrics.ts'
import { type BgpConfigChange, type BgpConfigStore, startBgpConfig } from '../../kube/bgp-config.ts'
import type { KubeClient } from '../../kube/client.ts'
import { SERVICE_BGP_STATUSES } from '../../kube/service-status-object.ts'
import { logger } from '../../log/log.ts'
import {
  type BfdTimers,
  type BgpEntry,
  type BgpSession,
  type BgpWatch,
  type Drain,
  type Liveness,
  watchKey,
} from '../../model/bgp.ts'
import type { BgpConfig } from '../../model/bgp-config.ts'
import { FairwayError, type Finding } from '../../model/code.ts'
import { BGP_CONTROL_FAILED } from '../../model/codes/bgp.ts'
import { isEmpty } from '../../model/plan.ts'
import type { SessionReport } from '../../model/session-report.ts'
import type { NodeName, ObjectKey, World, WorldChange } from '../../model/world.ts'
import type { BgpChange, BgpPlanner } from '../../plan/bgp.ts'
import { keepSourceRanges } from '../../plan/keep-source.ts'
import { ServiceStatusWriter } from '../service-status-writer.ts'
import { verdictsOf } from './acceptance.ts'
import { AcceptanceWriter } from './acceptance-writer.ts'
import { DrainClock, isToDrain } from './drain-clock.ts'
import { BgpMetrics } from './metrics.ts'
import { referenceFindings, twiceFindings } from './references.ts'
import { ReportWriter } from './report-writer.ts'
import type { Routes } from './return-path.ts'
import { SessionEvents } from './session-events.ts'
import { SessionWatch } from './session-watch.ts'
import { onNode } from './subjects.ts'

const log = logger('bgp')

export interface SpeakerOptions {
  readonly node: string
  readonly client: KubeClient
  readonly engine: BirdEngine
  readonly planner: BgpPlanner
  /** As the planner has it. */
  readonly kernelTable: number
  /** `Infinity`: routes are never withdrawn by a drain. */
  readonly drainInMs: number
  readonly signal: AbortSignal
  /** After a change of `findings`. */
  readonly onFindings: () => void
  /** Where this node's pods are to keep their source address, when that is known for the first time, and when it changes. */
  readonly onKeepSource: (cidrs: readonly string[]) => void
  /** Hears of settings, first of all there are: load-balancer addresses are announced in other ways, too. */
  readonly onSettings?: (config: BgpConfig, changes: readonly BgpConfigChange[]) => void
  readonly lookEveryInMs?: number
  readonly routes?: Routes
}

const CLOSE_AFTER_MS = 10_000
/** A node that is silent for 150 ms is down. */
const WATCH_TIMES: BfdTimers = { receiveInMs: 50, transmitInMs: 50, detectMultiplier: 3, passive: false }

/** What is shown of it on the agent's socket. */
export interface BgpState {
  readonly drain: Drain
  readonly sessions: readonly SessionReport[]
  /** Prefixes that are to be announced. */
  readonly routes: number
  /** Sessions and routes that are not yet as planned. */
  readonly pending: number
  /** Why the last change could not be loaded; absent when it could. */
  readonly error?: string
}

/** Construct it and it runs, beside the data path and without touching it. BIRD goes on when it ends. */
export class Speaker {
  private readonly options: SpeakerOptions
  private readonly store: BgpConfigStore
  private readonly reconciler: Reconciler<BgpEntry>
  private readonly drain: DrainClock
  private readonly reports: ReportWriter
  private readonly acceptances: AcceptanceWriter
  private readonly services: ServiceStatusWriter
  private readonly metrics: BgpMetrics
  private watch: SessionWatch | undefined
  private world: World | undefined
  private changes: BgpChange[] = []
  private watches: readonly BgpWatch[] = []
  private readonly livenessListeners = new Set<() => void>()
  private told = ''
  private lastRound: Round | undefined
  /** Whether settings are known. */
  private isKnown = false
  private isWhole = false
  /** What is wrong between settings, on whatever node; undefined until it is looked for. */
  private amiss: readonly Finding[] | undefined
  /** How far a predecessor had come, until that was looked at. */
  private stoodAt: Drain = 'none'
  private kept: readonly string[] | undefined

  constructor(options: SpeakerOptions) {
    this.options = options
    const { client, engine, node, signal } = options
    this.drain = new DrainClock({
      withdrawAfterInMs: options.drainInMs,
      closeAfterInMs: CLOSE_AFTER_MS,
      onChange: () => this.noteDrain(),
    })
    this.reconciler = createReconciler({ engine, onRound: (round) => this.noteRound(round) })
    engine.onChange(() => {
      if (!signal.aborted) this.reconciler.verify()
    })
    engine.onLivenessChange(() => {
      for (const listener of this.livenessListeners) listener()
    })
    this.store = startBgpConfig({ client, signal, onChange: (changes) => this.takeConfig(changes) })
    this.reports = new ReportWriter({ client, node, signal })
    this.acceptances = new AcceptanceWriter({ client, node, signal, nodes: () => this.readyNodes() })
    this.services = new ServiceStatusWriter({ client, node, signal, resource: SERVICE_BGP_STATUSES })
    this.metrics = new BgpMetrics({
      reports: () => this.watch?.reports ?? [],
      routes: () => this.routes,
      pending: () => this.reconciler.pending.size,
    })
    void this.store.synced.then(() => {
      this.isKnown = true
      this.tellKept()
    })
    void this.start()
  }

  /** Resolves when what users ask of BGP was heard for the first time. */
  get settingsKnown(): Promise<void> {
    return this.store.synced
  }

  /** Takes what is new in the world; the first call has all of it. */
  takeWorld(world: World, changes: readonly WorldChange[]): void {
    const isFirst = this.world === undefined
    this.world = world
    if (changes.some(({ kind }) => kind === 'node')) this.amiss = undefined
    const meant = changes.filter(({ kind }) => kind !== 'serviceCIDR')
    if (isFirst || meant.length > 0) this.take(meant)
  }

  /** Ends after the round in progress; call it after the signal. BIRD and its sessions go on. */
  async stop(): Promise<void> {
    this.drain.close()
    await Promise.all([this.watch?.close(), this.reconciler.stop(), this.store.done])
    await Promise.all([this.reports.settled(), this.acceptances.settled(), this.services.settled()])
    await this.options.engine.close()
  }

  get findings(): readonly Finding[] {
    const { node, planner } = this.options
    const own = [...(this.watch?.findings ?? []), ...this.roundFindings()]
    return [...this.store.findings, ...planner.findings, ...own.map((finding) => onNode(node, finding))]
  }

  get state(): BgpState {
    return {
      drain: this.drain.phase,
      sessions: this.watch?.reports ?? [],
      routes: this.routes,
      pending: this.reconciler.pending.size,
      ...(this.lastRound?.error === undefined ? {} : { error: this.lastRound.error.message }),
    }
  }

  get gauges(): readonly Metric[] {
    return this.metrics.all
  }

  private get routes(): number {
    return [...this.options.planner.entries.values()].reduce((count, { kind }) => (kind === 'route' ? count + 1 : count), 0)
  }

  /** The BIRD of a predecessor is found before anything is asked of it, so that a drain goes on where it stood. */
  private async start(): Promise<void> {
    const { engine, node, kernelTable, signal } = this.options
    await engine.refresh(signal).catch((err: unknown) => log.warn({ err }, 'BIRD of before cannot be used; it is made anew'))
    const sessions = [...engine.observed.values()].filter((entry) => entry.kind === 'session')
    const events = new SessionEvents(this.options.client, node)
    await this.store.synced
    if (signal.aborted) return
    this.watch = new SessionWatch({
      ...{ node, engine, kernelTable, everyInMs: this.options.lookEveryInMs, routes: this.options.routes },
      wanted: () => this.wantedSessions(),
      adopted: sessions.map(({ key }) => key),
      onTransition: (transition) => events.tell(transition),
      onLook: (watch) => this.noteLook(watch),
    })
    this.stoodAt = sessions[0]?.drain ?? 'closed' // what was never announced need not be taken back
    this.isWhole = true
    this.take([])
  }

  private takeConfig(changes: readonly BgpConfigChange[]): void {
    this.amiss = undefined
    this.take(changes)
    this.options.onSettings?.(this.store.config, changes)
  }

  private take(changes: readonly BgpChange[]): void {
    this.changes.push(...changes)
    if (this.isKnown) this.tellKept()
    if (!this.isWhole || this.world === undefined || this.options.signal.aborted) return
    const drains = isToDrain(this.world.nodes.get(this.options.node))
    if (drains && this.stoodAt !== 'none') this.drain.resume(this.stoodAt)
    this.stoodAt = 'none'
    this.drain.set(drains)
    this.plan()
  }

  /** The rules need it as soon as settings are known: they must not wait for BIRD. */
  private tellKept(): void {
    if (this.world === undefined) return
    const cidrs = keepSourceRanges(this.world.nodes.get(this.options.node), this.store.config)
    if (this.kept?.join() === cidrs.join()) return
    this.kept = cidrs
    this.options.onKeepSource(cidrs)
  }

  private noteDrain(): void {
    log.info({ phase: this.drain.phase }, 'draining')
    if (this.options.signal.aborted) return
    this.changes.push({ kind: 'drain', key: '' })
    if (this.isWhole) this.plan()
  }

  private plan(): void {
    if (this.world === undefined) return
    const changes = this.changes.splice(0)
    const input = { world: this.world, config: this.store.config, drain: this.drain.phase, watches: this.watches }
    try {
      const delta = this.options.planner.update(input, changes)
      if (this.lastRound !== undefined && !isEmpty(delta)) this.metrics.noteWaiting(performance.now())
      if (this.lastRound === undefined || !isEmpty(delta)) this.reconciler.want(delta)
    } catch (err) {
      log.error({ err }, 'BGP could not be planned') // a mistake of ours must not stop the data path, which calls this
    }
    this.tellFindings()
  }

  private noteRound(round: Round): void {
    const failedBefore = this.lastRound?.error !== undefined
    this.lastRound = round
    if (round.error === undefined) {
      this.metrics.updates.add(round.upserts + round.removals)
      this.metrics.noteLoaded(round, performance.now())
    } else {
      this.metrics.failures.add()
      log[failedBefore ? 'debug' : 'warn']({ err: round.error, pending: round.pending }, 'BIRD could not be told; trying again')
    }
    this.watch?.soon()
  }

  private noteLook(watch: SessionWatch): void {
    this.reports.want(watch.reports)
    this.services.want(this.announcedServices())
    const { config, sources, findings } = this.store
    this.amiss ??= [...referenceFindings(config), ...twiceFindings(config, this.world?.nodes.values() ?? [])]
    this.acceptances.want(verdictsOf({ config, sources, findings: [...findings, ...this.amiss] }))
    this.tellFindings()
  }

  private tellFindings(): void {
    const now = JSON.stringify(this.findings.map(({ code, subjects, message }) => [code.code, subjects, message]))
    if (now === this.told) return
    this.told = now
    this.options.onFindings()
  }

  private roundFindings(): readonly Finding[] {
    const error = this.lastRound?.error
    if (error === undefined) return []
    const code = error instanceof FairwayError ? error.code : BGP_CONTROL_FAILED
    const fix = error instanceof FairwayError ? error.fix : code.fix
    return [{ code, subjects: [], message: error.message, fix }]
  }

  /** Has the speakers of other nodes watched, each by an address on a subnet of this node. */
  watchNodes(nodes: ReadonlyMap<NodeName, string>): void {
    this.watches = [...nodes].map(([node, address]) => ({ kind: 'watch', key: watchKey(node), node, address, bfd: WATCH_TIMES }))
    this.take([{ kind: 'watches', key: '' }])
  }

  /** What BFD says of the nodes that are watched, by name; those that nobody has watched yet are missing. */
  get liveness(): ReadonlyMap<NodeName, Liveness> {
    const { liveness } = this.options.engine
    return new Map(this.watches.flatMap(({ key, node }) => [[node, liveness.get(key) ?? 'unknown'] as const]))
  }

  /** Calls back after a change of `liveness`, until it is told to stop. */
  onLivenessChange(listener: () => void): () => void {
    this.livenessListeners.add(listener)
    return () => void this.livenessListeners.delete(listener)
  }

  private announcedServices(): ReadonlyMap<ObjectKey, { readonly peers: readonly string[] }> {
    return new Map([...this.options.planner.announcedServices].map(([service, peers]) => [service, { peers }]))
  }

  private wantedSessions(): readonly BgpSession[] {
    return [...this.options.planner.entries.values()].filter((entry) => entry.kind === 'session')
  }

  private readyNodes(): readonly string[] {
    return [...(this.world?.nodes.values() ?? [])].filter(({ ready }) => ready).map(({ name }) => name)
  }
}
