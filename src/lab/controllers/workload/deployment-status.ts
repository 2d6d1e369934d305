/** What a Deployment's status says. Source: pkg/controller/deployment/sync.go and progress.go. */
import type { Deployment, DeploymentStatus, ReplicaSet, TimedCondition } from '../../../kube/apps.ts'
import { rollingShare } from './rolling-share.ts'

/** A deadline of this many seconds is none. */
const NO_DEADLINE = 2 ** 31 - 1
const AVAILABLE = 'NewReplicaSetAvailable'
const TIMED_OUT = 'ProgressDeadlineExceeded'

export const replicasOf = (set: ReplicaSet | undefined): number => (set === undefined ? 0 : (set.spec?.replicas ?? 1))
const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + of(set), 0)
export const wantedTotal = (sets: readonly ReplicaSet[]): number => sum(sets, replicasOf)
export const availableTotal = (sets: readonly ReplicaSet[]): number => sum(sets, (set) => set.status?.availableReplicas ?? 0)

export function deploymentShare(deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  const { strategy, replicas = 1 } = deployment.spec ?? {}
  if (strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 }
  return rollingShare(strategy?.rollingUpdate, replicas)
}

export interface StatusView {
  readonly deployment: Deployment
  /** All sets, the present one among them. */
  readonly sets: readonly ReplicaSet[]
  readonly present: ReplicaSet | undefined
  readonly nowInMs: number
}

export function hasDeadline(deployment: Deployment): boolean {
  const seconds = deployment.spec?.progressDeadlineSeconds
  return seconds !== undefined && seconds !== NO_DEADLINE
}

/** Counters and the Available condition; the other conditions are those of before. */
export function countedStatus({ deployment, sets, present, nowInMs }: StatusView): DeploymentStatus {
  const { replicas = 1 } = deployment.spec ?? {}
  const available = availableTotal(sets)
  const counters = {
    replicas: sum(sets, (set) => set.status?.replicas ?? 0),
    updatedReplicas: present?.status?.replicas ?? 0,
    readyReplicas: sum(sets, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wantedTotal(sets) - available),
    collisionCount: deployment.status?.collisionCount ?? 0,
  }
  const enough = available >= replicas - deploymentShare(deployment).maxUnavailable
  const condition = enough
    ? makeCondition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
    : makeCondition('Available', 'False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.')
  const { generation } = deployment.metadata
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...Object.fromEntries(Object.entries(counters).filter(([, value]) => value > 0)),
    terminatingReplicas: sum(sets, (set) => set.status?.terminatingReplicas ?? 0),
    conditions: withCondition(deployment.status?.conditions ?? [], condition, nowInMs),
  }
}

/** The status while a rollout goes on: with the Progressing condition, and with what keeps sets from making pods. */
export function rolloutStatus(view: StatusView, before: readonly TimedCondition[]): DeploymentStatus {
  const { deployment, sets, present, nowInMs } = view
  const status = countedStatus({ ...view, deployment: { ...deployment, status: { ...deployment.status, conditions: before } } })
  let conditions = status.conditions ?? []
  const current = conditions.find(({ type }) => type === 'Progressing')
  const wasComplete = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && current?.reason === AVAILABLE
  if (!hasDeadline(deployment)) conditions = without(conditions, 'Progressing')
  else if (!wasComplete) {
    const next = progress(view, status, current)
    if (next !== undefined) conditions = withCondition(conditions, next, nowInMs, true)
  }
  const failure = [...(present === undefined ? [] : [present]), ...sets]
    .flatMap((set) => set.status?.conditions ?? [])
    .find(({ type }) => type === 'ReplicaFailure')
  conditions = failure === undefined ? without(conditions, 'ReplicaFailure') : withCondition(conditions, { ...failure }, nowInMs)
  return { ...status, conditions }
}

function progress(
  { deployment, present, nowInMs }: StatusView,
  status: DeploymentStatus,
  current: TimedCondition | undefined,
): TimedCondition | undefined {
  const name = present === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${present.metadata.name}"`
  if (isComplete(deployment, status))
    return makeCondition('Progressing', 'True', AVAILABLE, `${name} has successfully progressed.`)
  if (hasProgressed(deployment.status ?? {}, status))
    return makeCondition('Progressing', 'True', 'ReplicaSetUpdated', `${name} is progressing.`)
  if (current === undefined || current.reason === AVAILABLE || current.reason === TIMED_OUT) return undefined
  const deadlineInMs = (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000
  if (Date.parse(current.lastUpdateTime ?? '') + deadlineInMs >= nowInMs) return undefined
  return makeCondition('Progressing', 'False', TIMED_OUT, `${name} has timed out progressing.`)
}

/** Every pod is of the present template, and available. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const { replicas = 1 } = deployment.spec ?? {}
  const { updatedReplicas = 0, availableReplicas = 0, observedGeneration = 0 } = status
  const all = updatedReplicas === replicas && (status.replicas ?? 0) === replicas && availableReplicas === replicas
  return all && observedGeneration >= (deployment.metadata.generation ?? 0)
}

function hasProgressed(before: DeploymentStatus, now: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus): number => replicas - updatedReplicas
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  )
}

/** When the deadline of a rollout that stands still has to be looked at; undefined when there is nothing to wait for. */
export function deadlineInMs(deployment: Deployment, status: DeploymentStatus, nowInMs: number): number | undefined {
  const current = status.conditions?.find(({ type }) => type === 'Progressing')
  if (!hasDeadline(deployment) || current === undefined) return undefined
  if (isComplete(deployment, status) || current.reason === TIMED_OUT) return undefined
  const endsAtInMs = Date.parse(current.lastUpdateTime ?? '') + (deployment.spec?.progressDeadlineSeconds ?? 0) * 1000
  return Math.max(0, endsAtInMs - nowInMs) + 1_000
}

/** Conditions with what pausing and resuming say; a rollout that timed out stays so. */
export function pausedConditions(deployment: Deployment, nowInMs: number): readonly TimedCondition[] {
  const conditions = deployment.status?.conditions ?? []
  const current = conditions.find(({ type }) => type === 'Progressing')
  if (!hasDeadline(deployment) || current?.reason === TIMED_OUT) return conditions
  const saysPaused = current?.reason === 'DeploymentPaused'
  const paused = deployment.spec?.paused === true
  if (paused === saysPaused) return conditions
  const next = paused
    ? makeCondition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused')
    : makeCondition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed')
  return withCondition(conditions, next, nowInMs)
}

export function makeCondition(type: string, status: string, reason: string, message: string): TimedCondition {
  return { type, status, reason, message }
}

/** Puts a condition in its place; one that says the same stays as it is, unless it is to be `renewed`. */
export function withCondition(
  conditions: readonly TimedCondition[],
  condition: TimedCondition,
  nowInMs: number,
  renewed = false,
): readonly TimedCondition[] {
  const before = conditions.find(({ type }) => type === condition.type)
  if (!renewed && before?.status === condition.status && before.reason === condition.reason) return conditions
  const now = `${new Date(nowInMs).toISOString().slice(0, 19)}Z`
  const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now
  return [...without(conditions, condition.type), { ...condition, lastUpdateTime: now, lastTransitionTime }]
}

function without(conditions: readonly TimedCondition[], type: string): readonly TimedCondition[] {
  return conditions.filter((each) => each.type !== type)
}
