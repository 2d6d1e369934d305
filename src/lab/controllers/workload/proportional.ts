/** Scaling in the middle of a rollout: every set in proportion to its size. Source: pkg/controller/deployment/sync.go, scale; util GetProportion. */
import type { Deployment, ReplicaSet } from '../../../kube/apps.ts'
import { deploymentShare, replicasOf, wantedTotal } from './deployment-status.ts'
import { byAge, MAX } from './revision.ts'

/**
 * The new number of replicas of each active set.
 *
 * Shape:  the numbers add up to replicas + maxSurge; rounding falls to the largest set.
 * Order:  the largest first; of equal ones the newer when growing, the older when shrinking.
 */
export function proportionally(
  deployment: Deployment,
  active: readonly ReplicaSet[],
): readonly (readonly [ReplicaSet, number])[] {
  const { replicas = 1 } = deployment.spec ?? {}
  const allowed = replicas > 0 ? replicas + deploymentShare(deployment).maxSurge : 0
  const toAdd = allowed - wantedTotal(active)
  const sorted = active.toSorted((a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)))
  let added = 0
  const sizes = sorted.map((set) => {
    const share = toAdd === 0 ? 0 : proportion(deployment, set, toAdd - added)
    added += share
    return replicasOf(set) + share
  })
  return sorted.map((set, index) => {
    const leftover = index === 0 ? toAdd - added : 0
    return [set, Math.max(0, (sizes[index] ?? 0) + leftover)] as const
  })
}

function proportion(deployment: Deployment, set: ReplicaSet, left: number): number {
  const share = fraction(deployment, set)
  if (left === 0) return 0
  return left > 0 ? Math.min(share, left) : Math.max(share, left)
}

function fraction(deployment: Deployment, set: ReplicaSet): number {
  const { replicas = 1 } = deployment.spec ?? {}
  const now = replicasOf(set)
  if (replicas === 0) return -now
  const most = replicas + deploymentShare(deployment).maxSurge
  const before = Number(set.metadata.annotations?.[MAX] ?? 0) || deployment.status?.replicas || 0
  return before === 0 ? 0 : Math.round((now * most) / before) - now
}
