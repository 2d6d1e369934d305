/** Watches Deployments, their ReplicaSets and pods, and takes one step of a rollout at a time. */
import { isDeepStrictEqual } from 'node:util'
import { isAlreadyExists, isConflict, isNotFound } from '../../../kube/api-error.ts'
import { DEPLOYMENTS, type Deployment, type DeploymentStatus, REPLICA_SETS, type ReplicaSet } from '../../../kube/apps.ts'
import type { KubeClient } from '../../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../../kube/events.ts'
import { KeyQueue } from '../../../kube/key-queue.ts'
import { type Change, type Reflector, startReflector } from '../../../kube/reflector.ts'
import { PODS } from '../../../kube/resource.ts'
import type { Pod } from '../../../kube/types.ts'
import { logger } from '../../../log/log.ts'
import { type DeploymentPlan, planDeployment } from './deployment.ts'
import { hasDeadline, makeCondition, withCondition } from './deployment-status.ts'
import { matchesLabels } from './label-selector.ts'
import { claim, controllerOf } from './ownership.ts'
import { sameStatus } from './replica-set.ts'
import { presentSet } from './revision.ts'
import { Dependents, typed } from './workload-control.ts'

const log = logger('deployments')

/** Starts it; resolves when it knows the cluster. It runs until the signal. */
export async function startDeploymentController(client: KubeClient, signal: AbortSignal): Promise<void> {
  await new DeploymentController(client, signal).start()
}

class DeploymentController {
  readonly #client: KubeClient
  readonly #signal: AbortSignal
  readonly #recorder: EventRecorder
  readonly #own: Dependents<ReplicaSet>
  readonly #queue: KeyQueue
  readonly #deployments: Reflector<Deployment>
  readonly #sets: Reflector<ReplicaSet>
  readonly #pods: Reflector<Pod>

  constructor(client: KubeClient, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
    this.#recorder = createEventRecorder({ client, component: 'deployment-controller' })
    this.#own = new Dependents(client, REPLICA_SETS, signal)
    this.#queue = new KeyQueue({
      signal,
      sync: (key) => this.#sync(key),
      failed: (key, err) => {
        if (!isConflict(err) && !isNotFound(err)) log.warn({ err, deployment: key }, 'a Deployment could not be followed')
      },
    })
    const shared = { client, signal }
    this.#deployments = startReflector<Deployment>({
      ...shared,
      resource: DEPLOYMENTS,
      onChanges: (changes) => this.#queue.add(...changes.map(({ key }) => key)),
    })
    this.#sets = startReflector<ReplicaSet>({
      ...shared,
      resource: REPLICA_SETS,
      onChanges: (changes) => this.#setsChanged(changes),
    })
    this.#pods = startReflector<Pod>({ ...shared, resource: PODS, onChanges: (changes) => this.#podsChanged(changes) })
  }

  async start(): Promise<void> {
    await Promise.all([this.#deployments.synced, this.#sets.synced, this.#pods.synced])
    this.#queue.start()
  }

  #setsChanged(changes: readonly Change<ReplicaSet>[]): void {
    this.#own.heard(changes)
    for (const { before, after } of changes)
      for (const set of [before, after]) if (set !== undefined) this.#queue.add(...this.#deploymentsOf(set))
  }

  #deploymentsOf(set: ReplicaSet): readonly string[] {
    const { namespace, labels } = set.metadata
    const controller = controllerOf(set)
    if (controller !== undefined) return controller.kind === 'Deployment' ? [`${namespace}/${controller.name}`] : []
    return [...this.#deployments.store]
      .filter(([, { metadata, spec }]) => metadata.namespace === namespace && matchesLabels(spec?.selector, labels))
      .map(([key]) => key)
  }

  /** Only Recreate waits for pods: for the last one to be gone. */
  #podsChanged(changes: readonly Change<Pod>[]): void {
    for (const { before, after } of changes) {
      const set = controllerOf(after ?? before ?? { metadata: {} })
      if (after !== undefined || set?.kind !== 'ReplicaSet') continue
      const owner = this.#sets.store.get(`${before?.metadata.namespace}/${set.name}`)
      if (owner !== undefined) this.#queue.add(...this.#deploymentsOf(owner))
    }
  }

  async #sync(key: string): Promise<number | undefined> {
    const stored = this.#deployments.store.get(key)
    if (stored === undefined) return undefined
    const deployment = typed(stored, DEPLOYMENTS)
    const near = this.#own.view(this.#sets, ({ metadata }) => metadata.namespace === deployment.metadata.namespace)
    const claimed = claim(deployment, near)
    if (await this.#own.changeHands(deployment, DEPLOYMENTS, claimed)) return 1
    const owned = new Set(claimed.owned.map(({ metadata }) => metadata.uid))
    const pods = [...this.#pods.store.values()].filter((pod) => owned.has(controllerOf(pod)?.uid))
    const sets = claimed.owned.map((set) => typed(set, REPLICA_SETS))
    const plan = planDeployment({ deployment, sets, pods, nowInMs: Date.now() })
    if (!(await this.#write(deployment, plan))) return 50
    for (const message of plan.scalings) this.#recorder.event(deployment, 'Normal', 'ScalingReplicaSet', message)
    await this.#writeStatus(deployment, plan.status, plan.annotations)
    return plan.againInMs
  }

  /** False when the present set's name was taken: it is looked at anew. */
  async #write(deployment: Deployment, plan: DeploymentPlan): Promise<boolean> {
    if (plan.create !== undefined && !(await this.#create(deployment, plan, plan.create))) return false
    for (const set of plan.update) await this.#own.update(set)
    for (const set of plan.remove) await this.#own.remove(set)
    return true
  }

  async #create(deployment: Deployment, plan: DeploymentPlan, set: ReplicaSet): Promise<boolean> {
    try {
      await this.#own.create(set)
      return true
    } catch (error) {
      if (isAlreadyExists(error)) await this.#resolveCollision(deployment, set)
      else await this.#tellFailure(deployment, plan, error)
      if (isAlreadyExists(error)) return false
      throw error
    }
  }

  /** Either the watch is late and the set is ours, or another template has the same hash: then the hash is counted on. */
  async #resolveCollision(deployment: Deployment, set: ReplicaSet): Promise<void> {
    const { namespace, name = '' } = set.metadata
    const there = await this.#client.get(REPLICA_SETS, { namespace, name }, { signal: this.#signal })
    const ours = controllerOf(there)?.uid === deployment.metadata.uid && presentSet(deployment, [there]) !== undefined
    if (ours) return this.#own.own.wrote(there)
    const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
    await this.#writeStatus(deployment, { ...deployment.status, collisionCount }, deployment.metadata.annotations ?? {})
  }

  async #tellFailure(deployment: Deployment, plan: DeploymentPlan, error: unknown): Promise<void> {
    const message = `Failed to create new replica set: ${error instanceof Error ? error.message : String(error)}`
    this.#recorder.event(deployment, 'Warning', 'ReplicaSetCreateError', message)
    if (!hasDeadline(deployment)) return
    const condition = makeCondition('Progressing', 'False', 'ReplicaSetCreateError', message)
    const conditions = withCondition(deployment.status?.conditions ?? [], condition, Date.now())
    await this.#writeStatus(deployment, { ...deployment.status, conditions }, plan.annotations)
  }

  async #writeStatus(
    deployment: Deployment,
    status: DeploymentStatus,
    annotations: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { metadata } = deployment
    if (sameStatus(status, deployment.status) && isDeepStrictEqual(annotations, metadata.annotations ?? {})) return
    const options = { signal: this.#signal }
    await this.#client.updateStatus(DEPLOYMENTS, { ...deployment, metadata: { ...metadata, annotations }, status }, options)
  }
}
