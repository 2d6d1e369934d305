/** The controller: follows the cluster always, and gives addresses while it leads and no MetalLB does the same. */

import { METRICS_TYPE, renderMetrics } from '../http/metrics.ts'
import { json, type Page } from '../http/unix-server.ts'
import type { KubeClient } from '../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../kube/events.ts'
import { standForElection } from '../kube/lease.ts'
import { logger } from '../log/log.ts'
import { FairwayError, type Finding } from '../model/code.ts'
import { CONTROLLER_METALLB_ALIVE } from '../model/codes/controller.ts'
import type { ObjectKey } from '../model/world.ts'
import { AddressWorld, type AddressWorldChange } from './address-world.ts'
import { type MetallbWatch, watchMetallb } from './metallb-watch.ts'
import { ControllerMetrics } from './metrics.ts'
import { PoolStatus } from './pool-status.ts'
import { Term } from './term.ts'

const log = logger('controller')

/** The Lease that controllers of Fairway lead by. */
export const LEASE_NAME = 'fairway-controller'

export interface ControllerOptions {
  readonly client: KubeClient
  readonly signal: AbortSignal
  readonly identity: string
  readonly leaseNamespace: string
  readonly leaseInMs: number
  readonly loadBalancerClass: string
}

export class Controller {
  private readonly options: ControllerOptions
  private readonly world: AddressWorld
  private readonly metallb: MetallbWatch
  private readonly metrics: ControllerMetrics
  private readonly events: EventRecorder
  private readonly pools: PoolStatus
  private term: Term | undefined
  /** Ends the wait for MetalLB to come or go. */
  private metallbChanged = Promise.withResolvers<void>()

  constructor(options: ControllerOptions) {
    const { client, signal, loadBalancerClass } = options
    this.options = options
    this.world = new AddressWorld({ client, signal, loadBalancerClass, onChanges: (changes) => this.change(changes) })
    this.metallb = watchMetallb(client, signal, () => {
      this.metallbChanged.resolve()
      this.metallbChanged = Promise.withResolvers()
    })
    this.events = createEventRecorder({ client, component: 'fairway-controller' })
    this.pools = new PoolStatus({ client, signal, world: this.world })
    this.metrics = new ControllerMetrics({
      leading: () => this.term !== undefined,
      connected: () => this.world.connected,
      claims: () => this.world.claims.size,
    })
  }

  /** Resolves once the cluster was read. @throws {FairwayError} CONTROLLER_METALLB_ALIVE */
  async start(): Promise<void> {
    await Promise.all([this.world.synced, this.metallb.synced])
    const { finding } = this.metallb
    if (finding !== undefined) throw new FairwayError(CONTROLLER_METALLB_ALIVE, finding.message, { fix: finding.fix })
  }

  /** Leads whenever it may; resolves when the signal ended it, with the Lease given back. */
  run(): Promise<void> {
    const { client, signal, identity, leaseNamespace, leaseInMs } = this.options
    const lead = (leading: AbortSignal) => this.lead(leading)
    return standForElection({
      ...{ client, signal, identity, namespace: leaseNamespace, name: LEASE_NAME, durationInMs: leaseInMs, lead },
    })
  }

  /** What is served on its socket. */
  get pages(): Readonly<Record<string, () => Page>> {
    return {
      '/healthz': () => ({ type: 'text/plain', text: 'ok\n' }),
      '/metrics': () => ({ type: METRICS_TYPE, text: renderMetrics(this.metrics.all) }),
      '/state': () => json(this.state),
    }
  }

  get state() {
    return {
      identity: this.options.identity,
      leading: this.term !== undefined,
      connected: this.world.connected,
      pools: [...this.world.pools.values()].map(({ key }) => ({ key, ...this.countsOf(key) })),
      claims: [...this.world.claims.values()],
      findings: this.findings.map(({ code: { code, name, severity }, subjects, message, fix }) => ({
        ...{ code, name, severity, subjects, message, fix },
      })),
    }
  }

  /** Totals as text: a pool of IPv6 may have more addresses than a number of JSON can say. */
  private countsOf(pool: ObjectKey) {
    const counts = this.term?.countsOf(pool)
    return counts && { assigned: counts.assigned, total: { ipv4: `${counts.total.ipv4}`, ipv6: `${counts.total.ipv6}` } }
  }

  private get findings(): readonly Finding[] {
    const { finding } = this.metallb
    return [...(finding === undefined ? [] : [finding]), ...this.world.findings, ...(this.term?.findings ?? [])]
  }

  private async lead(leading: AbortSignal): Promise<void> {
    const ended = new Promise<void>((resolve) => leading.addEventListener('abort', () => resolve(), { once: true }))
    while (!leading.aborted) {
      const { finding } = this.metallb
      const change = this.metallbChanged.promise
      if (finding === undefined) await this.serve(leading, ended)
      else {
        log.error({ code: finding.code.code, fix: finding.fix }, finding.message)
        await Promise.race([ended, change])
      }
    }
  }

  /** Until it leads no more, or MetalLB comes. */
  private async serve(leading: AbortSignal, ended: Promise<void>): Promise<void> {
    const over = new AbortController()
    const signal = AbortSignal.any([leading, over.signal])
    const { client, loadBalancerClass } = this.options
    const onPlanned = () => this.pools.show(this.term)
    this.term = new Term({
      client,
      world: this.world,
      loadBalancerClass,
      events: this.events,
      metrics: this.metrics,
      onPlanned,
      signal,
    })
    this.pools.show(this.term)
    while (!leading.aborted && this.metallb.finding === undefined) await Promise.race([ended, this.metallbChanged.promise])
    over.abort()
    this.term = undefined
    this.pools.show(undefined)
  }

  private change(changes: readonly AddressWorldChange[]): void {
    this.term?.change(changes)
  }
}
