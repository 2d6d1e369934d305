/** Watches DaemonSets, nodes and pods, and keeps one pod on each node that a set is for. */
import { isConflict, isNotFound } from '../../../kube/api-error.ts'
import { CONTROLLER_REVISIONS, type ControllerRevision, DAEMON_SETS, type DaemonSet } from '../../../kube/apps.ts'
import type { KubeClient } from '../../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../../kube/events.ts'
import { KeyQueue } from '../../../kube/key-queue.ts'
import { type Change, type Reflector, startReflector } from '../../../kube/reflector.ts'
import { NODES, PODS } from '../../../kube/resource.ts'
import type { Node, Pod } from '../../../kube/types.ts'
import { logger } from '../../../log/log.ts'
import { planRevisions } from './daemon-revision.ts'
import { type DaemonSetPlan, planDaemonSet } from './daemon-set.ts'
import { matchesLabels } from './label-selector.ts'
import { claim, controllerOf } from './ownership.ts'
import { isActive, nextAvailableInMs } from './pod-state.ts'
import { sameStatus } from './replica-set.ts'
import { Dependents, typed } from './workload-control.ts'

const log = logger('daemon-sets')

/** Starts it; resolves when it knows the cluster. It runs until the signal. */
export async function startDaemonSetController(client: KubeClient, signal: AbortSignal): Promise<void> {
  await new DaemonSetController(client, signal).start()
}

class DaemonSetController {
  readonly #client: KubeClient
  readonly #signal: AbortSignal
  readonly #recorder: EventRecorder
  readonly #own: Dependents<Pod>
  readonly #ownRevisions: Dependents<ControllerRevision>
  readonly #queue: KeyQueue
  readonly #sets: Reflector<DaemonSet>
  readonly #nodes: Reflector<Node>
  readonly #pods: Reflector<Pod>
  readonly #revisions: Reflector<ControllerRevision>

  constructor(client: KubeClient, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
    this.#recorder = createEventRecorder({ client, component: 'daemonset-controller' })
    this.#own = new Dependents(client, PODS, signal)
    this.#ownRevisions = new Dependents(client, CONTROLLER_REVISIONS, signal)
    this.#queue = new KeyQueue({
      signal,
      sync: (key) => this.#sync(key),
      failed: (key, err) => {
        if (!isConflict(err) && !isNotFound(err)) log.warn({ err, daemonSet: key }, 'a DaemonSet could not be followed')
      },
    })
    const shared = { client, signal }
    this.#sets = startReflector<DaemonSet>({
      ...shared,
      resource: DAEMON_SETS,
      onChanges: (changes) => this.#queue.add(...changes.map(({ key }) => key)),
    })
    this.#nodes = startReflector<Node>({
      ...shared,
      resource: NODES,
      onChanges: () => this.#queue.add(...this.#sets.store.keys()),
    })
    this.#pods = startReflector<Pod>({ ...shared, resource: PODS, onChanges: (changes) => this.#podsChanged(changes) })
    this.#revisions = startReflector<ControllerRevision>({
      ...shared,
      resource: CONTROLLER_REVISIONS,
      onChanges: (changes) => {
        this.#ownRevisions.heard(changes)
        for (const { before, after } of changes) this.#queue.add(...setsOfRevision(after ?? before))
      },
    })
  }

  async start(): Promise<void> {
    await Promise.all([this.#sets.synced, this.#nodes.synced, this.#pods.synced, this.#revisions.synced])
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
    if (controller !== undefined) return controller.kind === 'DaemonSet' ? [`${pod.metadata.namespace}/${controller.name}`] : []
    return [...this.#sets.store]
      .filter(([, { metadata }]) => metadata.namespace === pod.metadata.namespace)
      .filter(([, { spec }]) => matchesLabels(spec?.selector, pod.metadata.labels))
      .map(([key]) => key)
  }

  async #sync(key: string): Promise<number | undefined> {
    const stored = this.#sets.store.get(key)
    if (stored === undefined) return undefined
    const set = typed(stored, DAEMON_SETS)
    const near = this.#own.view(this.#pods, ({ metadata }) => metadata.namespace === set.metadata.namespace)
    const claimed = claim(set, near)
    if (await this.#own.changeHands(set, DAEMON_SETS, claimed)) return 1
    await this.#writeRevisions(set, claimed.owned)
    const nowInMs = Date.now()
    const plan = planDaemonSet({ set, pods: claimed.owned, nodes: [...this.#nodes.store.values()], nowInMs })
    const failure = await this.#write(set, plan)
    if (!sameStatus(plan.status, set.status))
      await this.#client.updateStatus(DAEMON_SETS, { ...set, status: plan.status }, { signal: this.#signal })
    if (failure !== undefined) throw failure
    const minReady = set.spec?.minReadySeconds ?? 0
    const waits = [nextAvailableInMs(claimed.owned.filter(isActive), minReady, nowInMs), this.#own.own.forgetsInMs]
    const known = waits.filter((inMs) => inMs !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }

  async #writeRevisions(set: DaemonSet, pods: readonly Pod[]): Promise<void> {
    const owned = this.#ownRevisions.view(this.#revisions, (each) => controllerOf(each)?.uid === set.metadata.uid)
    const plan = planRevisions(set, owned, pods)
    for (const each of plan.create) await this.#ownRevisions.create(each)
    for (const each of plan.update) await this.#ownRevisions.update(typed(each, CONTROLLER_REVISIONS))
    for (const each of plan.remove) await this.#ownRevisions.remove(each)
  }

  /** Does what it can; resolves to what failed, if anything. */
  async #write(set: DaemonSet, plan: DaemonSetPlan): Promise<unknown> {
    const made = plan.create.map(async (wanted) => {
      const pod = await this.#own.create(wanted)
      this.#recorder.event(set, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`)
    })
    const removed = plan.remove.map(async (pod) => {
      if (await this.#own.remove(pod))
        this.#recorder.event(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`)
    })
    const failed = (await Promise.allSettled([...made, ...removed])).find((result) => result.status === 'rejected')
    if (failed === undefined) return undefined
    const message = failed.reason instanceof Error ? failed.reason.message : String(failed.reason)
    this.#recorder.event(set, 'Warning', 'FailedCreate', `Error creating: ${message}`)
    return failed.reason
  }
}

function setsOfRevision(revision: ControllerRevision | undefined): readonly string[] {
  const controller = revision === undefined ? undefined : controllerOf(revision)
  return controller?.kind === 'DaemonSet' ? [`${revision?.metadata.namespace}/${controller.name}`] : []
}
