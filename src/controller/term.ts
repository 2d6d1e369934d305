/** What a leader does: plans as the world changes, and settles each Service that the plan is about. */

import type { KubeClient } from '../kube/client.ts'
import type { EventRecorder } from '../kube/events.ts'
import { KeyQueue } from '../kube/key-queue.ts'
import { apiVersionOf, SERVICES } from '../kube/resource.ts'
import { logger } from '../log/log.ts'
import type { Finding } from '../model/code.ts'
import type { ObjectKey } from '../model/world.ts'
import type { AddressWorld, AddressWorldChange } from './address-world.ts'
import { ClaimBook } from './claim-book.ts'
import type { ControllerMetrics } from './metrics.ts'
import { AddressPlan } from './plan.ts'
import { type Assignment, ServiceWriter } from './service-writer.ts'

const log = logger('controller')

/** After the plan was made from what is not so any more: the watch is to bring what is. */
const STALE_IN_MS = 200
/** As many Services are written to at a time. */
const WORKERS = 8

export interface TermOptions {
  readonly client: KubeClient
  readonly world: AddressWorld
  readonly loadBalancerClass: string
  readonly events: EventRecorder
  readonly metrics: ControllerMetrics
  /** Hears after every round. */
  readonly onPlanned: () => void
  /** Ends it: nothing is written afterwards. */
  readonly signal: AbortSignal
}

export class Term {
  private plan: AddressPlan
  private readonly options: TermOptions
  private readonly writer: ServiceWriter
  private readonly queue: KeyQueue
  private againDue: NodeJS.Timeout | undefined
  private readonly told = new Map<string, string>()

  constructor(options: TermOptions) {
    this.options = options
    const { client, signal, loadBalancerClass } = options
    this.writer = new ServiceWriter({ client, signal, loadBalancerClass, book: new ClaimBook(client, signal) })
    this.queue = new KeyQueue({
      ...{ signal, workers: WORKERS },
      sync: (key) => this.settle(key),
      failed: (service, err) => {
        options.metrics.failures.add()
        log.warn({ err, service }, 'a Service cannot be given what is planned; it is tried again')
      },
    })
    this.plan = new AddressPlan(options.world)
    this.take(this.plan.begin())
    this.queue.start()
  }

  get findings(): readonly Finding[] {
    return this.plan.findings
  }

  countsOf(pool: ObjectKey) {
    return this.plan.countsOf(pool)
  }

  change(changes: readonly AddressWorldChange[]): void {
    this.take(this.plan.change(changes))
  }

  private take(keys: ReadonlySet<ObjectKey>): void {
    this.options.metrics.rounds.add()
    for (const key of keys) this.tell(key, this.plan.findingsOf(key))
    this.queue.add(...keys)
    this.options.onPlanned()
  }

  private async settle(key: ObjectKey): Promise<number | undefined> {
    const { world, metrics, events } = this.options
    const { addresses, pool, company } = this.plan.of(key)
    const assignment: Assignment = { key, addresses, pool, company, held: world.held.get(key) ?? new Set() }
    const service = world.services.get(key)
    const { result, wrote } = await this.writer.settle(assignment, service)
    if (wrote && result === 'done') {
      metrics.assignments.add()
      log.info({ service: key, addresses, pool }, 'addresses were given')
      const about = { ...service, apiVersion: apiVersionOf(SERVICES), kind: SERVICES.kind, metadata: service?.metadata ?? {} }
      events.event(about, 'Normal', 'AddressAssigned', `Assigned ${addresses.join(' and ')} from pool ${pool}.`)
    }
    if (result === 'done') return undefined
    metrics.conflicts.add()
    log.info({ service: key, addresses }, 'someone else was faster; it is planned again')
    if (this.againDue === undefined) this.againDue = setTimeout(() => this.again(), STALE_IN_MS)
    return undefined
  }

  /** What is remembered of earlier rounds may be what another leader made untrue. */
  private again(): void {
    this.againDue = undefined
    if (this.options.signal.aborted) return
    this.plan = new AddressPlan(this.options.world)
    this.take(this.plan.begin())
  }

  /** Each finding about a Service once, when it is new. */
  private tell(key: ObjectKey, findings: readonly Finding[]): void {
    const { world, events } = this.options
    const before = this.told.get(key) ?? ''
    const now = findings.map(({ code, message }) => code.code + message).join()
    if (now === '') this.told.delete(key)
    else this.told.set(key, now)
    const service = world.services.get(key)
    if (now === before || service === undefined) return
    const about = { ...service, apiVersion: apiVersionOf(SERVICES), kind: SERVICES.kind }
    for (const { code, message, fix } of findings)
      events.event(
        about,
        code.severity === 'info' ? 'Normal' : 'Warning',
        reasonOf(code.name),
        `${message} ${fix} (${code.code})`,
      )
  }
}

/** `ADDRESS_POOL_EXHAUSTED` as `AddressPoolExhausted`. */
export function reasonOf(name: string): string {
  return name
    .split('_')
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join('')
}
