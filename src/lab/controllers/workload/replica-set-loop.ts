/** Watches ReplicaSets and pods, and makes or deletes pods until their number is right. */
import { isConflict, isNotFound } from '../../../kube/api-error.ts'
import { REPLICA_SETS, type ReplicaSet } from '../../../kube/apps.ts'
import type { KubeClient } from '../../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../../kube/events.ts'
import { KeyQueue } from '../../../kube/key-queue.ts'
import { type Change, type Reflector, startReflector } from '../../../kube/reflector.ts'
import { PODS } from '../../../kube/resource.ts'
import type { Pod } from '../../../kube/types.ts'
import { logger } from '../../../log/log.ts'
import { matchesLabels } from './label-selector.ts'
import { claim, controllerOf } from './ownership.ts'
import { isActive, nextAvailableInMs } from './pod-state.ts'
import { planReplicas, podOf, type ReplicaFailure, replicaSetStatus, sameStatus } from './replica-set.ts'
import { Dependents, typed } from './workload-control.ts'

const log = logger('replica-sets')

/** Starts it; resolves when it knows the cluster. It runs until the signal. */
export async function startReplicaSetController(client: KubeClient, signal: AbortSignal): Promise<void> {
  await new ReplicaSetController(client, signal).start()
}

class ReplicaSetController {
  readonly #client: KubeClient
  readonly #signal: AbortSignal
  readonly #recorder: EventRecorder
  readonly #own: Dependents<Pod>
  readonly #queue: KeyQueue
  readonly #sets: Reflector<ReplicaSet>
  readonly #pods: Reflector<Pod>

  constructor(client: KubeClient, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
    this.#recorder = createEventRecorder({ client, component: 'replicaset-controller' })
    this.#own = new Dependents(client, PODS, signal)
    this.#queue = new KeyQueue({
      signal,
      sync: (key) => this.#sync(key),
      failed: (key, err) => {
        if (!isConflict(err) && !isNotFound(err)) log.warn({ err, replicaSet: key }, 'a ReplicaSet could not be followed')
      },
    })
    const shared = { client, signal }
    this.#sets = startReflector<ReplicaSet>({
      ...shared,
      resource: REPLICA_SETS,
      onChanges: (changes) => this.#queue.add(...changes.map(({ key }) => key)),
    })
    this.#pods = startReflector<Pod>({ ...shared, resource: PODS, onChanges: (changes) => this.#podsChanged(changes) })
  }

  async start(): Promise<void> {
    await Promise.all([this.#sets.synced, this.#pods.synced])
    this.#queue.start()
  }

  #podsChanged(changes: readonly Change<Pod>[]): void {
    this.#own.heard(changes)
    for (const { before, after } of changes) {
      for (const pod of [before, after]) if (pod !== undefined) this.#queue.add(...this.#setsOf(pod))
    }
  }

  /** Those that control it; of an orphan, all that might. */
  #setsOf(pod: Pod): readonly string[] {
    const controller = controllerOf(pod)
    if (controller !== undefined) return controller.kind === 'ReplicaSet' ? [`${pod.metadata.namespace}/${controller.name}`] : []
    return [...this.#sets.store]
      .filter(([, { metadata }]) => metadata.namespace === pod.metadata.namespace)
      .filter(([, { spec }]) => matchesLabels(spec?.selector, pod.metadata.labels))
      .map(([key]) => key)
  }

  async #sync(key: string): Promise<number | undefined> {
    const stored = this.#sets.store.get(key)
    if (stored === undefined) return undefined
    const set = typed(stored, REPLICA_SETS)
    const near = this.#own.view(this.#pods, ({ metadata }) => metadata.namespace === set.metadata.namespace)
    const claimed = claim(set, near)
    if (await this.#own.changeHands(set, REPLICA_SETS, claimed)) return 1
    const view = { set, pods: claimed.owned, crowd: this.#crowd(set, near), nowInMs: Date.now() }
    const plan = planReplicas(view)
    const failure = plan.create > 0 ? await this.#create(set, plan.create) : await this.#remove(set, plan.remove)
    // as the real one: the status is of before the writes, and their watch events bring the next
    await this.#writeStatus(view, failure)
    if (failure !== undefined) throw new Error(failure.message)
    const waits = [
      nextAvailableInMs(claimed.owned.filter(isActive), set.spec?.minReadySeconds ?? 0, Date.now()),
      this.#own.own.forgetsInMs,
    ]
    const known = waits.filter((inMs) => inMs !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }

  /** Active pods by node of all sets with the same owner, or of this one. */
  #crowd(set: ReplicaSet, near: readonly Pod[]): ReadonlyMap<string, number> {
    const owner = controllerOf(set)?.uid
    const family = new Set(
      [...this.#sets.store.values()]
        .filter((each) => each.metadata.uid === set.metadata.uid || (owner !== undefined && controllerOf(each)?.uid === owner))
        .map(({ metadata }) => metadata.uid),
    )
    const crowd = new Map<string, number>()
    for (const pod of near) {
      const node = pod.spec?.nodeName
      if (node && isActive(pod) && family.has(controllerOf(pod)?.uid)) crowd.set(node, (crowd.get(node) ?? 0) + 1)
    }
    return crowd
  }

  /** One, then twice as many each time: what the server refuses is not asked for 500 times. */
  async #create(set: ReplicaSet, count: number): Promise<ReplicaFailure | undefined> {
    for (let left = count, batch = 1; left > 0; left -= batch, batch = Math.min(batch * 2, left)) {
      const results = await Promise.allSettled(Array.from({ length: batch }, () => this.#own.create(podOf(set))))
      for (const result of results) {
        if (result.status === 'fulfilled')
          this.#recorder.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${result.value.metadata.name}`)
      }
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) return this.#failed(set, 'FailedCreate', 'creating', failed.reason)
    }
    return undefined
  }

  async #remove(set: ReplicaSet, pods: readonly Pod[]): Promise<ReplicaFailure | undefined> {
    const results = await Promise.allSettled(
      pods.map(async (pod) => {
        if (await this.#own.remove(pod))
          this.#recorder.event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
      }),
    )
    const failed = results.find((result) => result.status === 'rejected')
    return failed === undefined ? undefined : this.#failed(set, 'FailedDelete', 'deleting', failed.reason)
  }

  #failed(set: ReplicaSet, reason: string, doing: string, error: unknown): ReplicaFailure {
    const message = error instanceof Error ? error.message : String(error)
    this.#recorder.event(set, 'Warning', reason, `Error ${doing}: ${message}`)
    return { reason, message }
  }

  async #writeStatus(view: Parameters<typeof replicaSetStatus>[0], failure: ReplicaFailure | undefined): Promise<void> {
    const status = replicaSetStatus(view, failure)
    if (sameStatus(status, view.set.status)) return
    await this.#client.updateStatus(REPLICA_SETS, { ...view.set, status }, { signal: this.#signal })
  }
}
