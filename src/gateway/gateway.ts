/** The gateway: follows the cluster, plans, drives the proxy; and while it leads, says in Ingresses where they are reached. */
import { createReconciler, type Reconciler, type Round } from '../engine/reconcile.ts'
import { METRICS_TYPE, renderMetrics } from '../http/metrics.ts'
import { json, type Page } from '../http/unix-server.ts'
import type { KubeClient } from '../kube/client.ts'
import { FindingSet } from '../kube/finding-set.ts'
import { standForElection } from '../kube/lease.ts'
import { logger } from '../log/log.ts'
import type { Finding } from '../model/code.ts'
import type { Engine } from '../model/engine.ts'
import type { IngressChange } from '../model/ingress.ts'
import type { L7Entry } from '../model/l7.ts'
import { isEmpty } from '../model/plan.ts'
import type { ObjectKey } from '../model/world.ts'
import { createIngressPlanner, type IngressPlanner, type IngressPlannerOptions } from '../plan/ingress.ts'
import { ingressEvents } from './ingress-events.ts'
import { IngressStatus } from './ingress-status.ts'
import { IngressFollower } from './ingress-world.ts'
import { GatewayMetrics } from './metrics.ts'
import { followAddresses, type Publish, type PublishedAddresses } from './published-address.ts'
import { ServedBook } from './served-book.ts'

const log = logger('gateway')

/** The Lease of gateways that serve all classes of Fairway. */
export const LEASE_NAME = 'fairway-gateway'
/** A Service often comes a moment after the Ingress that names it. */
const FINDING_DELAY_IN_MS = 2_000
const GATHER_FINDINGS_IN_MS = 100
/** Nobody tells that a proxy began anew. It begins with all that was written: what it can miss is what it was told in that moment. */
const LOOK_AT_PROXY_IN_MS = 2_000

export interface GatewayOptions {
  readonly client: KubeClient
  readonly signal: AbortSignal
  readonly engine: Engine<L7Entry>
  readonly plan: IngressPlannerOptions
  /** '' for all that are ours. */
  readonly ingressClass: string
  readonly publish: Publish
  readonly identity: string
  readonly leaseNamespace: string
  readonly leaseInMs: number
  /** What the engine found out, and has counted. */
  readonly proxy?: ProxyNews
  /** Whether the proxy was seen to serve all of a plan before, by an earlier process: then it does so now. */
  readonly hasServed?: boolean
  readonly findingDelayInMs?: number
  readonly lookAtProxyInMs?: number
  /** As of `Following`. */
  readonly lingerInMs?: number
}

/** Of an engine, beside what every engine has. */
export interface ProxyNews {
  /** Whether a process serves that was not told all. */
  wasReplaced(): Promise<boolean>
  readonly findings: readonly Finding[]
  readonly counters: { readonly reloads: ReadonlyMap<string, number>; readonly commands: number }
}

export class Gateway {
  readonly metrics: GatewayMetrics
  private readonly options: GatewayOptions
  private readonly world: IngressFollower
  private readonly planner: IngressPlanner
  private readonly reconciler: Reconciler<L7Entry>
  private readonly published: PublishedAddresses
  private readonly findings: FindingSet
  private readonly served = new ServedBook()
  private status: IngressStatus | undefined
  private gathering: NodeJS.Timeout | undefined
  private looking: NodeJS.Timeout | undefined
  private hasSettled = false
  private error: Error | undefined

  constructor(options: GatewayOptions) {
    const { client, signal, engine, ingressClass, proxy } = options
    this.options = options
    this.planner = createIngressPlanner(options.plan)
    this.reconciler = createReconciler({ engine, onRound: (round) => this.noteRound(round) })
    this.world = new IngressFollower({
      ...{ client, signal, ingressClass },
      onChanges: (changes) => this.change(changes),
      onIngresses: (keys) => this.status?.look(keys),
    })
    const onChange = () => this.lookAtAll()
    this.published = followAddresses(client, options.publish, { signal, onChange, lingerInMs: options.lingerInMs })
    this.findings = new FindingSet({
      log,
      delayInMs: options.findingDelayInMs ?? FINDING_DELAY_IN_MS,
      onShown: ingressEvents(client, this.world.heads),
    })
    const reloads = () => proxy?.counters.reloads ?? new Map()
    this.metrics = new GatewayMetrics({
      leading: () => this.status !== undefined,
      connected: () => this.world.connected,
      isReady: () => this.isReady,
      ingresses: () => this.served.size,
      entries: () => this.planner.entries.size,
      pending: () => this.reconciler.pending.size,
      findings: () => this.findings.all.length,
      reloads,
      commands: () => proxy?.counters.commands ?? 0,
    })
  }

  /** Resolves once the proxy serves the cluster as it is. Rejects when the signal ends it before. */
  async start(): Promise<void> {
    await this.world.synced
    this.planner.update(this.world, [])
    this.planner.update(this.world, await this.world.read(this.planner.secrets))
    this.noteServed(this.world.heads.keys())
    this.reconciler.want({ upserts: [...this.planner.entries.values()], removals: [] })
    this.showSoon()
    await this.reconciler.settled(this.options.signal)
    this.hasSettled = true
    this.lookAtAll()
    this.lookAtProxy()
    log.info({ ingresses: this.served.size, entries: this.planner.entries.size }, 'the proxy serves what is planned')
  }

  /** Leads whenever it may; resolves when the signal ended it, with the Lease given back. What the proxy serves stays. */
  async run(): Promise<void> {
    const { client, signal, identity, leaseNamespace, leaseInMs, ingressClass } = this.options
    const name = ingressClass === '' ? LEASE_NAME : `${LEASE_NAME}-${ingressClass}`
    const lead = (leading: AbortSignal) => this.lead(leading)
    await standForElection({ ...{ client, signal, identity, name, lead }, namespace: leaseNamespace, durationInMs: leaseInMs })
    clearTimeout(this.gathering)
    clearTimeout(this.looking)
    this.findings.close()
    await this.reconciler.stop()
  }

  /** Serves all that it knows, or goes on serving what an earlier process gave it. */
  get isReady(): boolean {
    return this.hasSettled || this.options.hasServed === true
  }

  /** What is served on its socket, and but for the state on its port. */
  get pages(): Readonly<Record<string, () => Page>> {
    const ready = (): Page =>
      this.isReady
        ? { type: 'text/plain', text: 'ok\n' }
        : { status: 503, type: 'text/plain', text: 'the proxy does not serve what is planned yet\n' }
    return {
      '/healthz': () => ({ type: 'text/plain', text: 'ok\n' }),
      '/readyz': ready,
      '/metrics': () => ({ type: METRICS_TYPE, text: renderMetrics(this.metrics.all) }),
      '/state': () => json(this.state),
    }
  }

  get state() {
    return {
      identity: this.options.identity,
      ready: this.isReady,
      synced: this.hasSettled,
      leading: this.status !== undefined,
      connected: this.world.connected,
      entries: this.planner.entries.size,
      pending: this.reconciler.pending.size,
      ...(this.error === undefined ? {} : { error: this.error.message }),
      addresses: this.published.current ?? null,
      ingresses: [...this.served.keys].toSorted(),
      findings: this.findings.all.map(({ code: { code, name, severity }, subjects, message, fix }) => ({
        ...{ code, name, severity, subjects, message, fix },
      })),
    }
  }

  private change(changes: readonly IngressChange[]): void {
    const delta = this.planner.update(this.world, changes)
    if (!isEmpty(delta)) this.reconciler.want(delta)
    const isAnyClass = changes.some(({ kind }) => kind === 'class')
    const ingresses = changes.filter(({ kind }) => kind === 'ingress').map(({ key }) => key)
    if (isAnyClass || ingresses.length > 0) {
      const keys = isAnyClass ? [...this.served.keys, ...this.world.heads.keys()] : ingresses
      this.noteServed(keys)
      const read = this.world.need(this.planner.secrets)
      if (read.length > 0) this.change(read)
    }
    this.showSoon()
  }

  private noteServed(keys: Iterable<ObjectKey>): void {
    const all = new Set(keys)
    for (const key of all) this.served.note(key, this.planner.isServed(key), this.world.heads.has(key))
    this.status?.look(all)
  }

  private lookAtAll(): void {
    this.status?.look(this.world.heads.keys())
  }

  private async lead(leading: AbortSignal): Promise<void> {
    const { client } = this.options
    this.status = new IngressStatus({
      ...{ client, signal: leading, heads: this.world.heads },
      isServed: (key) => this.hasSettled && this.served.has(key),
      isLeft: (key) => this.served.isLeft(key),
      addresses: () => this.published.current,
      onWritten: () => this.metrics.statusWrites.add(),
      onFailure: () => this.metrics.statusFailures.add(),
    })
    this.lookAtAll()
    await new Promise<void>((resolve) => leading.addEventListener('abort', () => resolve(), { once: true }))
    this.status = undefined
  }

  private lookAtProxy(): void {
    const { proxy, signal, lookAtProxyInMs = LOOK_AT_PROXY_IN_MS } = this.options
    if (proxy === undefined || signal.aborted) return
    const look = async () => {
      if (await proxy.wasReplaced()) {
        log.info('another process of the proxy serves: what it has is compared')
        this.reconciler.verify()
      }
      this.lookAtProxy()
    }
    this.looking = setTimeout(() => void look(), lookAtProxyInMs).unref()
  }

  private noteRound({ upserts, removals, pending, tookInMs, error }: Round): void {
    const { rounds, failures } = this.metrics
    rounds.add()
    if (error !== undefined) {
      failures.add()
      log[this.error === undefined ? 'error' : 'debug'](
        { err: error, pending },
        'the proxy does not take what is planned; trying again',
      )
    } else if (this.error !== undefined) log.info('the proxy takes what is planned again')
    this.error = error
    log.debug({ upserts, removals, pending, tookInMs }, 'round')
    this.showSoon()
  }

  private showSoon(): void {
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined
      const ofWorld = this.world.findings((key) => this.planner.isServed(key))
      this.findings.replace([...ofWorld, ...this.planner.findings, ...(this.options.proxy?.findings ?? [])])
    }, GATHER_FINDINGS_IN_MS).unref()
  }
}
