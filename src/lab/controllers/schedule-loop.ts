/** Watches pods and nodes, and binds what waits. Runs when something changed; nothing is polled. */

import { isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../kube/events.ts'
import { type Reflector, startReflector } from '../../kube/reflector.ts'
import { NODES, objectPath, PODS } from '../../kube/resource.ts'
import type { Node, Pod } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import type { Cluster } from './cluster.ts'
import { isPending, schedule } from './schedule.ts'

const log = logger('scheduler')
const RETRY_IN_MS = 1_000

/** Starts the scheduler; resolves when it knows the cluster. It runs until the signal. */
export async function startScheduler(client: KubeClient, signal: AbortSignal): Promise<void> {
  const scheduler = new Scheduler(client, signal)
  await scheduler.start()
}

class Scheduler {
  readonly #client: KubeClient
  readonly #signal: AbortSignal
  readonly #recorder: EventRecorder
  /** Pods that were bound and whose binding the watch has not shown yet: uid to node. */
  readonly #assumed = new Map<string, string>()
  /** What was last said of a pod that fits nowhere, by uid. */
  readonly #told = new Map<string, string>()
  #pods: Reflector<Pod> | undefined
  #nodes: Reflector<Node> | undefined
  #queued = false

  constructor(client: KubeClient, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
    this.#recorder = createEventRecorder({ client, component: 'default-scheduler' })
  }

  async start(): Promise<void> {
    const shared = { client: this.#client, signal: this.#signal }
    this.#nodes = startReflector<Node>({ ...shared, resource: NODES, onChanges: () => this.#wake() })
    this.#pods = startReflector<Pod>({
      ...shared,
      resource: PODS,
      onChanges: (changes) => {
        for (const { before, after } of changes) {
          if (after === undefined || after.spec?.nodeName) this.#forget(before?.metadata.uid ?? after?.metadata.uid ?? '')
        }
        this.#wake()
      },
    })
    await Promise.all([this.#nodes.synced, this.#pods.synced])
    this.#wake()
  }

  #forget(uid: string): void {
    this.#assumed.delete(uid)
    this.#told.delete(uid)
  }

  /** One pass for all that changed in this turn of the event loop. */
  #wake(): void {
    if (this.#queued || this.#pods?.hasSynced !== true || this.#nodes?.hasSynced !== true) return
    this.#queued = true
    setImmediate(() => {
      this.#queued = false
      this.#pass()
    })
  }

  #pass(): void {
    const pods = [...(this.#pods?.store.values() ?? [])]
    const podsOf = new Map<string, Pod[]>()
    for (const pod of pods) {
      const node = pod.spec?.nodeName || this.#assumed.get(pod.metadata.uid ?? '')
      if (node !== undefined) podsOf.set(node, [...(podsOf.get(node) ?? []), pod])
    }
    const cluster: Cluster = { nodes: [...(this.#nodes?.store.values() ?? [])], podsOf }
    const waiting = pods.filter((pod) => isPending(pod) && !this.#assumed.has(pod.metadata.uid ?? ''))
    for (const pod of waiting.toSorted(byAge)) {
      const decision = schedule(pod, cluster)
      if ('problem' in decision) {
        this.#refuse(pod, decision.problem)
        continue
      }
      podsOf.set(decision.node, [...(podsOf.get(decision.node) ?? []), pod])
      this.#assumed.set(pod.metadata.uid ?? '', decision.node)
      void this.#bind(pod, decision.node)
    }
  }

  async #bind(pod: Pod, node: string): Promise<void> {
    const { namespace, name = '', uid = '' } = pod.metadata
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    }
    try {
      await this.#client.request('POST', objectPath(PODS, { namespace, name }, 'binding'), { body, signal: this.#signal })
      this.#tell(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`)
    } catch (err) {
      if (this.#signal.aborted) return
      if (!isNotFound(err)) log.warn({ err, pod: `${namespace}/${name}`, node }, 'a pod could not be bound')
      setTimeout(() => {
        this.#assumed.delete(uid)
        this.#wake()
      }, RETRY_IN_MS)
    }
  }

  #refuse(pod: Pod, problem: string): void {
    const uid = pod.metadata.uid ?? ''
    if (this.#told.get(uid) === problem) return
    this.#told.set(uid, problem)
    this.#tell(pod, 'Warning', 'FailedScheduling', problem)
    const known = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled')
    if (known?.status === 'False' && known.message === problem) return
    const changedAt = known?.status === 'False' ? known.lastTransitionTime : `${new Date().toISOString().slice(0, 19)}Z`
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      lastProbeTime: null,
      lastTransitionTime: changedAt,
      reason: 'Unschedulable',
      message: problem,
    }
    const conditions = [...(pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled'), condition]
    const { namespace, name = '' } = pod.metadata
    const patch = { metadata: { uid }, status: { phase: 'Pending', conditions } }
    this.#client
      .patch(PODS, { namespace, name }, patch, { type: 'merge', subresource: 'status', signal: this.#signal })
      .catch((err: unknown) => {
        this.#told.delete(uid)
        if (!isNotFound(err) && !this.#signal.aborted)
          log.warn({ err, pod: `${namespace}/${name}` }, 'that a pod waits could not be reported')
      })
  }

  #tell(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, type, reason, message)
  }
}

/** The oldest first, as one of equal priority; then by name. */
function byAge(a: Pod, b: Pod): number {
  const key = (pod: Pod) => `${pod.metadata.creationTimestamp ?? ''} ${pod.metadata.namespace}/${pod.metadata.name}`
  return key(a) < key(b) ? -1 : 1
}
