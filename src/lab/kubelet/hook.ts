/** Lifecycle hooks: what is done after a container's start and before its end. */
import { pause } from '../../kube/backoff.ts'
import type { LifecycleHandler } from '../../kube/types.ts'
import { runProbe } from './probe-run.ts'
import type { ProbedTarget } from './probe-watch.ts'

/** Hooks end with their container; this bounds one that would not. */
const LONGEST_IN_MS = 3_600_000

/** Runs a hook to its end; '' or why it failed. `ended` cuts a sleep short. Never rejects. */
export async function runHook(handler: LifecycleHandler, target: ProbedTarget, ended: AbortSignal): Promise<string> {
  if (handler.sleep !== undefined) {
    await pause(handler.sleep.seconds * 1000, ended)
    return ''
  }
  const { success, message } = await runProbe(handler, { ...target, timeoutInMs: LONGEST_IN_MS })
  return success ? '' : message || 'the command failed'
}
