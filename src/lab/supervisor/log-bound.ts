import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { logger } from '../../log/log.ts'

/** A log that is larger becomes `FILE.log.1`, in the place of the one before: a process keeps at most some 20 MiB. */
export const LARGEST_LOG_IN_BYTES = 10 << 20
const LOOK_EVERY_IN_MS = 5_000

/**
 * Keeps every `*.log` of a folder bounded while its writers run. They have the file open and append, so it is copied and emptied, and
 * what is written in that moment may be lost. Returns how to stop.
 */
export function boundLogs(folder: string): () => void {
  const timer = setInterval(() => boundOnce(folder), LOOK_EVERY_IN_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Puts aside what is too large now; a disk that is full costs the older lines. */
export function boundOnce(folder: string, largestInBytes: number = LARGEST_LOG_IN_BYTES): void {
  for (const name of namesIn(folder)) {
    const path = join(folder, name)
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= largestInBytes) continue
    try {
      copyFileSync(path, `${path}.1`)
    } catch (err) {
      logger('lab-supervisor').warn({ err, path }, 'a log cannot be put aside, and is emptied')
    }
    truncateSync(path, 0)
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.log'))
  } catch {
    return [] // the lab was taken down from under us
  }
}
