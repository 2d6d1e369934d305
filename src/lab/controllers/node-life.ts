/** Whether a node that is silent counts as gone, and what its conditions then say. */
import type { Condition, Node, Pod } from '../../kube/types.ts'

export interface NodeSign {
  /** When its Lease was last seen to change, by this process's monotonic clock. */
  readonly heardAtInMs: number
}

/** How long until a node counts as silent; 0 or less when it does already. */
export function silentInMs(sign: NodeSign, graceInMs: number, nowInMs: number): number {
  return sign.heardAtInMs + graceInMs - nowInMs
}

const KUBELET_CONDITIONS: readonly string[] = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready']

/** The conditions of a node of which nothing is heard; undefined when they say so already. Source: node_lifecycle_controller.go. */
export function unknownConditions(node: Node, now: string): readonly Condition[] | undefined {
  const conditions = node.status?.conditions ?? []
  const ours = conditions.filter(({ type }) => KUBELET_CONDITIONS.includes(type))
  if (ours.length > 0 && ours.every(({ status }) => status === 'Unknown')) return undefined
  const words = { status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' }
  const known = conditions.map((each) =>
    KUBELET_CONDITIONS.includes(each.type) ? { ...each, ...words, lastTransitionTime: now } : each,
  )
  return known.some(({ type }) => type === 'Ready') ? known : [...known, { type: 'Ready', ...words, lastTransitionTime: now }]
}

/** The reason that says that a pod is not ready because of its node; a kubelet that comes back reports its pods anew on it. */
export const NODE_NOT_READY = 'NodeNotReady'

/** The conditions of a pod whose node is gone; undefined when it is not ready as it is. */
export function notReadyConditions(pod: Pod, now: string): readonly Condition[] | undefined {
  const conditions = pod.status?.conditions ?? []
  if (!conditions.some(({ type, status }) => type === 'Ready' && status === 'True')) return undefined
  const words = {
    status: 'False',
    reason: NODE_NOT_READY,
    message: 'the node of the pod is not heard of',
    lastTransitionTime: now,
  }
  return conditions.map((each) => (each.type === 'Ready' ? { ...each, ...words } : each))
}
