/**
 * What a Deployment's controller does next: the pure part. Sets in, sets to write and a status out.
 * Source: pkg/controller/deployment: sync.go, rolling.go, recreate.go.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Deployment, DeploymentStatus, ReplicaSet, TimedCondition } from '../../../kube/apps.ts'
import type { Pod } from '../../../kube/types.ts'
import {
  availableTotal,
  countedStatus,
  deadlineInMs,
  deploymentShare,
  hasDeadline,
  isComplete,
  makeCondition,
  pausedConditions,
  replicasOf,
  rolloutStatus,
  wantedTotal,
  withCondition,
} from './deployment-status.ts'
import { controllerOf } from './ownership.ts'
import { hasEnded } from './pod-state.ts'
import { proportionally } from './proportional.ts'
import { byAge, DESIRED, MAX, newSet, presentAnnotations, presentSet, REVISION, revisionOf } from './revision.ts'

export interface DeploymentView {
  /** With its apiVersion and kind. */
  readonly deployment: Deployment
  /** The sets that it controls. */
  readonly sets: readonly ReplicaSet[]
  /** The pods of those sets. */
  readonly pods: readonly Pod[]
  readonly nowInMs: number
}

export interface DeploymentPlan {
  readonly create: ReplicaSet | undefined
  readonly update: readonly ReplicaSet[]
  readonly remove: readonly ReplicaSet[]
  /** Messages of ScalingReplicaSet events, told when the writes are done. */
  readonly scalings: readonly string[]
  /** Written with the status, as the real one does. */
  readonly annotations: Readonly<Record<string, string>>
  readonly status: DeploymentStatus
  /** When to look again though nothing changes. */
  readonly againInMs: number | undefined
}

/** Decides on one step; what it changes comes back by the watch, for the next. */
export function planDeployment(view: DeploymentView): DeploymentPlan {
  const draft = new Draft(view)
  const { deployment } = view
  if (deployment.metadata.deletionTimestamp !== undefined) return draft.finish('counted')
  draft.conditions = pausedConditions(deployment, view.nowInMs)
  const paused = deployment.spec?.paused === true
  if (paused || draft.isScaling) {
    draft.takePresent(false)
    draft.scaleAll()
    if (paused) draft.cleanUp()
    return draft.finish('counted')
  }
  if (deployment.spec?.strategy?.type === 'Recreate') draft.recreate()
  else draft.roll()
  return draft.finish('rollout')
}

class Draft {
  conditions: readonly TimedCondition[]
  readonly #view: DeploymentView
  readonly #replicas: number
  readonly #scalings: string[] = []
  readonly #removed = new Set<ReplicaSet>()
  #sets: readonly ReplicaSet[]
  #presentName: string | undefined
  #annotations: Readonly<Record<string, string>>

  constructor(view: DeploymentView) {
    this.#view = view
    this.#replicas = view.deployment.spec?.replicas ?? 1
    this.#sets = view.sets.toSorted(byAge)
    this.#annotations = view.deployment.metadata.annotations ?? {}
    this.conditions = view.deployment.status?.conditions ?? []
    this.#presentName = presentSet(view.deployment, view.sets)?.metadata.name
  }

  get #present(): ReplicaSet | undefined {
    return this.#sets.find(({ metadata }) => metadata.name === this.#presentName)
  }

  get #old(): readonly ReplicaSet[] {
    return this.#sets.filter(({ metadata }) => metadata.name !== this.#presentName)
  }

  /** Its number of replicas was changed, and the sets do not know yet. */
  get isScaling(): boolean {
    return this.#sets.some(
      (set) => replicasOf(set) > 0 && ![undefined, String(this.#replicas)].includes(set.metadata.annotations?.[DESIRED]),
    )
  }

  /** Finds the present set, or makes it, and numbers it. */
  takePresent(create: boolean): void {
    const { deployment, nowInMs } = this.#view
    const revision = Math.max(0, ...this.#old.map(revisionOf)) + 1
    const present = this.#present
    if (present === undefined && !create) return
    const name = present?.metadata.name ?? this.#make(revision)
    if (present !== undefined) {
      const { minReadySeconds = 0 } = deployment.spec ?? {}
      const { minReadySeconds: known = 0 } = present.spec ?? {}
      const annotations = presentAnnotations(deployment, present, revision)
      const spec = known === minReadySeconds ? present.spec : { ...present.spec, minReadySeconds }
      this.#replace({ ...present, metadata: { ...present.metadata, annotations }, ...(spec === undefined ? {} : { spec }) })
    }
    this.#annotations = { ...this.#annotations, [REVISION]: this.#present?.metadata.annotations?.[REVISION] ?? String(revision) }
    const known = this.conditions.some(({ type }) => type === 'Progressing')
    if (!hasDeadline(deployment) || (present !== undefined && known)) return
    const condition =
      present === undefined
        ? makeCondition('Progressing', 'True', 'NewReplicaSetCreated', `Created new replica set "${name}"`)
        : makeCondition('Progressing', 'True', 'FoundNewReplicaSet', `Found new replica set "${name}"`)
    this.conditions = withCondition(this.conditions, condition, nowInMs)
  }

  #make(revision: number): string {
    const made = newSet(this.#view.deployment, revision)
    this.#presentName = made.metadata.name
    this.#sets = [...this.#sets, made]
    const count = this.#room(0)
    this.#resize(made, count)
    if (count > 0) this.#scalings.push(`Scaled up replica set ${made.metadata.name} from 0 to ${count}`)
    return made.metadata.name ?? ''
  }

  /** How many replicas the present set may have, which has `now`. */
  #room(now: number): number {
    if (this.#view.deployment.spec?.strategy?.type === 'Recreate') return this.#replicas
    const free = this.#replicas + deploymentShare(this.#view.deployment).maxSurge - wantedTotal(this.#sets)
    return free <= 0 ? now : now + Math.min(free, this.#replicas - now)
  }

  roll(): void {
    this.takePresent(true)
    if (this.#growPresent() || this.#shrinkOld()) return
    if (isComplete(this.#view.deployment, this.#counted())) this.cleanUp()
  }

  #growPresent(): boolean {
    const present = this.#present
    const now = replicasOf(present)
    if (present === undefined || now === this.#replicas) return false
    return this.#scale(present, now > this.#replicas ? this.#replicas : this.#room(now))
  }

  /** Takes away old pods as far as enough stay available: first those that are none, then the oldest sets'. */
  #shrinkOld(): boolean {
    const { maxUnavailable } = deploymentShare(this.#view.deployment)
    const minAvailable = this.#replicas - maxUnavailable
    const present = this.#present
    const unavailable = replicasOf(present) - (present?.status?.availableReplicas ?? 0)
    const allowed = wantedTotal(this.#sets) - minAvailable - unavailable
    if (wantedTotal(this.#old) === 0 || allowed <= 0) return false
    let cleaned = 0
    for (const set of this.#old) {
      const count = Math.min(allowed - cleaned, replicasOf(set) - (set.status?.availableReplicas ?? 0))
      if (count > 0 && this.#scale(set, replicasOf(set) - count)) cleaned += count
    }
    let spare = availableTotal(this.#sets) - minAvailable
    let left = allowed - cleaned
    for (const set of this.#old) {
      const count = Math.min(spare, left, replicasOf(set))
      if (count <= 0) continue
      this.#scale(set, replicasOf(set) - count)
      spare -= count
      left -= count
    }
    return this.#scalings.length > 0
  }

  recreate(): void {
    let shrunk = false
    for (const set of this.#old) shrunk = this.#scale(set, 0) || shrunk
    const waiting = shrunk || this.#oldPodsRun()
    this.takePresent(!waiting)
    if (waiting) return
    const present = this.#present
    if (present !== undefined) this.#scale(present, this.#replicas)
    if (isComplete(this.#view.deployment, this.#counted())) this.cleanUp()
  }

  /** A pod that is on its way out still runs. */
  #oldPodsRun(): boolean {
    const old = new Set(this.#old.map(({ metadata }) => metadata.uid))
    return (
      this.#old.some((set) => (set.status?.replicas ?? 0) > 0) ||
      this.#view.pods.some((pod) => old.has(controllerOf(pod)?.uid) && !hasEnded(pod))
    )
  }

  /** Brings sets to a new number of replicas: the only active one wholly, several in proportion. */
  scaleAll(): void {
    const { deployment } = this.#view
    const active = this.#sets.filter((set) => replicasOf(set) > 0)
    const only = active.length === 0 ? (this.#present ?? this.#old.at(-1)) : active.length === 1 ? active[0] : undefined
    if (only !== undefined) {
      this.#scale(only, this.#replicas)
      this.#resize(only, this.#replicas)
      return
    }
    const present = this.#present
    const saturated =
      replicasOf(present) === this.#replicas &&
      present?.metadata.annotations?.[DESIRED] === String(this.#replicas) &&
      present.status?.availableReplicas === this.#replicas
    if (saturated) for (const set of this.#old) this.#scale(set, 0)
    else if (deployment.spec?.strategy?.type !== 'Recreate')
      for (const [set, count] of proportionally(deployment, active)) {
        this.#scale(set, count)
        this.#resize(set, count)
      }
  }

  /** Deletes old sets without pods beyond the history that is kept, the oldest revisions first. */
  cleanUp(): void {
    const limit = this.#view.deployment.spec?.revisionHistoryLimit
    const old = this.#old.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    if (limit === undefined || old.length <= limit) return
    for (const set of old.toSorted((a, b) => revisionOf(a) - revisionOf(b)).slice(0, old.length - limit)) {
      const settled = (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0)
      if (settled && replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0) this.#removed.add(set)
    }
  }

  #scale(set: ReplicaSet, count: number): boolean {
    const now = replicasOf(set)
    if (now === count) return false
    this.#scalings.push(`Scaled ${count > now ? 'up' : 'down'} replica set ${set.metadata.name} from ${now} to ${count}`)
    this.#resize(set, count)
    return true
  }

  #resize(set: ReplicaSet, replicas: number): void {
    const most = this.#replicas + deploymentShare(this.#view.deployment).maxSurge
    const there = this.#sets.find(({ metadata }) => metadata.name === set.metadata.name) ?? set
    const annotations = { ...there.metadata.annotations, [DESIRED]: String(this.#replicas), [MAX]: String(most) }
    this.#replace({ ...there, metadata: { ...there.metadata, annotations }, spec: { ...there.spec, replicas } })
  }

  #replace(set: ReplicaSet): void {
    this.#sets = this.#sets.map((each) => (each.metadata.name === set.metadata.name ? set : each))
  }

  #counted(): DeploymentStatus {
    const { deployment, nowInMs } = this.#view
    return countedStatus({ deployment, sets: this.#sets, present: this.#present, nowInMs })
  }

  finish(kind: 'counted' | 'rollout'): DeploymentPlan {
    const { deployment, sets, nowInMs } = this.#view
    const known = { ...deployment, status: { ...deployment.status, conditions: this.conditions } }
    const view = { deployment, sets: this.#sets, present: this.#present, nowInMs }
    const status = kind === 'counted' ? countedStatus({ ...view, deployment: known }) : rolloutStatus(view, this.conditions)
    const before = new Map(sets.map((set) => [set.metadata.name, set]))
    return {
      create: this.#sets.find(({ metadata }) => !before.has(metadata.name)),
      update: this.#sets.filter(({ metadata }, index) => {
        const old = before.get(metadata.name)
        return old !== undefined && !isDeepStrictEqual(old, this.#sets[index])
      }),
      remove: [...this.#removed],
      scalings: this.#scalings,
      annotations: this.#annotations,
      status,
      againInMs: kind === 'rollout' ? deadlineInMs(deployment, status, nowInMs) : undefined,
    }
  }
}
