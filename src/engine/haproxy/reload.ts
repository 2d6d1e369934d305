/** A reload: the master starts a new worker over the files, and the old one ends with its last connection. */
import { setTimeout } from 'node:timers/promises'
import { tryRun } from '../../linux/run.ts'
import { HAPROXY_RELOAD_FAILED } from '../../model/codes/haproxy.ts'
import { EngineError } from '../../model/engine.ts'
import type { Directory } from './directory.ts'
import { readProcess } from './installed.ts'
import { askMaster } from './socket.ts'

const POLL_IN_MS = 5
/** A worker of thousands of sections is there within a second or two, on a busy machine later. */
const TIMEOUT_IN_MS = 30_000

/** Why a configuration would not be taken; '' if it would. */
export async function checkConfig(folder: string, signal: AbortSignal): Promise<string> {
  const { exitCode, stderr } = await tryRun(['haproxy', '-c', '-f', `${folder}/`], { signal })
  return exitCode === 0 ? '' : alertsIn(stderr) || stderr.trim() || `exit code ${exitCode}`
}

/** What is wrong, without the notices around it. */
function alertsIn(stderr: string): string {
  const alerts = stderr.split('\n').flatMap((line) => /^\[ALERT\]\s+\(\d+\) : (?:config : )?(.*)$/.exec(line)?.[1] ?? [])
  return alerts.filter((alert) => !/^(Fatal errors|Error\(s\)) found in configuration/.test(alert)).join(' ')
}

/**
 * Resolves once a worker with that generation answers. The master is asked once: of two reloads the second would read the files again, and what was told
 * to the first one's worker meanwhile would be lost.
 *
 * @throws {EngineError} HAPROXY_RELOAD_FAILED
 */
export async function reload({ runtime, master }: Directory, generation: string, signal: AbortSignal): Promise<void> {
  const until = performance.now() + TIMEOUT_IN_MS
  let before: Master | undefined
  // nothing tells when a worker has taken over
  for (; performance.now() < until; await setTimeout(POLL_IN_MS, undefined, { signal })) {
    const now = await readMaster(master)
    if (now === undefined) continue
    before ??= now
    if (now.failed > before.failed) break
    // it went unheard, as the master was on its way to itself
    if (now.reloads <= before.reloads) await askMaster(master, 'reload').catch(() => undefined)
    else {
      const worker = await readProcess(runtime).catch(() => undefined)
      if (worker?.pid === now.worker && worker.generation === generation) return
    }
  }
  const message = `No new HAProxy took over within ${TIMEOUT_IN_MS / 1_000} seconds.`
  throw new EngineError(HAPROXY_RELOAD_FAILED, message, { fix: HAPROXY_RELOAD_FAILED.fix })
}

interface Master {
  readonly reloads: number
  readonly failed: number
  /** Its present worker's process. */
  readonly worker: number
}

/** Undefined: it does not answer. Source: management guide, `show proc`. */
async function readMaster(master: string): Promise<Master | undefined> {
  const text = await askMaster(master, 'show proc').catch(() => '')
  const [, reloads, failed = 0] = /^\d+\s+master\s+(\d+)(?: \[failed: (\d+)\])?/m.exec(text) ?? []
  if (reloads === undefined) return undefined
  const [, worker = 0] = /^# workers\n(\d+)\s+worker/m.exec(text) ?? []
  return { reloads: Number(reloads), failed: Number(failed), worker: Number(worker) }
}
