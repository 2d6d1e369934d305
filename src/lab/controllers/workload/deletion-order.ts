/** Which pods go first when there are too many. Source: pkg/controller/controller_utils.go, ActivePodsWithRanks. */
import type { Pod } from '../../../kube/types.ts'
import { readySinceInMs } from './pod-state.ts'

const COST = 'controller.kubernetes.io/pod-deletion-cost'
const PHASES: readonly (string | undefined)[] = ['Pending', 'Unknown', 'Running']

/**
 * Sorts pods so that those to delete come first.
 *
 * Order:  without a node; Pending; not ready; cheaper by annotation; on a node with more of `crowd`; ready for a shorter time; more
 *         restarts; younger. Times are compared by their order of magnitude, and pods that are equal then by uid, so that a
 *         scale-down does not always hit the same failure domain.
 */
export function deletionOrder(pods: readonly Pod[], crowd: ReadonlyMap<string, number>, nowInMs: number): readonly Pod[] {
  const criteria: readonly ((pod: Pod) => number)[] = [
    (pod) => (pod.spec?.nodeName ? 1 : 0),
    (pod) => PHASES.indexOf(pod.status?.phase),
    (pod) => (readySinceInMs(pod) === undefined ? 0 : 1),
    (pod) => Number.parseInt(pod.metadata.annotations?.[COST] ?? '0', 10) || 0,
    (pod) => -(crowd.get(pod.spec?.nodeName ?? '') ?? 0),
    (pod) => magnitude(readySinceInMs(pod), nowInMs),
    (pod) => -restarts(pod),
    (pod) => magnitude(Date.parse(pod.metadata.creationTimestamp ?? ''), nowInMs),
  ]
  return pods.toSorted((a, b) => {
    for (const criterion of criteria) {
      const difference = criterion(a) - criterion(b)
      if (difference !== 0) return difference
    }
    return (a.metadata.uid ?? '') < (b.metadata.uid ?? '') ? -1 : 1
  })
}

/** How many times a time has doubled since: 0 for now. */
function magnitude(sinceInMs: number | undefined, nowInMs: number): number {
  const ageInNs = (nowInMs - (sinceInMs || nowInMs)) * 1e6
  return ageInNs <= 0 ? -1 : Math.floor(Math.log2(ageInNs))
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map(({ restartCount }) => restartCount))
}
