/** Locks that the kernel gives back when their holder dies, however it dies: flock(2) on an open file. */
import { spawn } from 'node:child_process'
import { closeSync, fstatSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { FairwayError } from '../model/code.ts'
import { MACHINE_COMMAND_FAILED } from '../model/codes/machine.ts'

/** Shape: `fd` may be handed to a child process, which then holds the lock too until it closes it. */
export interface FileLock {
  readonly path: string
  readonly fd: number
  /** Gives the lock back; the file stays. */
  release(): void
  /** Removes the file, then gives the lock back: whoever waits for it starts over with a new file. */
  remove(): void
}

/** util-linux's flock answers this when the time is up. */
const CONFLICT_EXIT_CODE = 1

/**
 * Takes the lock of a file, which is made (with its folder) if it is not there; waits at most `waitInSeconds`.
 * Returns undefined when somebody else has it. @throws {FairwayError} when flock cannot be run
 */
export async function lockFile(path: string, waitInSeconds = 0): Promise<FileLock | undefined> {
  for (;;) {
    mkdirSync(dirname(path), { recursive: true })
    const fd = openSync(path, 'a', 0o600)
    let closed = false
    const release = () => {
      if (!closed) closeSync(fd)
      closed = true
    }
    const remove = () => {
      rmSync(path, { force: true })
      release()
    }
    if (!(await flock(fd, waitInSeconds, release))) return undefined
    if (statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino) return { path, fd, release, remove }
    release() // the holder before us removed the file: a lock on it would exclude nobody
  }
}

/** The lock belongs to the open file and not to the process, so a short-lived child can take it for us. */
function flock(fd: number, waitInSeconds: number, release: () => void): Promise<boolean> {
  const how = waitInSeconds > 0 ? ['--wait', String(waitInSeconds)] : ['--nonblock']
  return new Promise((resolve, reject) => {
    const child = spawn('flock', [...how, '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] })
    child.on('error', (cause) => {
      release()
      reject(new FairwayError(MACHINE_COMMAND_FAILED, `\`flock\` cannot be run: ${cause.message}.`, { cause }))
    })
    child.on('close', (exitCode) => {
      if (exitCode === 0) return resolve(true)
      release()
      if (exitCode === CONFLICT_EXIT_CODE) return resolve(false)
      reject(new FairwayError(MACHINE_COMMAND_FAILED, `\`flock\` failed with exit code ${exitCode}.`))
    })
  })
}
