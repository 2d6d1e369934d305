/** What a row of probe results says of a container. */
import type { Probe } from '../../kube/types.ts'

/** A probe with Kubernetes' defaults filled in. */
export interface ProbeTiming {
  readonly initialDelayInMs: number
  readonly periodInMs: number
  readonly timeoutInMs: number
  readonly successThreshold: number
  readonly failureThreshold: number
}

export function probeTiming(probe: Probe): ProbeTiming {
  return {
    initialDelayInMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodInMs: (probe.periodSeconds || 10) * 1000,
    timeoutInMs: (probe.timeoutSeconds || 1) * 1000,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  }
}

/** `run` counts equal results in a row; `passing` is what the container is held for. */
export interface ProbeState {
  readonly passing: boolean
  readonly last: boolean | undefined
  readonly run: number
}

/** A readiness probe begins as failing. */
export const UNPROBED: ProbeState = { passing: false, last: undefined, run: 0 }

/** Takes one result in: the verdict changes only after as many equal results as its threshold says. */
export function afterProbe(state: ProbeState, success: boolean, timing: ProbeTiming): ProbeState {
  const run = state.last === success ? state.run + 1 : 1
  const needed = success ? timing.successThreshold : timing.failureThreshold
  return { passing: run >= needed ? success : state.passing, last: success, run }
}
