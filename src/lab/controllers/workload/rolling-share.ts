/** maxSurge and maxUnavailable as numbers of pods. Source: pkg/controller/deployment/util, ResolveFenceposts. */
import type { IntOrPercent, RollingUpdate } from '../../../kube/apps.ts'

export interface RollingShare {
  readonly maxSurge: number
  readonly maxUnavailable: number
}

/** A number as it is; a percentage of `total`, rounded as asked. What is neither counts as 0. */
export function resolveShare(value: IntOrPercent | undefined, total: number, round: 'up' | 'down'): number {
  if (typeof value === 'number') return value
  const percent = /^(\d+)%$/.exec(value ?? '')?.[1]
  if (percent === undefined) return 0
  const share = (Number(percent) * total) / 100
  return round === 'up' ? Math.ceil(share) : Math.floor(share)
}

/** Surge is rounded up, unavailability down; where both would be 0, one pod may be unavailable, or nothing would ever move. */
export function rollingShare(rolling: RollingUpdate | undefined, replicas: number): RollingShare {
  const maxSurge = resolveShare(rolling?.maxSurge, replicas, 'up')
  const resolved = resolveShare(rolling?.maxUnavailable, replicas, 'down')
  const maxUnavailable = maxSurge === 0 && resolved === 0 ? 1 : resolved
  return { maxSurge, maxUnavailable: Math.min(maxUnavailable, replicas) }
}
