import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

let serial = 0

/**
 * Writes a file so that a reader sees the old text or the new one, and never a part: beside it, flushed, then renamed.
 *
 * Errors: whatever the file system says (ENOSPC, EACCES); the old file then stands and nothing is left beside it.
 */
export async function writeAtomically(path: string, text: string, mode = 0o600): Promise<void> {
  const beside = join(dirname(path), `.${process.pid}-${serial++}.tmp`)
  try {
    const handle = await open(beside, 'wx', mode)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}
