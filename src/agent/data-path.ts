/** The node's data path: world -> plan -> rules, and what goes with them: recorded flows, health, others who forward here. */
import type { ListenAddress, ServiceProxyMode } from '../config/agent.ts'
import type { Conntrack } from '../engine/conntrack/conntrack.ts'
import { createReconciler, type Reconciler, type Round } from '../engine/reconcile.ts'
import type { Finding } from '../model/code.ts'
import type { DataPathEntry } from '../model/datapath.ts'
import type { Engine } from '../model/engine.ts'
import type { ForeignRules } from '../model/foreign.ts'
import { isEmpty } from '../model/plan.ts'
import type { World, WorldChange } from '../model/world.ts'
import { nodePortChoice, type PlannerOptions } from '../plan/options.ts'
import { createPlanner, type Planner } from '../plan/planner.ts'
import { FlowKeeper } from './flow-keeper.ts'
import { machineAddresses } from './machine-addresses.ts'
import type { AgentMetrics } from './metrics.ts'
import { NodeHealth } from './node-health.ts'
import { Progress } from './progress.ts'
import { type ForeignSource, ServiceProxy } from './service-proxy.ts'
import { countBackends, type ShownService, showServices } from './state.ts'

/** An engine that also hears when somebody else changed what it owns. */
export interface WatchedEngine extends Engine<DataPathEntry> {
  onForeignChange?(listener: () => void): () => void
}

export interface DataPathOptions {
  readonly node: string
  readonly engine: WatchedEngine
  /** Where recorded UDP flows are forgotten; absent: they are left alone. */
  readonly conntrack?: Conntrack
  readonly planner?: PlannerOptions
  /** `fairway` by default. */
  readonly serviceProxy?: ServiceProxyMode
  /** Where it is seen who else forwards on this node; looked at already. */
  readonly foreign?: ForeignSource
  /** Where the node is asked for its health; absent: nowhere, and the ports of Services stay closed. */
  readonly health?: ListenAddress
  /** Ends it; the rules stay. */
  readonly signal: AbortSignal
}

/** What the data path has from the agent around it. */
export interface DataPathSurroundings {
  /** As it is now; the changes that `take` is told of are in it already. */
  readonly world: () => World
  readonly metrics: AgentMetrics
  /** After a change of `findings`, outside of `take`. */
  readonly onFindings: () => void
}

/** Construct it and it waits: nothing of the node is touched before the first `take`, which has the whole world. */
export class DataPath {
  private readonly options: DataPathOptions
  private readonly around: DataPathSurroundings
  private readonly planner: Planner
  private readonly reconciler: Reconciler<DataPathEntry>
  private readonly flows: FlowKeeper | undefined
  private readonly proxy: ServiceProxy
  private readonly health: NodeHealth | undefined
  private readonly progress: Progress
  private wanted = false

  constructor(options: DataPathOptions, around: DataPathSurroundings) {
    this.options = options
    this.around = around
    const { engine, foreign, node, signal } = options
    this.planner = createPlanner(node, options.planner)
    this.proxy = new ServiceProxy(node, options.serviceProxy ?? 'fairway', this.planner)
    this.progress = new Progress(node, around.metrics)
    this.health = options.health && this.openHealth(options.health)
    this.flows = options.conntrack && this.keepFlows(options.conntrack)
    this.reconciler = createReconciler({ engine, onRound: (round) => this.noteRound(round) })
    const unsubscribe = engine.onForeignChange?.(() => this.reconciler.verify())
    if (foreign !== undefined) {
      this.takeForeign(foreign.current)
      foreign.onChange((rules) => this.takeForeign(rules))
    }
    signal.addEventListener('abort', () => {
      unsubscribe?.()
      this.flows?.close()
      this.health?.close()
    })
  }

  /** Whether the world was planned. */
  get isTold(): boolean {
    return this.wanted
  }

  get entries(): number {
    return this.planner.entries.size
  }

  /** Entries that are not yet as planned. */
  get pending(): number {
    return this.reconciler.pending.size
  }

  /** Why the last round failed; undefined when it did not. */
  get error(): Error | undefined {
    return this.progress.error
  }

  /** Who carries Services on this node. */
  get carrier(): string {
    return this.proxy.name
  }

  get findings(): readonly Finding[] {
    return [
      ...this.progress.findings,
      ...(this.flows?.findings ?? []),
      ...(this.health?.findings ?? []),
      ...this.proxy.findings,
      ...this.planner.findings,
    ]
  }

  /** Resolves when the rules are as planned; rejects when the signal aborts. */
  settled(): Promise<void> {
    return this.reconciler.settled(this.options.signal)
  }

  /** Ends after the round in progress; call it after the signal. */
  async stop(): Promise<void> {
    await Promise.all([this.reconciler.stop(), this.flows?.settled()])
  }

  /** Takes what is new in the world; the first call has all of it. */
  take(changes: readonly WorldChange[], receivedAtInMs: number): void {
    const delta = this.proxy.filter(this.planner.update(this.around.world(), changes))
    if (!this.wanted || !isEmpty(delta)) {
      this.progress.noteChanges(changes, receivedAtInMs, !this.wanted)
      this.wanted = true
      this.reconciler.want(delta)
    }
    this.syncHealth()
    this.flows?.note()
    if (this.pending === 0) this.flows?.programmed() // an endpoint that only stopped serving changes no rule
  }

  /** Where this node's pods are to keep their source address; call it when the whole world was taken, never before. */
  keepSource(cidrs: readonly string[]): void {
    this.reconciler.want(this.proxy.filter(this.planner.keepSource(cidrs)))
  }

  /** As they are shown. `findings`: all that there are on this node. */
  services(findings: readonly Finding[]): readonly ShownService[] {
    return showServices(this.around.world(), {
      findings,
      pending: this.pendingSubjects,
      error: this.error?.message,
      backends: countBackends(this.planner.entries.values(), (key) => this.planner.subjectsOf(key)),
      carries: (unit) => this.proxy.carries(unit),
    })
  }

  private get pendingSubjects(): ReadonlyMap<string, number> {
    const now = performance.now()
    const subjects = new Map([...this.progress.changing].map(([subject, sinceInMs]) => [subject, now - sinceInMs]))
    for (const key of this.reconciler.pending) {
      for (const subject of this.planner.subjectsOf(key)) if (!subjects.has(subject)) subjects.set(subject, 0)
    }
    return subjects
  }

  private keepFlows(conntrack: Conntrack): FlowKeeper {
    const { node } = this.options
    return new FlowKeeper({
      node,
      conntrack,
      targets: this.planner.udp,
      addressesHere: () => new Set([...this.nodeAddresses, ...(this.nodePortAddresses() ?? [])]),
      carries: (unit) => this.proxy.carries(unit),
      onFinding: this.around.onFindings,
    })
  }

  private openHealth(listen: ListenAddress): NodeHealth {
    const { node } = this.options
    const isStaying = () => this.around.world().nodes.get(node)?.leaving !== true
    return new NodeHealth({ node, listen, isStaying, onFinding: this.around.onFindings })
  }

  /** Others came or went: what they carry is taken out, or put in again. */
  private takeForeign(rules: ForeignRules): void {
    const delta = this.proxy.take(rules)
    this.flows?.distrust()
    if (!this.wanted || this.options.signal.aborted) return
    if (!isEmpty(delta)) this.reconciler.want(delta)
    this.syncHealth()
    this.around.onFindings()
  }

  private syncHealth(): void {
    if (this.health === undefined) return
    this.health.notePending(this.pending)
    const checks = [...this.planner.healthChecks.values()].filter(({ service }) => this.proxy.carries(`service/${service}`))
    const addresses = checks.length > 0 ? this.nodePortAddresses() : []
    this.health.sync(addresses?.length === 0 ? [] : checks, addresses ?? [])
  }

  private get nodeAddresses(): readonly string[] {
    return this.around.world().nodes.get(this.options.node)?.addresses ?? []
  }

  /** The addresses that were chosen for nodePorts, as far as the machine has them now; undefined when nobody chose. */
  private nodePortAddresses(): readonly string[] | undefined {
    const { planner = {} } = this.options
    if (planner.nodePortAddresses === undefined) return undefined
    return nodePortChoice(planner)(planner.nodePortAddresses === 'primary' ? this.nodeAddresses : machineAddresses())
  }

  private noteRound(round: Round): void {
    const failedBefore = this.error !== undefined
    this.health?.notePending(round.pending)
    this.progress.noteRound(round)
    if (round.error === undefined && round.pending === 0) this.flows?.programmed()
    if ((round.error !== undefined) !== failedBefore) this.around.onFindings()
  }
}
