/** Which Services this node announces by ARP and NDP, told to the API: a ServiceL2Status each, and an Event when it begins. */
import type { KubeClient } from '../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../kube/events.ts'
import { SERVICES } from '../../kube/resource.ts'
import { SERVICE_L2_STATUSES } from '../../kube/service-status-object.ts'
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
}

export class L2ServiceStatus {
  private readonly options: ServiceStatusOptions
  private readonly writer: ServiceStatusWriter
  private readonly events: EventRecorder
  private told: ReadonlySet<ObjectKey> = new Set()
  private timer: NodeJS.Timeout | undefined

  constructor(options: ServiceStatusOptions) {
    const { client, node, signal } = options
    this.options = options
    this.writer = new ServiceStatusWriter({ client, node, signal, resource: SERVICE_L2_STATUSES })
    this.events = createEventRecorder({ client, component: 'fairway-agent', host: node })
    signal.addEventListener('abort', () => clearTimeout(this.timer))
  }

  /** Something of it may be different. */
  note(): void {
    clearTimeout(this.timer)
    if (this.options.signal.aborted) return
    this.timer = setTimeout(() => this.tell(), AFTER_IN_MS)
    this.timer.unref()
  }

  /** Resolves when what is being written is written. */
  settled(): Promise<void> {
    return this.writer.settled()
  }

  private tell(): void {
    const announced = this.options.announced()
    const statuses = [...announced].map(([service, interfaces]) => {
      return [service, { interfaces: [...interfaces].toSorted().map((name) => ({ name })) }] as const
    })
    this.writer.want(new Map(statuses))
    for (const service of announced.keys()) if (!this.told.has(service)) void this.event(service)
    this.told = new Set(announced.keys())
    this.timer = setTimeout(() => this.tell(), AGAIN_IN_MS)
    this.timer.unref()
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
