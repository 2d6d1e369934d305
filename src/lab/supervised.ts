/** The supervisor of a lab, as the commands see it from outside: whether it lives, starting it, stopping it. */
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { FileLock } from '../linux/file-lock.ts'
import { bootId, endProcesses, isAlive, type ProcessIdentity } from '../linux/process.ts'
import { FairwayError } from '../model/code.ts'
import { LAB_PROCESS_FAILED } from '../model/codes/lab.ts'
import { lastLines } from './log-files.ts'
import { type LabState, labPaths, type ProcessesState, readProcesses, runDir } from './state.ts'
import { NODE_FLAGS } from './supervisor/specs.ts'

/** A little more than the supervisor gives its processes, twice: the API server ends last. */
const STOP_TIMEOUT_IN_MS = 8_000

/** What the supervisor wrote down, if it lives. */
export function liveSupervisor(lab: string): ProcessesState | undefined {
  const state = readProcesses(lab)
  return state !== undefined && state.bootId === bootId() && isAlive(state.supervisor) ? state : undefined
}

/**
 * Starts the supervisor, apart from the terminal, and waits until it can be asked.
 *
 * It inherits the lock and lets it go once it has written down that it is there: whoever is killed in between, no other command
 * takes the lab for one without a supervisor.
 * @throws {FairwayError} LAB_PROCESS_FAILED with the last lines of its log
 */
export async function startSupervisor(state: LabState, lock: FileLock): Promise<void> {
  const log = openSync(join(labPaths(state.name).log, 'lab-supervisor.log'), 'a', 0o600)
  const args = [...NODE_FLAGS, state.entry, 'lab-supervisor', '--lab', state.name, '--ready-fd', '3', '--lock-fd', '4']
  const child = spawn(process.execPath, args, {
    detached: true,
    cwd: '/',
    env: { ...process.env, FAIRWAY_RUN_DIR: runDir() }, // as we were given it, it may be relative to another folder
    stdio: ['ignore', log, log, 'pipe', lock.fd],
  })
  closeSync(log)
  const ready = await new Promise<boolean>((resolve) => {
    const pipe = child.stdio[3] as Readable
    pipe.on('data', () => resolve(true))
    pipe.on('end', () => resolve(false))
    child.on('error', () => resolve(false))
  })
  child.unref()
  if (ready) return
  throw new FairwayError(LAB_PROCESS_FAILED, `The lab's supervisor does not start: ${lastLines(state.name, 'lab-supervisor')}`)
}

/** Stops the supervisor and all that it started; then whatever it recorded and could not stop. */
export async function stopSupervisor(lab: string): Promise<void> {
  const state = readProcesses(lab)
  if (state === undefined || state.bootId !== bootId()) return
  await endProcesses([state.supervisor], STOP_TIMEOUT_IN_MS)
  const recorded = (readProcesses(lab) ?? state).processes
  await endProcesses(
    recorded.map(({ identity }) => identity).filter((identity): identity is ProcessIdentity => identity !== undefined),
    0,
  )
}
