/** The node's loop: the world comes in, the data path and the announcers take it, and what became of it is told. */
import { METRICS_TYPE, type Metric, renderMetrics } from '../http/metrics.ts'
import { json, type Page } from '../http/unix-server.ts'
import { type BgpConfigChange, startBgpConfig } from '../kube/bgp-config.ts'
import type { KubeClient } from '../kube/client.ts'
import { FindingSet } from '../kube/finding-set.ts'
import { startWorld, type WorldOptions, type WorldStore } from '../kube/world.ts'
import { logger } from '../log/log.ts'
import type { Finding } from '../model/code.ts'
import { AGENT_NODE_UNKNOWN } from '../model/codes/agent.ts'
import type { Family, WorldChange } from '../model/world.ts'
import type { L2Change } from '../plan/l2.ts'
import { Speaker, type SpeakerOptions } from './bgp/speaker.ts'
import { DataPath, type DataPathOptions } from './data-path.ts'
import { findingEvents } from './finding-events.ts'
import { HeldChanges } from './held-changes.ts'
import { type AnnouncerOptions, L2Announcer } from './l2/announcer.ts'
import { AgentMetrics } from './metrics.ts'
import { findRoutes } from './preflight.ts'
import { type AgentState, showFinding } from './state.ts'

export interface AgentOptions extends DataPathOptions {
  readonly client: KubeClient
  /** The node's BGP; absent: it speaks none. */
  readonly bgp?: Pick<SpeakerOptions, 'engine' | 'planner' | 'kernelTable' | 'drainInMs' | 'lookEveryInMs'>
  /** The node's announcements by ARP and NDP; absent: it makes none. */
  readonly l2?: Pick<AnnouncerOptions, 'engine' | 'links' | 'loadBalancerClass' | 'times'>
  /** How long the rules wait for the settings of BGP that they depend on, when the agent begins; 5 s by default. */
  readonly settingsTimeoutInMs?: number
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
  private readonly dataPath: DataPath
  private readonly speaker: Speaker | undefined
  private readonly announcer: L2Announcer | undefined
  private readonly findings: FindingSet
  private readonly metrics: AgentMetrics
  private readonly held: HeldChanges
  /** Seconds that the process had run when the first whole state was programmed. */
  private readyAfter = 0
  private findingsDue: NodeJS.Timeout | undefined

  constructor(options: AgentOptions) {
    this.options = options
    const { client, node, signal } = options
    this.metrics = new AgentMetrics({
      entries: () => this.dataPath.entries,
      pending: () => this.dataPath.pending,
      synced: () => this.programmed,
      readyAfter: () => this.readyAfter,
      connected: () => this.world.connected,
    })
    this.findings = new FindingSet({ log, delayInMs: options.findingDelayInMs ?? 2_000, onShown: findingEvents(client, node) })
    this.dataPath = new DataPath(options, {
      world: () => this.world.world,
      metrics: this.metrics,
      onFindings: () => this.refreshFindings(),
    })
    this.speaker = options.bgp && this.openSpeaker(options.bgp)
    this.announcer = options.l2 && this.openAnnouncer(options.l2)
    if (this.speaker === undefined) this.followSettings()
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
    this.ready = this.start()
    this.ready.catch(() => undefined) // ended before it was ready: nobody may be waiting
    signal.addEventListener('abort', () => {
      this.findings.close()
      clearTimeout(this.findingsDue)
    })
  }

  /** Ends after the round in progress; call it after the signal. What is installed stays. */
  async stop(): Promise<void> {
    await Promise.all([this.world.done, this.dataPath.stop(), this.speaker?.stop(), this.announcer?.stop()])
  }

  /** What is served on the agent's socket. */
  get pages(): Readonly<Record<string, () => Page>> {
    return {
      '/healthz': () =>
        this.programmed ? { type: 'text/plain', text: 'ok\n' } : { status: 503, type: 'text/plain', text: 'not synced\n' },
      '/metrics': () => ({ type: METRICS_TYPE, text: renderMetrics(this.gauges) }),
      '/state': () => json(this.state),
    }
  }

  get state(): AgentState {
    const findings = this.currentFindings()
    return {
      node: this.options.node,
      synced: this.programmed,
      connected: this.world.connected,
      entries: this.dataPath.entries,
      pending: this.dataPath.pending,
      error: this.dataPath.error?.message,
      serviceProxy: this.dataPath.carrier,
      services: this.dataPath.services(findings),
      findings: findings.map(showFinding),
      ...(this.speaker === undefined ? {} : { bgp: this.speaker.state }),
      ...(this.announcer === undefined ? {} : { l2: this.announcer.state }),
    }
  }

  private get gauges(): readonly Metric[] {
    return [...this.metrics.all, ...(this.speaker?.gauges ?? []), ...(this.announcer?.gauges ?? [])]
  }

  private get programmed(): boolean {
    return this.readyAfter > 0
  }

  private async start(): Promise<void> {
    await Promise.all([this.world.synced, this.held.released])
    await this.dataPath.settled()
    this.readyAfter = process.uptime()
    const { node } = this.options
    log.info({ node, entries: this.dataPath.entries, readyAfterInS: this.readyAfter }, 'the first whole state is programmed')
  }

  private take(changes: readonly WorldChange[], receivedAtInMs: number): void {
    this.metrics.changes.add(changes.length)
    this.dataPath.take(changes, receivedAtInMs)
    this.speaker?.takeWorld(this.world.world, changes)
    this.announcer?.takeWorld(this.world.world, changes)
    this.noteFindings()
  }

  private noteFindings(): void {
    if (!this.options.signal.aborted) this.findingsDue ??= setTimeout(() => this.refreshFindings(), FINDINGS_AFTER_MS)
  }

  private openSpeaker(bgp: NonNullable<AgentOptions['bgp']>): Speaker {
    const { client, node, signal } = this.options
    // called when the whole world was taken, never before
    const onKeepSource = (cidrs: readonly string[]) => this.dataPath.keepSource(cidrs)
    const onSettings: SpeakerOptions['onSettings'] = (config, changes) => this.announcer?.takeConfig(config, onL2(changes))
    return new Speaker({ ...bgp, client, node, signal, onFindings: () => this.noteFindings(), onKeepSource, onSettings })
  }

  private openAnnouncer(l2: NonNullable<AgentOptions['l2']>): L2Announcer {
    const { client, node, signal } = this.options
    const isConnected = () => this.world.connected
    return new L2Announcer({ ...l2, client, node, signal, isConnected, bfd: this.speaker, onFindings: () => this.noteFindings() })
  }

  /** What a speaker follows where there is one. */
  private followSettings(): void {
    const { announcer } = this
    if (announcer === undefined) return
    const { client, signal } = this.options
    const store = startBgpConfig({ client, signal, onChange: (changes) => announcer.takeConfig(store.config, onL2(changes)) })
  }

  /** Computed together for changes that come together: the list is as long as the cluster is large. */
  private refreshFindings(): void {
    clearTimeout(this.findingsDue)
    this.findingsDue = undefined
    if (!this.options.signal.aborted) this.findings.replace(this.currentFindings())
  }

  private currentFindings(): readonly Finding[] {
    if (!this.dataPath.isTold) return []
    return [
      ...this.nodeFindings(),
      ...this.dataPath.findings,
      ...this.world.findings,
      ...(this.speaker?.findings ?? []),
      ...(this.announcer?.findings ?? []),
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
}

/** Changes of what announcements on L2 follow from. */
function onL2(changes: readonly BgpConfigChange[]): readonly L2Change[] {
  return changes.flatMap(({ kind, key }): readonly L2Change[] =>
    kind === 'pools' || kind === 'l2Advertisements' || kind === 'bgpAdvertisements' || kind === 'floatingAddresses'
      ? [{ kind, key }]
      : [],
  )
}
