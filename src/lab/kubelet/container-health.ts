/** What the probes of a running container say of it: started, ready, to be ended. */
import type { Probe } from '../../kube/types.ts'
import { type ProbedTarget, watchProbe } from './probe-watch.ts'

export type ProbeKind = 'startup' | 'liveness' | 'readiness'

export interface HealthListener {
  started(): void
  ready(ready: boolean): void
  /** One failure, for an Event. */
  unhealthy(message: string): void
  /** It must be ended. */
  dead(kind: ProbeKind, probe: Probe): void
}

/**
 * Runs the probes until `ended`: the startup probe alone first, then liveness and readiness side by side. Without a startup probe a
 * container is started at once, without a readiness probe it is ready once it is started.
 */
export async function watchHealth(target: ProbedTarget, listener: HealthListener, ended: AbortSignal): Promise<void> {
  const { startupProbe, livenessProbe, readinessProbe } = target.container
  if (startupProbe !== undefined && !(await hasStarted(startupProbe, target, listener, ended))) return
  listener.started()
  if (readinessProbe === undefined) listener.ready(true)
  await Promise.all([
    livenessProbe === undefined ? undefined : watchLiveness(livenessProbe, target, listener, ended),
    // a container that is being stopped goes on being probed, so that its endpoint stops serving when it does
    readinessProbe === undefined ? undefined : watchReadiness(readinessProbe, target, listener, ended),
  ])
}

async function hasStarted(probe: Probe, target: ProbedTarget, listener: HealthListener, ended: AbortSignal): Promise<boolean> {
  for await (const { passing, failing, failure } of watchProbe(probe, target, true, ended)) {
    if (passing) return true
    if (failure !== undefined) listener.unhealthy(`Startup probe failed: ${failure}`)
    if (!failing) continue
    listener.dead('startup', probe)
    return false
  }
  return false
}

async function watchLiveness(probe: Probe, target: ProbedTarget, listener: HealthListener, ended: AbortSignal): Promise<void> {
  for await (const { failing, failure } of watchProbe(probe, target, false, ended)) {
    if (failure !== undefined) listener.unhealthy(`Liveness probe failed: ${failure}`)
    if (failing) return listener.dead('liveness', probe)
  }
}

async function watchReadiness(probe: Probe, target: ProbedTarget, listener: HealthListener, ended: AbortSignal): Promise<void> {
  for await (const { passing, failure } of watchProbe(probe, target, true, ended)) {
    if (failure !== undefined) listener.unhealthy(`Readiness probe failed: ${failure}`)
    listener.ready(passing)
  }
}
