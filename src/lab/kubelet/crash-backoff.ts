/** How long a container that ended waits before it is started again. Source: kubelet, MaxContainerBackOff and its reset rule. */
import type { Times } from '../topology.ts'

interface Delays {
  readonly firstInMs: number
  readonly longestInMs: number
}

const DELAYS: Readonly<Record<Times, Delays>> = {
  quick: { firstInMs: 1_000, longestInMs: 30_000 },
  kubernetes: { firstInMs: 10_000, longestInMs: 300_000 },
}

/** `delayInMs` is what the next wait will be; 0 for a container that may start at once. */
export interface CrashBackoff {
  readonly delayInMs: number
}

export const NO_BACKOFF: CrashBackoff = { delayInMs: 0 }

/**
 * After an end: how long to wait now, and what a next crash will wait. The first restart is at once; then 10 s, doubling to
 * 5 minutes (in quick times 1 s, doubling to 30 s); a run longer than twice the longest delay starts over.
 */
export function afterExit(
  backoff: CrashBackoff,
  ranInMs: number,
  times: Times,
): { readonly waitInMs: number; readonly next: CrashBackoff } {
  const { firstInMs, longestInMs } = DELAYS[times]
  const delayInMs = ranInMs > 2 * longestInMs ? 0 : backoff.delayInMs
  const doubled = delayInMs === 0 ? firstInMs : Math.min(delayInMs * 2, longestInMs)
  return { waitInMs: delayInMs, next: { delayInMs: doubled } }
}

/** A delay in the words of Kubernetes: `10s`, `2m40s`, `5m0s`. */
export function goDuration(inMs: number): string {
  const seconds = Math.round(inMs / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}

/** Whether a container that ended is started again. `exitCode` 0 is success. */
export function restarts(policy: string | undefined, exitCode: number): boolean {
  return policy === 'Never' ? false : policy === 'OnFailure' ? exitCode !== 0 : true
}
