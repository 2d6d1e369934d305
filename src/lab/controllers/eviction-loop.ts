/** Watches nodes and pods: taints nodes that are not Ready, evicts pods that do not tolerate it, removes those that nobody else will. */
import { isConflict, isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../kube/events.ts'
import { KeyQueue } from '../../kube/key-queue.ts'
import { type Change, type Reflector, startReflector } from '../../kube/reflector.ts'
import { NODES, PODS } from '../../kube/resource.ts'
import type { Node, Pod } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import { evictedInMs, isAbandoned, taintsFor } from './eviction.ts'

const log = logger('eviction')
/** A node that is not known may yet be made. Source: pkg/controller/podgc, quarantineTime. */
const ORPHAN_AFTER_MS = 40_000

/** Starts it; resolves when it knows the cluster. It runs until the signal. */
export async function startEviction(client: KubeClient, evictionInMs: number, signal: AbortSignal): Promise<void> {
  await new Eviction(client, evictionInMs, signal).start()
}

class Eviction {
  readonly #client: KubeClient
  readonly #evictionInMs: number
  readonly #signal: AbortSignal
  readonly #recorder: EventRecorder
  /** When a pod's node was first seen tainted, or missing, by the pod's uid. */
  readonly #seenAtInMs = new Map<string, number>()
  readonly #nodeQueue: KeyQueue
  readonly #podQueue: KeyQueue
  readonly #nodes: Reflector<Node>
  readonly #pods: Reflector<Pod>

  constructor(client: KubeClient, evictionInMs: number, signal: AbortSignal) {
    this.#client = client
    this.#evictionInMs = evictionInMs
    this.#signal = signal
    this.#recorder = createEventRecorder({ client, component: 'taint-eviction-controller' })
    const failed = (key: string, err: unknown) => {
      if (!isConflict(err) && !isNotFound(err)) log.warn({ err, object: key }, 'an eviction failed')
    }
    this.#nodeQueue = new KeyQueue({ signal, failed, sync: (key) => this.#syncNode(key) })
    this.#podQueue = new KeyQueue({ signal, failed, sync: (key) => this.#syncPod(key) })
    const shared = { client, signal }
    this.#nodes = startReflector<Node>({ ...shared, resource: NODES, onChanges: (changes) => this.#nodesChanged(changes) })
    this.#pods = startReflector<Pod>({ ...shared, resource: PODS, onChanges: (changes) => this.#podsChanged(changes) })
  }

  async start(): Promise<void> {
    await Promise.all([this.#nodes.synced, this.#pods.synced])
    this.#nodeQueue.start()
    this.#podQueue.start()
  }

  #nodesChanged(changes: readonly Change<Node>[]): void {
    const names = new Set(changes.map(({ key }) => key))
    this.#nodeQueue.add(...names)
    for (const [key, pod] of this.#pods.store) if (names.has(pod.spec?.nodeName ?? '')) this.#podQueue.add(key)
  }

  #podsChanged(changes: readonly Change<Pod>[]): void {
    for (const { before, after } of changes) if (after === undefined) this.#seenAtInMs.delete(before?.metadata.uid ?? '')
    this.#podQueue.add(...changes.map(({ key }) => key))
  }

  async #syncNode(name: string): Promise<undefined> {
    const node = this.#nodes.store.get(name)
    if (node === undefined) return
    const taints = taintsFor(node, `${new Date().toISOString().slice(0, 19)}Z`)
    if (taints === undefined) return
    const { resourceVersion } = node.metadata
    const patch = { metadata: { resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } }
    await this.#client.patch(NODES, { name }, patch, { type: 'merge', signal: this.#signal })
  }

  async #syncPod(key: string): Promise<number | undefined> {
    const pod = this.#pods.store.get(key)
    if (!pod?.spec?.nodeName) return undefined
    const node = this.#nodes.store.get(pod.spec.nodeName)
    const { namespace, name = '', uid = '' } = pod.metadata
    const nowInMs = Date.now()
    const troubled = node === undefined || node.spec?.taints?.some(({ effect }) => effect === 'NoExecute') === true
    if (!troubled) this.#seenAtInMs.delete(uid)
    else if (!this.#seenAtInMs.has(uid)) this.#seenAtInMs.set(uid, nowInMs)
    const seenAtInMs = this.#seenAtInMs.get(uid) ?? nowInMs
    const orphanInMs = node === undefined ? seenAtInMs + ORPHAN_AFTER_MS - nowInMs : 0
    if (orphanInMs > 0) return orphanInMs
    if (isAbandoned(pod, node)) {
      await this.#client.delete(PODS, { namespace, name }, { uid, gracePeriodSeconds: 0, signal: this.#signal })
      return undefined
    }
    const waitInMs = evictedInMs({ pod, node, seenAtInMs, nowInMs, evictionInMs: this.#evictionInMs })
    if (waitInMs === 0) await this.#evict(pod)
    return waitInMs === 0 ? undefined : waitInMs
  }

  async #evict(pod: Pod): Promise<void> {
    const { namespace, name = '', uid } = pod.metadata
    const about = { ...pod, apiVersion: 'v1', kind: 'Pod' }
    this.#recorder.event(about, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`)
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'DeletionByTaintManager',
      message: 'Taint manager: deleting due to NoExecute taint',
      lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z`,
    }
    const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== condition.type)
    const patch = {
      metadata: { uid, resourceVersion: pod.metadata.resourceVersion },
      status: { conditions: [...others, condition] },
    }
    const options = { type: 'merge', subresource: 'status', signal: this.#signal } as const
    await this.#client.patch(PODS, { namespace, name }, patch, options)
    await this.#client.delete(PODS, { namespace, name }, { uid, signal: this.#signal })
  }
}
