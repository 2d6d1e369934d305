/** What a controller asks of a pod. Source: pkg/controller/controller_utils.go, pkg/api/v1/pod/util.go. */
import type { Pod } from '../../../kube/types.ts'

/** Counts towards replicas: it has not ended, and nobody asked it to. */
export function isActive(pod: Pod): boolean {
  return !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined
}

export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

/** Since when the pod is ready, in Unix milliseconds; undefined when it is not. */
export function readySinceInMs(pod: Pod): number | undefined {
  const ready = pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True')
  if (ready === undefined) return undefined
  return Date.parse(ready.lastTransitionTime ?? '') || 0
}

export function isReadyPod(pod: Pod): boolean {
  return readySinceInMs(pod) !== undefined
}

/** How long until a ready pod counts as available; 0 when it does, undefined when it is not ready. */
export function availableInMs(pod: Pod, minReadySeconds: number, nowInMs: number): number | undefined {
  const since = readySinceInMs(pod)
  if (since === undefined) return undefined
  return minReadySeconds === 0 ? 0 : Math.max(0, since + minReadySeconds * 1000 - nowInMs)
}

export function isAvailable(pod: Pod, minReadySeconds: number, nowInMs: number): boolean {
  return availableInMs(pod, minReadySeconds, nowInMs) === 0
}

/** When the next ready pod becomes available; undefined when none is on its way. */
export function nextAvailableInMs(pods: readonly Pod[], minReadySeconds: number, nowInMs: number): number | undefined {
  const waits = pods.map((pod) => availableInMs(pod, minReadySeconds, nowInMs) ?? 0).filter((inMs) => inMs > 0)
  return waits.length === 0 ? undefined : Math.min(...waits)
}
