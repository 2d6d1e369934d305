/** One command at a time on one lab, and what all labs of a run directory share: /run/netns and the directory itself. */
import { existsSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FileLock, lockFile } from '../linux/file-lock.ts'
import { FairwayError } from '../model/code.ts'
import { LAB_BUSY } from '../model/codes/lab.ts'
import { labNames, labPaths, runDir } from './state.ts'
import { type NetnsDirState, netnsDirState, restoreNetnsDir } from './wires/sweep.ts'

const SHARED_WAIT_IN_SECONDS = 20

/** @throws {FairwayError} LAB_BUSY when another command, or a supervisor that is just starting, has it */
export async function lockLab(name: string): Promise<FileLock> {
  const lock = await lockFile(labPaths(name).lock, 1)
  if (lock !== undefined) return lock
  throw new FairwayError(LAB_BUSY, `Another command is starting or stopping the lab ${name}.`)
}

/** Gives the lock back; where no lab is left, nothing else is either. */
export function closeLabLock(name: string, lock: FileLock): void {
  if (existsSync(labPaths(name).dir)) {
    lock.release()
    return
  }
  lock.remove()
  removeRunDirIfEmpty()
}

/** Writes down what /run/netns is before the first lab, so that the last one can put it back. */
export async function rememberNetnsDir(): Promise<void> {
  await withShared(() => {
    if (!existsSync(marker())) writeFileSync(marker(), netnsDirState())
  })
}

/** After a lab's folder is gone: puts /run/netns back if it was the last lab. */
export async function forgetNetnsDir(): Promise<void> {
  if (!existsSync(runDir())) return
  await withShared(async () => {
    if (labNames().length > 0 || !existsSync(marker())) return
    await restoreNetnsDir(readFileSync(marker(), 'utf8') as NetnsDirState)
    rmSync(marker(), { force: true })
  })
}

async function withShared(action: () => void | Promise<void>): Promise<void> {
  const lock = await lockFile(join(runDir(), '.shared.lock'), SHARED_WAIT_IN_SECONDS)
  if (lock === undefined)
    throw new FairwayError(LAB_BUSY, 'Another lab is being started or stopped, and does not come to an end.')
  try {
    await action()
  } finally {
    if (labNames().length === 0) lock.remove()
    else lock.release()
  }
}

function marker(): string {
  return join(runDir(), '.netns')
}

function removeRunDirIfEmpty(): void {
  try {
    rmdirSync(runDir())
  } catch {
    // other labs are in it, or it is gone already
  }
}
