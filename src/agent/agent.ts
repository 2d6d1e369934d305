/** The node's loop: world -> plan -> kernel. */

import type { ListenAddress, ServiceProxyMode } from '../config/agent.ts'
import type { Conntrack } from '../engine/conntrack/conntrack.ts'
import { createReconciler, type Reconciler, type Round } from '../engine/reconcile.ts'
import { METRICS_TYPE, renderMetrics } from '../http/metrics.ts'
import { json, type Page } from '../http/unix-server.ts'
import type { KubeClient } from '../kube/client.ts'
import { startWorld, type WorldOptions, type WorldStore } from '../kube/world.ts'
import { logger } from '../log/log.ts'
import { FairwayError, type Finding } from '../model/code.ts'
import { AGENT_NODE_UNKNOWN, AGENT_PROGRAM_FAILED } from '../model/codes/agent.ts'
import type { DataPathEntry } from '../model/datapath.ts'
import type { Engine } from '../model/engine.ts'
import type { ForeignRules } from '../model/foreign.ts'
import { isEmpty } from '../model/plan.ts'
import type { Family, WorldChange } from '../model/world.ts'
import { nodePortChoice, type PlannerOptions } from '../plan/options.ts'
import { createPlanner, type Planner } from '../plan/planner.ts'
import { Speaker, type SpeakerOptions } from './bgp/speaker.ts'
import { findingEvents } from './finding-events.ts'
import { FindingSet } from './finding-set.ts'
import { FlowKeeper } from './flow-keeper.ts'
import { HeldChanges } from './held-changes.ts'
import { machineAddresses } from './machine-addresses.ts'
import { AgentMetrics } from './metrics.ts'
import { NodeHealth } from './node-health.ts'
import { findRoutes } from './preflight.ts'
import { type ForeignSource, ServiceProxy } from './service-proxy.ts'
import { type AgentState, countBackends, showFinding, showServices } from './state.ts'

/** An engine that also hears when somebody else changed what it owns. */
export interface WatchedEngine extends Engine<DataPathEntry> {
  onForeignChange?(listener: () => void): () => void
}

export interface AgentOptions {
  readonly node: string
  readonly client: KubeClient
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
  /** The node's BGP; absent: it speaks none. */
  readonly bgp?: Pick<SpeakerOptions, 'engine' | 'planner' | 'kernelTable' | 'drainInMs' | 'lookEveryInMs'>
  /** How long the rules wait for the settings of BGP that they depend on, when the agent begins; 5 s by default. */
  readonly settingsTimeoutInMs?: number
  /** Ends it; the rules stay. */
  readonly signal: AbortSignal
  /** How long a finding stands before it is told; 2 s by default. */
  readonly findingDelayInMs?: number
  readonly reflector?: WorldOptions['reflector']
}

const log = logger('agent')
const FINDINGS_AFTER_MS = 100

/** One agent. Construct it and it runs; nothing of the node is touched before the world is whole. */
export class Agent {
  /** Resolves after the first whole state was programmed. */
  readonly ready: Promise<void>
  private readonly options: AgentOptions
  private readonly world: WorldStore
  private readonly planner: Planner
  private readonly reconciler: Reconciler<DataPathEntry>
  private readonly findings: FindingSet
  private readonly flows: FlowKeeper | undefined
  private readonly proxy: ServiceProxy
  private readonly health: NodeHealth | undefined
  private readonly speaker: Speaker | undefined
  private readonly metrics: AgentMetrics
  /** When the bytes of the changes came whose rules are not yet in the kernel. */
  private waiting: number[] = []
  /** When what changed the endpoints happened, of changes whose rules are not yet in the kernel, in milliseconds since the epoch. */
  private triggers: number[] = []
  /** Services that those changes are about, and since when: what they no longer ask for belongs to nobody in the plan. */
  private readonly changing = new Map<string, number>()
  private lastRound: Round | undefined
  private wanted = false
  private readonly held: HeldChanges
  /** Seconds that the process had run when the first whole state was programmed. */
  private readyAfter = 0
  private findingsDue: NodeJS.Timeout | undefined

  constructor(options: AgentOptions) {
    this.options = options
    const { client, engine, node, signal } = options
    this.planner = createPlanner(node, options.planner)
    this.proxy = new ServiceProxy(node, options.serviceProxy ?? 'fairway', this.planner)
    this.health = options.health && this.openHealth(options.health)
    this.flows = options.conntrack && this.keepFlows(options.conntrack)
    this.speaker = options.bgp && this.openSpeaker(options.bgp)
    this.metrics = new AgentMetrics({
      entries: () => this.planner.entries.size,
      pending: () => this.pending,
      synced: () => this.programmed,
      readyAfter: () => this.readyAfter,
      connected: () => this.world.connected,
    })
    this.findings = new FindingSet({ log, delayInMs: options.findingDelayInMs ?? 2_000, onShown: findingEvents(client, node) })
    this.reconciler = createReconciler({ engine, onRound: (round) => this.noteRound(round) })
    const unsubscribe = engine.onForeignChange?.(() => this.reconciler.verify())
    this.world = startWorld({
      client,
      node,
      signal,
      reflector: options.reflector,
      onChanges: (changes, { receivedAtInMs }) => this.held.hear(changes, receivedAtInMs),
    })
    this.held = new HeldChanges({
      until: this.speaker && Promise.all([this.world.synced, this.speaker.settingsKnown]),
      timeoutInMs: options.settingsTimeoutInMs ?? 5_000,
      signal,
      take: (changes, receivedAtInMs) => this.take(changes, receivedAtInMs),
    })
    if (options.foreign !== undefined) {
      this.takeForeign(options.foreign.current)
      options.foreign.onChange((rules) => this.takeForeign(rules))
    }
    this.ready = this.start()
    this.ready.catch(() => undefined) // ended before it was ready: nobody may be waiting
    signal.addEventListener('abort', () => {
      unsubscribe?.()
      this.findings.close()
      this.flows?.close()
      this.health?.close()
      clearTimeout(this.findingsDue)
    })
  }

  /** Ends after the round in progress; call it after the signal. What is installed stays. */
  async stop(): Promise<void> {
    await Promise.all([this.world.done, this.reconciler.stop(), this.flows?.settled(), this.speaker?.stop()])
  }

  /** What is served on the agent's socket. */
  get pages(): Readonly<Record<string, () => Page>> {
    return {
      '/healthz': () =>
        this.programmed ? { type: 'text/plain', text: 'ok\n' } : { status: 503, type: 'text/plain', text: 'not synced\n' },
      '/metrics': () => ({ type: METRICS_TYPE, text: renderMetrics([...this.metrics.all, ...(this.speaker?.gauges ?? [])]) }),
      '/state': () => json(this.state),
    }
  }

  get state(): AgentState {
    const findings = this.currentFindings()
    return {
      node: this.options.node,
      synced: this.programmed,
      connected: this.world.connected,
      entries: this.planner.entries.size,
      pending: this.pending,
      error: this.lastRound?.error?.message,
      serviceProxy: this.proxy.name,
      services: showServices(this.world.world, {
        findings,
        pending: this.pendingSubjects,
        error: this.lastRound?.error?.message,
        backends: countBackends(this.planner.entries.values(), (key) => this.planner.subjectsOf(key)),
        carries: (unit) => this.proxy.carries(unit),
      }),
      findings: findings.map(showFinding),
      ...(this.speaker === undefined ? {} : { bgp: this.speaker.state }),
    }
  }

  private get programmed(): boolean {
    return this.readyAfter > 0
  }

  private get pending(): number {
    return this.reconciler.pending.size
  }

  private get pendingSubjects(): ReadonlyMap<string, number> {
    const now = performance.now()
    const subjects = new Map([...this.changing].map(([subject, sinceInMs]) => [subject, now - sinceInMs]))
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
      onFinding: () => this.refreshFindings(),
    })
  }

  private async start(): Promise<void> {
    await Promise.all([this.world.synced, this.held.released])
    await this.reconciler.settled(this.options.signal)
    this.readyAfter = process.uptime()
    const { node } = this.options
    log.info({ node, entries: this.planner.entries.size, readyAfterInS: this.readyAfter }, 'the first whole state is programmed')
  }

  private take(changes: readonly WorldChange[], receivedAtInMs: number): void {
    this.metrics.changes.add(changes.length)
    const delta = this.proxy.filter(this.planner.update(this.world.world, changes))
    if (!this.wanted || !isEmpty(delta)) {
      if (this.wanted) {
        this.waiting.push(receivedAtInMs)
        this.triggers.push(...changes.flatMap(triggerOf))
      }
      this.wanted = true
      for (const service of changes.flatMap(servicesOf)) this.noteChanging(`service/${service}`, receivedAtInMs)
      this.reconciler.want(delta)
    }
    this.speaker?.takeWorld(this.world.world, changes)
    this.syncHealth()
    this.flows?.note()
    if (this.pending === 0) this.flows?.programmed() // an endpoint that only stopped serving changes no rule
    this.noteFindings()
  }

  private noteFindings(): void {
    if (!this.options.signal.aborted) this.findingsDue ??= setTimeout(() => this.refreshFindings(), FINDINGS_AFTER_MS)
  }

  private noteChanging(subject: string, sinceInMs: number): void {
    if (!this.changing.has(subject)) this.changing.set(subject, sinceInMs)
  }

  /** Others came or went: what they carry is taken out, or put in again. */
  private takeForeign(rules: ForeignRules): void {
    const delta = this.proxy.take(rules)
    this.flows?.distrust()
    if (!this.wanted || this.options.signal.aborted) return
    if (!isEmpty(delta)) this.reconciler.want(delta)
    this.syncHealth()
    this.refreshFindings()
  }

  private syncHealth(): void {
    if (this.health === undefined) return
    this.health.notePending(this.pending)
    const checks = [...this.planner.healthChecks.values()].filter(({ service }) => this.proxy.carries(`service/${service}`))
    const addresses = checks.length > 0 ? this.nodePortAddresses() : []
    this.health.sync(addresses?.length === 0 ? [] : checks, addresses ?? [])
  }

  private get nodeAddresses(): readonly string[] {
    return this.world.world.nodes.get(this.options.node)?.addresses ?? []
  }

  /** The addresses that were chosen for nodePorts, as far as the machine has them now; undefined when nobody chose. */
  private nodePortAddresses(): readonly string[] | undefined {
    const { planner = {} } = this.options
    if (planner.nodePortAddresses === undefined) return undefined
    return nodePortChoice(planner)(planner.nodePortAddresses === 'primary' ? this.nodeAddresses : machineAddresses())
  }

  private openSpeaker(bgp: NonNullable<AgentOptions['bgp']>): Speaker {
    const { client, node, signal } = this.options
    // called when the whole world was taken, never before
    const onKeepSource = (cidrs: readonly string[]) => this.reconciler.want(this.proxy.filter(this.planner.keepSource(cidrs)))
    return new Speaker({ ...bgp, client, node, signal, onFindings: () => this.noteFindings(), onKeepSource })
  }

  private openHealth(listen: ListenAddress): NodeHealth {
    const { node } = this.options
    const isStaying = () => this.world.world.nodes.get(node)?.leaving !== true
    return new NodeHealth({ node, listen, isStaying, onFinding: () => this.refreshFindings() })
  }

  private noteRound(round: Round): void {
    const failedBefore = this.lastRound?.error !== undefined
    this.lastRound = round
    this.metrics.rounds.add()
    this.health?.notePending(round.pending)
    if (round.error !== undefined) {
      this.metrics.failures.add()
      const code = round.error instanceof FairwayError ? round.error.code.code : AGENT_PROGRAM_FAILED.code
      log[failedBefore ? 'debug' : 'error'](
        { code, err: round.error, pending: round.pending },
        'rules could not be programmed; trying again',
      )
    } else if (round.pending === 0) {
      const now = performance.now()
      for (const receivedAtInMs of this.waiting) this.metrics.latency.observe((now - receivedAtInMs) / 1000)
      for (const triggeredAtInMs of this.triggers) this.metrics.network.observe(Math.max(0, Date.now() - triggeredAtInMs) / 1000)
      this.waiting = []
      this.triggers = []
      this.changing.clear()
      this.flows?.programmed()
      log.debug({ ...round }, 'round')
    }
    if ((round.error !== undefined) !== failedBefore) this.refreshFindings()
  }

  /** Computed together for changes that come together: the list is as long as the cluster is large. */
  private refreshFindings(): void {
    clearTimeout(this.findingsDue)
    this.findingsDue = undefined
    if (!this.options.signal.aborted) this.findings.replace(this.currentFindings())
  }

  private currentFindings(): readonly Finding[] {
    if (!this.wanted) return []
    return [
      ...this.nodeFindings(),
      ...this.roundFindings(),
      ...(this.flows?.findings ?? []),
      ...(this.health?.findings ?? []),
      ...this.proxy.findings,
      ...this.world.findings,
      ...this.planner.findings,
      ...(this.speaker?.findings ?? []),
    ]
  }

  private nodeFindings(): readonly Finding[] {
    const { node } = this.options
    const known = this.world.world.nodes.get(node)
    if (known !== undefined)
      return findRoutes(node, new Set(known.addresses.map((address): Family => (address.includes(':') ? 'ipv6' : 'ipv4'))))
    const message = `There is no node ${node} in the cluster, so its addresses are not known and no NodePort is served.`
    return [{ code: AGENT_NODE_UNKNOWN, subjects: [`node/${node}`], message, fix: AGENT_NODE_UNKNOWN.fix }]
  }

  private roundFindings(): readonly Finding[] {
    const error = this.lastRound?.error
    if (error === undefined) return []
    const fix = error instanceof FairwayError ? error.fix : AGENT_PROGRAM_FAILED.fix
    const message = `The rules of node ${this.options.node} could not be changed: ${error.message}`
    return [{ code: AGENT_PROGRAM_FAILED, subjects: [`node/${this.options.node}`], message, fix }]
  }
}

function servicesOf(change: WorldChange): readonly string[] {
  if (change.kind === 'service') return [change.key]
  if (change.kind !== 'endpointSlice') return []
  return [change.before, change.after].flatMap((slice) => slice?.service ?? [])
}

/** When a change of endpoints was triggered; none when that is not known, or known already. */
function triggerOf(change: WorldChange): readonly number[] {
  if (change.kind !== 'endpointSlice' || change.after === undefined) return []
  const { triggeredAtInMs } = change.after
  return triggeredAtInMs === 0 || triggeredAtInMs === change.before?.triggeredAtInMs ? [] : [triggeredAtInMs]
}
