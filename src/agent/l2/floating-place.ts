/** Where floating addresses are, told to the API by the node that has them: node and pod in the status, and an Event when it begins. What is said of this node and is so no more is taken back. */
import { isConflict, isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../kube/events.ts'
import { KeyQueue } from '../../kube/key-queue.ts'
import { FLOATING_ADDRESSES } from '../../kube/load-balancer-resources.ts'
import { logger } from '../../log/log.ts'
import type { FloatingAddress } from '../../model/load-balancer.ts'
import type { NodeName, ObjectKey } from '../../model/world.ts'

const log = logger('l2')

export interface FloatingPlaceOptions {
  readonly client: KubeClient
  readonly node: NodeName
  readonly signal: AbortSignal
  /** How long what is wrong is left there. */
  readonly waitsInMs?: { readonly takeBack: number; readonly correct: number }
}

type Floating = ReadonlyMap<ObjectKey, FloatingAddress>

/** Another node may be about to say that it has the address now; and two that cannot see each other both have it, and must not answer one another at once. */
const WAITS_IN_MS = { takeBack: 2_000, correct: 5_000 }

/** `want` states the whole and returns at once; what cannot be written is tried again. The next node overwrites what is said here. */
export class FloatingPlace {
  private readonly options: FloatingPlaceOptions
  private readonly events: EventRecorder
  private readonly queue: KeyQueue
  /** The pods of those that are here. */
  private pods: ReadonlyMap<ObjectKey, string> = new Map()
  private heard: Floating = new Map()
  private readonly told = new Map<ObjectKey, string>()

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

  /** The FloatingAddresses that are at this node now, and the pod that each is for; and all of them, with what is said of them. */
  want(pods: ReadonlyMap<ObjectKey, string>, heard: Floating): void {
    const before = this.pods
    this.pods = pods
    this.heard = heard
    const { node, waitsInMs = WAITS_IN_MS } = this.options
    for (const key of this.told.keys()) if (!pods.has(key)) this.told.delete(key)
    this.queue.add(...[...pods].filter(([key, pod]) => before.get(key) !== pod).map(([key]) => key))
    for (const [key, { place }] of heard) {
      const pod = pods.get(key)
      if (pod === undefined && place?.node === node) this.queue.addLater(key, waitsInMs.takeBack)
      if (pod !== undefined && !this.isSaid(key, pod)) this.queue.addLater(key, waitsInMs.correct)
    }
  }

  private isSaid(key: ObjectKey, pod: string): boolean {
    const place = this.heard.get(key)?.place
    return place?.node === this.options.node && place.pod === pod
  }

  private async write(key: ObjectKey): Promise<undefined> {
    const pod = this.pods.get(key)
    if (pod === undefined) return this.takeBack(key)
    const isNews = this.told.get(key) !== pod
    if (!isNews && this.isSaid(key, pod)) return
    const { client, node, signal } = this.options
    const status = { node, pod }
    try {
      const request = { type: 'merge', subresource: 'status', signal } as const
      const object = await client.patch(FLOATING_ADDRESSES, nameOf(key), { status }, request)
      this.told.set(key, pod)
      if (isNews) this.events.event(object, 'Normal', 'nodeAssigned', `at node "${node}" with pod "${pod}"`)
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }

  /** Unless another node has said that it has it now. */
  private async takeBack(key: ObjectKey): Promise<undefined> {
    const { client, node, signal } = this.options
    if (this.heard.get(key)?.place?.node !== node) return
    try {
      const { metadata, status } = await client.get(FLOATING_ADDRESSES, nameOf(key), { signal })
      if (status?.node !== node) return
      const patch = { metadata: { resourceVersion: metadata.resourceVersion }, status: { node: null, pod: null } }
      await client.patch(FLOATING_ADDRESSES, nameOf(key), patch, { type: 'merge', subresource: 'status', signal })
    } catch (error) {
      if (isConflict(error)) this.queue.addLater(key, (this.options.waitsInMs ?? WAITS_IN_MS).takeBack)
      else if (!isNotFound(error)) throw error
    }
  }
}

function nameOf(key: ObjectKey): { readonly namespace: string; readonly name: string } {
  const [namespace = '', name = ''] = key.split('/')
  return { namespace, name }
}
