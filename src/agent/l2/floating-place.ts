/** Where floating addresses are, told to the API by the node that has them: node and pod in the status, and an Event when it begins. */
import { isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../kube/events.ts'
import { KeyQueue } from '../../kube/key-queue.ts'
import { FLOATING_ADDRESSES } from '../../kube/load-balancer-resources.ts'
import { logger } from '../../log/log.ts'
import type { NodeName, ObjectKey } from '../../model/world.ts'

const log = logger('l2')

export interface FloatingPlaceOptions {
  readonly client: KubeClient
  readonly node: NodeName
  readonly signal: AbortSignal
}

/** `want` states the whole and returns at once; what cannot be written is tried again. The next node overwrites what is said here. */
export class FloatingPlace {
  private readonly options: FloatingPlaceOptions
  private readonly events: EventRecorder
  private readonly queue: KeyQueue
  /** The pods of those that are here. */
  private pods: ReadonlyMap<ObjectKey, string> = new Map()

  constructor(options: FloatingPlaceOptions) {
    const { client, node, signal } = options
    this.options = options
    this.events = createEventRecorder({ client, component: 'fairway-agent', host: node })
    this.queue = new KeyQueue({
      signal,
      sync: (key) => this.write(key),
      failed: (key, err) => log.debug({ err, floatingAddress: key }, 'where a floating address is cannot be told; trying again'),
    })
    this.queue.start()
  }

  /** The FloatingAddresses that are at this node now, and the pod that each is for. */
  want(pods: ReadonlyMap<ObjectKey, string>): void {
    const before = this.pods
    this.pods = pods
    this.queue.add(...[...pods].filter(([key, pod]) => before.get(key) !== pod).map(([key]) => key))
  }

  private async write(key: ObjectKey): Promise<undefined> {
    const pod = this.pods.get(key)
    if (pod === undefined) return // it left before it was told
    const { client, node, signal } = this.options
    const [namespace = '', name = ''] = key.split('/')
    const status = { node, pod }
    try {
      const request = { type: 'merge', subresource: 'status', signal } as const
      const object = await client.patch(FLOATING_ADDRESSES, { namespace, name }, { status }, request)
      this.events.event(object, 'Normal', 'nodeAssigned', `at node "${node}" with pod "${pod}"`)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}
