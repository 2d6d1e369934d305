/** What the scheduler decides on. */
import type { Node, Pod } from '../../kube/types.ts'

export interface Cluster {
  readonly nodes: readonly Node[]
  /** Every pod that is on a node, or on its way there, by node name. */
  readonly podsOf: ReadonlyMap<string, readonly Pod[]>
}

/** Why a node cannot have a pod. */
export interface Refusal {
  /** In kube-scheduler's words. */
  readonly reason: string
  /** Whether it could if other pods left. */
  readonly curable: boolean
}
