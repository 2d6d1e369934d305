/** Processes told apart by pid and start time, so that a reused pid is never mistaken for the process that had it before. */
import { readdirSync, readFileSync, statSync } from 'node:fs'

/** Shape: `startTime` is field 22 of /proc/PID/stat, in clock ticks since boot; together they name one process until the next boot. */
export interface ProcessIdentity {
  readonly pid: number
  readonly startTime: string
}

const POLL_IN_MS = 10

/** The identity of a process that lives now; undefined when none has that pid, or only its exit code is left (a zombie). */
export function identify(pid: number): ProcessIdentity | undefined {
  const fields = statFields(pid)
  const [state, startTime] = [fields?.[0], fields?.[19]]
  if (state === undefined || startTime === undefined || state === 'Z' || state === 'X') return undefined
  return { pid, startTime }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTime === identity.startTime
}

/** Sends a signal to that very process; one that has ended already is no error. Returns whether it was there. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false
  try {
    process.kill(identity.pid, signal)
    return true
  } catch {
    return false
  }
}

/**
 * Waits until none of the processes lives, at most so long; returns those that still do. They need not be our children, so
 * there is nothing to wait on but /proc.
 */
export async function untilGone(
  identities: readonly ProcessIdentity[],
  timeoutInMs: number,
): Promise<readonly ProcessIdentity[]> {
  const end = performance.now() + timeoutInMs
  let left = identities.filter(isAlive)
  while (left.length > 0 && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, POLL_IN_MS))
    left = left.filter(isAlive)
  }
  return left
}

/** Ends processes: SIGTERM, and SIGKILL for what is left after `graceInMs`. Returns those that outlived even that. */
export async function endProcesses(
  identities: readonly ProcessIdentity[],
  graceInMs: number,
): Promise<readonly ProcessIdentity[]> {
  for (const identity of identities) signalProcess(identity, 'SIGTERM')
  const left = await untilGone(identities, graceInMs)
  for (const identity of left) signalProcess(identity, 'SIGKILL')
  return untilGone(left, 2_000)
}

/** The processes whose network namespace is one of these files' (other than this process); unreadable ones are left out. */
export function processesInNetns(paths: readonly string[]): readonly ProcessIdentity[] {
  const inodes = new Set(paths.map(inodeOf).filter((inode) => inode !== undefined))
  if (inodes.size === 0) return []
  const found: ProcessIdentity[] = []
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const inode = inodeOf(`/proc/${pid}/ns/net`)
    const identity = inode !== undefined && inodes.has(inode) ? identify(pid) : undefined
    if (identity !== undefined) found.push(identity)
  }
  return found
}

/** Differs after every boot; start times of processes are comparable only within one. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** The fields of /proc/PID/stat after the command name, which may itself have blanks and parentheses; the first is the state. */
function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino
  } catch {
    return undefined
  }
}
