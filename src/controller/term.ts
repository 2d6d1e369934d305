/** What a leader does: plans as the world changes, and settles each holder that the plan is about. */

import type { KubeClient } from '../kube/client.ts'
import type { EventRecorder } from '../kube/events.ts'
import { KeyQueue } from '../kube/key-queue.ts'
import { apiVersionOf, keyOf } from '../kube/resource.ts'
import type { KubeObject } from '../kube/types.ts'
import { logger } from '../log/log.ts'
import { type HolderKey, holderKey, holderOf } from '../model/address-holder.ts'
import type { Finding } from '../model/code.ts'
import type { ObjectKey } from '../model/world.ts'
import type { AddressWorld, AddressWorldChange } from './address-world.ts'
import { ClaimBook } from './claim-book.ts'
import { FloatingStatus } from './floating-status.ts'
import { holderResources } from './holder-resource.ts'
import { type Assignment, HolderWriter } from './holder-writer.ts'
import type { ControllerMetrics } from './metrics.ts'
import { AddressPlan } from './plan.ts'

const log = logger('controller')

/** After the plan was made from what is not so any more: the watch is to bring what is. */
const STALE_IN_MS = 200
const RESOURCES = holderResources('')
/** As many holders are written to at a time. */
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
  private readonly writer: HolderWriter
  private readonly queue: KeyQueue
  private readonly floating: FloatingStatus
  private againDue: NodeJS.Timeout | undefined
  private readonly told = new Map<string, string>()

  constructor(options: TermOptions) {
    this.options = options
    const { client, signal, loadBalancerClass } = options
    this.writer = new HolderWriter({ client, signal, loadBalancerClass, book: new ClaimBook(client, signal) })
    this.queue = new KeyQueue({
      ...{ signal, workers: WORKERS },
      sync: (key) => this.settle(key),
      failed: (holder, err) => {
        options.metrics.failures.add()
        log.warn({ err, holder }, 'what is planned cannot be given; it is tried again')
      },
    })
    this.floating = new FloatingStatus({
      ...{ client, signal, holders: options.world.holders },
      findingsOf: (holder) => this.findingsOf(holder),
      tell: (object, findings) => this.event(named(holderKey('floatingaddress', keyOf(object)), object), findings),
    })
    this.plan = new AddressPlan(options.world)
    this.take(this.plan.begin())
    this.queue.start()
  }

  get findings(): readonly Finding[] {
    return this.plan.findings
  }

  /** Why a holder has no addresses, or not those that it should. */
  findingsOf(key: HolderKey): readonly Finding[] {
    return [...this.options.world.findingsOf('request', key), ...this.plan.findingsOf(key)]
  }

  countsOf(pool: ObjectKey) {
    return this.plan.countsOf(pool)
  }

  change(changes: readonly AddressWorldChange[]): void {
    this.take(this.plan.change(changes))
  }

  private take(keys: ReadonlySet<HolderKey>): void {
    this.options.metrics.rounds.add()
    for (const key of keys) this.tell(key, this.findingsOf(key))
    this.queue.add(...keys)
    this.floating.look(keys)
    this.options.onPlanned()
  }

  private async settle(key: HolderKey): Promise<number | undefined> {
    const { world, metrics, events } = this.options
    const { addresses, pool, company } = this.plan.of(key)
    const assignment: Assignment = { key, addresses, pool, company, held: world.held.get(key) ?? new Set() }
    const object = world.holders.get(key)
    const { result, wrote } = await this.writer.settle(assignment, object)
    if (wrote && result === 'done') {
      metrics.assignments.add()
      log.info({ holder: key, addresses, pool }, 'addresses were given')
      const from = pool === '' ? '' : ` from pool ${pool}`
      if (object !== undefined)
        events.event(named(key, object), 'Normal', 'AddressAssigned', `Assigned ${addresses.join(' and ')}${from}.`)
    }
    if (result === 'done') return undefined
    metrics.conflicts.add()
    log.info({ holder: key, addresses }, 'someone else was faster; it is planned again')
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

  /** Each finding about a holder once, when it is new. */
  private tell(key: HolderKey, findings: readonly Finding[]): void {
    const { world } = this.options
    const before = this.told.get(key) ?? ''
    const now = findings.map(({ code, message }) => code.code + message).join()
    if (now === '') this.told.delete(key)
    else this.told.set(key, now)
    const object = world.holders.get(key)
    if (now === before || object === undefined) return
    this.event(named(key, object), findings)
  }

  private event(about: KubeObject, findings: readonly Finding[]): void {
    for (const { code, message, fix } of findings) {
      const type = code.severity === 'info' ? 'Normal' : 'Warning'
      this.options.events.event(about, type, reasonOf(code.name), `${message} ${fix} (${code.code})`)
    }
  }
}

/** What is listed does not say its kind. */
function named(key: HolderKey, object: KubeObject): KubeObject {
  const { resource } = RESOURCES[holderOf(key).kind]
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
}

/** `ADDRESS_POOL_EXHAUSTED` as `AddressPoolExhausted`. */
export function reasonOf(name: string): string {
  return name
    .split('_')
    .map((word) => word[0] + word.slice(1).toLowerCase())
    .join('')
}
