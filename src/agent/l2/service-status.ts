/** Which Services this node announces by ARP and NDP, told to the API: a ServiceL2Status each, and an Event when it begins. What dead nodes said goes. */
import { isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../kube/events.ts'
import { keyOf, SERVICES } from '../../kube/resource.ts'
import { SERVICE_L2_STATUSES, serviceStatusName, writtenBy } from '../../kube/service-status-object.ts'
import { logger } from '../../log/log.ts'
import type { NodeName, ObjectKey } from '../../model/world.ts'
import { ServiceStatusWriter } from '../service-status-writer.ts'

const log = logger('l2')

/** What moves is told when it is over: a failover of a thousand addresses must not meet with a thousand writes. */
const AFTER_IN_MS = 2_000
/** What could not be written is tried again; the writer itself waits longer after a failure. */
const AGAIN_IN_MS = 10_000

export interface ServiceStatusOptions {
  readonly client: KubeClient
  readonly node: NodeName
  readonly signal: AbortSignal
  /** The Services that the node announces now, and on which interfaces. */
  readonly announced: () => ReadonlyMap<ObjectKey, ReadonlySet<string>>
  /** The other announcers that are dead, as this node sees it. */
  readonly dead: () => ReadonlySet<NodeName>
  /** From a change to its writing; 2 s by default. */
  readonly afterInMs?: number
}

export class L2ServiceStatus {
  private readonly options: ServiceStatusOptions
  private readonly writer: ServiceStatusWriter
  private readonly events: EventRecorder
  private told: ReadonlySet<ObjectKey> = new Set()
  /** Dead nodes that say nothing any more of what is announced here: the Services of that time. */
  private readonly swept = new Map<NodeName, ReadonlySet<ObjectKey>>()
  private timer: NodeJS.Timeout | undefined
  private isNoted = false

  constructor(options: ServiceStatusOptions) {
    const { client, node, signal } = options
    this.options = options
    this.writer = new ServiceStatusWriter({ client, node, signal, resource: SERVICE_L2_STATUSES })
    this.events = createEventRecorder({ client, component: 'fairway-agent', host: node })
    signal.addEventListener('abort', () => clearTimeout(this.timer))
  }

  /** Something of it may be different. */
  note(): void {
    // what moves all the time must not keep the rest from being told
    if (this.isNoted || this.options.signal.aborted) return
    this.isNoted = true
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.tell(), this.options.afterInMs ?? AFTER_IN_MS)
    this.timer.unref()
  }

  /** Somebody came back who may have taken this node for dead, and removed what it said. */
  distrust(): void {
    this.writer.distrust()
    this.note()
  }

  /** Resolves when what is being written is written. */
  settled(): Promise<void> {
    return this.writer.settled()
  }

  private tell(): void {
    this.isNoted = false
    const announced = this.options.announced()
    const statuses = [...announced].map(([service, interfaces]) => {
      return [service, { interfaces: [...interfaces].toSorted().map((name) => ({ name })) }] as const
    })
    this.writer.want(new Map(statuses))
    for (const service of announced.keys()) if (!this.told.has(service)) void this.event(service)
    this.told = new Set(announced.keys())
    void this.sweep()
    this.timer = setTimeout(() => this.tell(), AGAIN_IN_MS)
    this.timer.unref()
  }

  /** A node that died cannot take back what it said: whoever has its Services from now on does, as in MetalLB the next owner takes the object over. */
  private async sweep(): Promise<void> {
    const { dead } = this.options
    for (const node of this.swept.keys()) if (!dead().has(node)) this.swept.delete(node)
    for (const node of dead()) {
      const services = this.told
      if (services.size === 0 || services.isSubsetOf(this.swept.get(node) ?? new Set())) continue
      try {
        await this.removeOf(node, services)
        this.swept.set(node, services)
      } catch (err) {
        log.debug({ err, node }, 'what a dead node said of Services cannot be removed; trying again')
      }
    }
  }

  private async removeOf(node: NodeName, services: ReadonlySet<ObjectKey>): Promise<void> {
    const { client, dead, signal } = this.options
    const names = new Set([...services].map((service) => keyOf({ metadata: serviceStatusName(node, service) })))
    const { items } = await client.list(SERVICE_L2_STATUSES, { labelSelector: writtenBy(node), signal })
    for (const { metadata } of items) {
      const { namespace = '', name = '' } = metadata
      if (!names.has(keyOf({ metadata })) || !dead().has(node)) continue
      await client.delete(SERVICE_L2_STATUSES, { namespace, name }, { signal }).catch((error: unknown) => {
        if (!isNotFound(error)) throw error
      })
      log.info({ node, status: `${namespace}/${name}` }, 'the status of a dead node is removed')
    }
  }

  /** Source: MetalLB, the reason and the words. `kubectl describe` finds Events by uid, which only the object knows. */
  private async event(key: ObjectKey): Promise<void> {
    const { client, node } = this.options
    const [namespace = '', name = ''] = key.split('/')
    try {
      const service = await client.get(SERVICES, { namespace, name })
      this.events.event(service, 'Normal', 'nodeAssigned', `announcing from node "${node}" with protocol "layer2"`)
    } catch (err) {
      log.debug({ err, service: key }, 'no Event: the Service cannot be read')
    }
  }
}
