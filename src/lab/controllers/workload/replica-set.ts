/** How many pods a ReplicaSet makes or deletes, and what its status says. Source: pkg/controller/replicaset. */
import { isDeepStrictEqual } from 'node:util'
import type { ReplicaSet, ReplicaSetStatus } from '../../../kube/apps.ts'
import type { Condition, Pod } from '../../../kube/types.ts'
import { deletionOrder } from './deletion-order.ts'
import { matchesLabels } from './label-selector.ts'
import { controllerReference } from './ownership.ts'
import { hasEnded, isActive, isAvailable, isReadyPod } from './pod-state.ts'

/** At most so many pods are made or deleted in one go. */
const BURST = 500

export interface ReplicaSetView {
  readonly set: ReplicaSet
  /** The pods that it controls, ended and terminating ones too. */
  readonly pods: readonly Pod[]
  /** Pods by node, of all sets of the same owner: where there are most, one goes first. */
  readonly crowd: ReadonlyMap<string, number>
  readonly nowInMs: number
}

export interface ReplicaSetPlan {
  /** How many pods to make. */
  readonly create: number
  /** Which pods to delete, in this order. */
  readonly remove: readonly Pod[]
}

/** Decides on the number. A set that is being deleted makes and deletes nothing: its pods are the garbage collector's. */
export function planReplicas({ set, pods, crowd, nowInMs }: ReplicaSetView): ReplicaSetPlan {
  if (set.metadata.deletionTimestamp !== undefined) return { create: 0, remove: [] }
  const active = pods.filter(isActive)
  const missing = (set.spec?.replicas ?? 1) - active.length
  if (missing >= 0) return { create: Math.min(missing, BURST), remove: [] }
  return { create: 0, remove: deletionOrder(active, crowd, nowInMs).slice(0, Math.min(-missing, BURST)) }
}

/** A pod of the set; the server names it. */
export function podOf(set: ReplicaSet): Pod {
  const { metadata = {}, spec } = set.spec?.template ?? {}
  const { labels, annotations, finalizers } = metadata
  return {
    metadata: {
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(set)],
    },
    ...(spec === undefined ? {} : { spec }),
  }
}

export interface ReplicaFailure {
  /** `FailedCreate` or `FailedDelete`. */
  readonly reason: string
  readonly message: string
}

/** The status; zero counters are left out but `replicas`, as the API does. */
export function replicaSetStatus(view: ReplicaSetView, failure: ReplicaFailure | undefined): ReplicaSetStatus {
  const { set, pods, nowInMs } = view
  const active = pods.filter(isActive)
  const labels = set.spec?.template?.metadata?.labels ?? {}
  const count = (matches: (pod: Pod) => boolean): number => active.filter(matches).length
  const counters = {
    fullyLabeledReplicas: count((pod) => matchesLabels({ matchLabels: labels }, pod.metadata.labels)),
    readyReplicas: count(isReadyPod),
    availableReplicas: count((pod) => isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowInMs)),
  }
  const conditions = failureConditions(set.status?.conditions ?? [], failure, nowInMs)
  return {
    replicas: active.length,
    ...Object.fromEntries(Object.entries(counters).filter(([, value]) => value > 0)),
    terminatingReplicas: pods.filter((pod) => !hasEnded(pod) && pod.metadata.deletionTimestamp !== undefined).length,
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  }
}

function failureConditions(
  before: readonly Condition[],
  failure: ReplicaFailure | undefined,
  nowInMs: number,
): readonly Condition[] {
  const others = before.filter(({ type }) => type !== 'ReplicaFailure')
  if (failure === undefined) return others
  const known = before.find(({ type }) => type === 'ReplicaFailure')
  if (known?.reason === failure.reason) return before
  const lastTransitionTime = new Date(nowInMs).toISOString().replace(/\.\d{3}Z$/, 'Z')
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime, ...failure }]
}

/** Whether a status that is there says what the wanted one does: absent counters are zero. */
export function sameStatus(wanted: object, there: object | undefined): boolean {
  return isDeepStrictEqual(significant(wanted), significant(there ?? {}))
}

function significant(status: object): unknown {
  const known = Object.entries(status).filter(
    ([, value]) => value !== undefined && value !== 0 && !(Array.isArray(value) && value.length === 0),
  )
  return Object.fromEntries(known)
}
