/** The group apps/v1, as far as it is read here: kinds that keep pods. */
import type { Resource } from './resource.ts'
import type { Condition, KubeObject, ObjectMeta, PodSpec } from './types.ts'

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    /** `In`, `NotIn`, `Exists` or `DoesNotExist`. */
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

export interface PodTemplate {
  readonly metadata?: ObjectMeta
  readonly spec?: PodSpec
}

/** A number, or a share such as `25%`. */
export type IntOrPercent = number | string

export interface RollingUpdate {
  readonly maxSurge?: IntOrPercent
  readonly maxUnavailable?: IntOrPercent
}

export interface TimedCondition extends Condition {
  readonly lastUpdateTime?: string
}

export interface DeploymentStatus {
  readonly observedGeneration?: number
  readonly replicas?: number
  readonly updatedReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly unavailableReplicas?: number
  readonly terminatingReplicas?: number
  readonly collisionCount?: number
  readonly conditions?: readonly TimedCondition[]
}

export interface Deployment extends KubeObject {
  readonly spec?: {
    readonly replicas?: number
    readonly selector?: LabelSelector
    readonly template?: PodTemplate
    readonly strategy?: { readonly type?: string; readonly rollingUpdate?: RollingUpdate }
    readonly minReadySeconds?: number
    readonly revisionHistoryLimit?: number
    readonly paused?: boolean
    readonly progressDeadlineSeconds?: number
  }
  readonly status?: DeploymentStatus
}

export interface ReplicaSetStatus {
  readonly observedGeneration?: number
  readonly replicas: number
  readonly fullyLabeledReplicas?: number
  readonly readyReplicas?: number
  readonly availableReplicas?: number
  readonly terminatingReplicas?: number
  readonly conditions?: readonly Condition[]
}

export interface ReplicaSet extends KubeObject {
  readonly spec?: {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly selector?: LabelSelector
    readonly template?: PodTemplate
  }
  readonly status?: ReplicaSetStatus
}

export interface DaemonSetStatus {
  readonly currentNumberScheduled: number
  readonly numberMisscheduled: number
  readonly desiredNumberScheduled: number
  readonly numberReady: number
  readonly observedGeneration?: number
  readonly updatedNumberScheduled?: number
  readonly numberAvailable?: number
  readonly numberUnavailable?: number
}

export interface DaemonSet extends KubeObject {
  readonly spec?: {
    readonly selector?: LabelSelector
    readonly template?: PodTemplate
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: RollingUpdate }
    readonly minReadySeconds?: number
    readonly revisionHistoryLimit?: number
  }
  readonly status?: DaemonSetStatus
}

/** A template that a DaemonSet has or had, as the patch that brings it back. */
export interface ControllerRevision extends KubeObject {
  readonly data?: unknown
  readonly revision: number
}

const apps = (plural: string, kind: string) => ({ group: 'apps', version: 'v1', plural, kind, namespaced: true })

export const DEPLOYMENTS: Resource<Deployment> = apps('deployments', 'Deployment')
export const REPLICA_SETS: Resource<ReplicaSet> = apps('replicasets', 'ReplicaSet')
export const DAEMON_SETS: Resource<DaemonSet> = apps('daemonsets', 'DaemonSet')
export const CONTROLLER_REVISIONS: Resource<ControllerRevision> = apps('controllerrevisions', 'ControllerRevision')
