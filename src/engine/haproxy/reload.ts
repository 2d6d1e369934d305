/** A reload: the master starts a new worker over the files, and the old one ends with its last connection. */
import { setTimeout } from 'node:timers/promises'
import { tryRun } from '../../linux/run.ts'
import { HAPROXY_RELOAD_FAILED } from '../../model/codes/haproxy.ts'
import { EngineError } from '../../model/engine.ts'
import type { Directory } from './directory.ts'
import { readProcess } from './installed.ts'
import { ask } from './socket.ts'

const POLL_IN_MS = 5
/** A master that still starts a worker does not hear: it is asked again. */
const ASK_AGAIN_IN_MS = 3_000
const TRIES = 5

/** Why a configuration would not be taken; '' if it would. */
export async function checkConfig(folder: string, signal: AbortSignal): Promise<string> {
  const { exitCode, stderr } = await tryRun(['haproxy', '-c', '-f', `${folder}/`], { signal })
  return exitCode === 0 ? '' : stderr.trim() || `exit code ${exitCode}`
}

/** Resolves once a worker with that generation answers. @throws {EngineError} HAPROXY_RELOAD_FAILED, HAPROXY_AWAY */
export async function reload({ runtime, master }: Directory, generation: string, signal: AbortSignal): Promise<void> {
  const { pid } = await readProcess(runtime)
  for (let turn = 0; turn < TRIES; turn++) {
    await ask(master, 'reload').catch(() => undefined) // the master may be on its way to itself
    const until = performance.now() + ASK_AGAIN_IN_MS
    while (performance.now() < until) {
      const now = await readProcess(runtime).catch(() => undefined)
      if (now !== undefined && now.pid !== pid && now.generation === generation) return
      // nothing tells when a worker has taken over
      await setTimeout(POLL_IN_MS, undefined, { signal })
    }
  }
  throw new EngineError(HAPROXY_RELOAD_FAILED, `No new HAProxy took over after ${TRIES} requests.`, {
    fix: HAPROXY_RELOAD_FAILED.fix,
  })
}
