/** One probe of a running container, again and again. */
import { pause } from '../../kube/backoff.ts'
import type { Probe } from '../../kube/types.ts'
import { type ProbeTarget, runProbe } from './probe-run.ts'
import { afterProbe, probeTiming, UNPROBED } from './probe-state.ts'

/**
 * A container that was just started and does not listen yet is asked again at this pace for a moment, without an Event: a real
 * kubelet would wait a whole period, and a lab should not.
 */
const SETTLE_IN_MS = 1_000
const SETTLE_STEP_IN_MS = 50

export type ProbedTarget = Omit<ProbeTarget, 'timeoutInMs'>

export interface ProbeReport {
  /** As many successes in a row as its threshold says, and not as many failures since. */
  readonly passing: boolean
  /** As many failures in a row as its threshold says. */
  readonly failing: boolean
  /** Why the probe failed, perhaps without a word; undefined when it passed. */
  readonly failure: string | undefined
}

/** Yields after each probe, until `ended`. With `settles`, a refusal in the first moment does not count. */
export async function* watchProbe(
  probe: Probe,
  target: ProbedTarget,
  settles: boolean,
  ended: AbortSignal,
): AsyncGenerator<ProbeReport> {
  const timing = probeTiming(probe)
  if (!(await pause(timing.initialDelayInMs, ended))) return
  const settledAtInMs = performance.now() + (settles ? SETTLE_IN_MS : 0)
  let state = UNPROBED
  while (!ended.aborted) {
    const result = await runProbe(probe, { ...target, timeoutInMs: timing.timeoutInMs })
    if (ended.aborted) return
    if (result.refused && state.last === undefined && performance.now() < settledAtInMs) {
      await pause(SETTLE_STEP_IN_MS, ended)
      continue
    }
    state = afterProbe(state, result.success, timing)
    const failing = !result.success && state.run >= timing.failureThreshold
    yield { passing: state.passing, failing, failure: result.success ? undefined : result.message }
    if (!(await pause(timing.periodInMs, ended))) return
  }
}
