/** Taints of nodes that are not Ready, and when they cost pods their place. Source: node_lifecycle_controller.go, tainteviction. */
import type { Node, Pod, Taint, Toleration } from '../../kube/types.ts'
import { tolerates } from './node-match.ts'

const NOT_READY = 'node.kubernetes.io/not-ready'
const UNREACHABLE = 'node.kubernetes.io/unreachable'
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service'
const EFFECTS = ['NoSchedule', 'NoExecute'] as const
/** What admission gives every pod that says nothing of it. */
const ADMITTED_SECONDS = 300

/** The taints that a node should have; undefined when it has them. `now` is RFC 3339. */
export function taintsFor(node: Node, now: string): readonly Taint[] | undefined {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status
  const key = ready === 'Unknown' ? UNREACHABLE : ready === 'False' ? NOT_READY : undefined
  const before = node.spec?.taints ?? []
  const kept = before.filter((taint) => (taint.key !== NOT_READY && taint.key !== UNREACHABLE) || taint.key === key)
  const missing = EFFECTS.filter(
    (effect) => key !== undefined && !kept.some((each) => each.key === key && each.effect === effect),
  )
  if (kept.length === before.length && missing.length === 0) return undefined
  return [...kept, ...missing.map((effect) => ({ key: key ?? '', effect, timeAdded: now }))]
}

export interface EvictionView {
  readonly pod: Pod
  /** Undefined: the node is gone. */
  readonly node: Node | undefined
  /** When a taint without a time was first seen. */
  readonly seenAtInMs: number
  readonly nowInMs: number
  /** How long a pod stays with the toleration that admission gives it: 300 s in Kubernetes. */
  readonly evictionInMs: number
}

/** How long a pod may stay on its node, 0 if no longer; undefined for ever. */
export function evictedInMs({ pod, node, seenAtInMs, nowInMs, evictionInMs }: EvictionView): number | undefined {
  if (pod.metadata.deletionTimestamp !== undefined) return undefined
  const ends = (node?.spec?.taints ?? [])
    .filter(({ effect }) => effect === 'NoExecute')
    .map((taint) => {
      const used = (pod.spec?.tolerations ?? []).filter((toleration) => tolerates(toleration, taint))
      if (used.length === 0) return nowInMs
      const since = taint.timeAdded === undefined ? seenAtInMs : Date.parse(taint.timeAdded)
      return since + Math.min(...used.map((toleration) => toleratedInMs(toleration, evictionInMs)))
    })
  const end = Math.min(...ends)
  return end === Number.POSITIVE_INFINITY ? undefined : Math.max(0, end - nowInMs)
}

function toleratedInMs({ key, tolerationSeconds }: Toleration, evictionInMs: number): number {
  if (tolerationSeconds === undefined) return Number.POSITIVE_INFINITY
  const admitted = tolerationSeconds === ADMITTED_SECONDS && (key === NOT_READY || key === UNREACHABLE)
  return admitted ? evictionInMs : Math.max(0, tolerationSeconds) * 1000
}

/** Whether nobody will ever confirm a pod's end: its node is gone, or someone vouches that it is off. Source: pkg/controller/podgc. */
export function isAbandoned(pod: Pod, node: Node | undefined): boolean {
  if (!pod.spec?.nodeName) return false
  if (node === undefined) return true
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
  const off = node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) === true
  return off && !ready && pod.metadata.deletionTimestamp !== undefined
}
