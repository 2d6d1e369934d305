/** The readiness of a running container, probe after probe. */
import { pause } from '../../kube/backoff.ts'
import type { Container, Probe } from '../../kube/types.ts'
import { runProbe } from './probe-run.ts'
import { afterProbe, probeTiming, UNPROBED } from './probe-state.ts'

/**
 * A container that was just started and does not listen yet is asked again at this pace for a moment, without an Event: a real
 * kubelet would wait a whole period, and a lab should not.
 */
const SETTLE_IN_MS = 1_000
const SETTLE_STEP_IN_MS = 50

export interface Readiness {
  readonly ready: boolean
  /** Why the probe failed, perhaps without a word; undefined when it passed. */
  readonly failure: string | undefined
}

/** Yields after each probe, until `ended`. */
export async function* watchReadiness(
  probe: Probe,
  target: { readonly podIP: string; readonly pid: number; readonly container: Container },
  ended: AbortSignal,
): AsyncGenerator<Readiness> {
  const timing = probeTiming(probe)
  if (!(await pause(timing.initialDelayInMs, ended))) return
  const settledAtInMs = performance.now() + SETTLE_IN_MS
  let state = UNPROBED
  while (!ended.aborted) {
    const result = await runProbe(probe, { ...target, timeoutInMs: timing.timeoutInMs })
    if (ended.aborted) return
    if (result.refused && state.last === undefined && performance.now() < settledAtInMs) {
      await pause(SETTLE_STEP_IN_MS, ended)
      continue
    }
    state = afterProbe(state, result.success, timing)
    yield { ready: state.passing, failure: result.success ? undefined : result.message }
    if (!(await pause(timing.periodInMs, ended))) return
  }
}
