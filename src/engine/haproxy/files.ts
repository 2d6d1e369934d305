/** Files that HAProxy reads: a reader sees the old text or the new one. */
import { rename, writeFile } from 'node:fs/promises'

/** Not flushed: what a machine forgets in a crash is written anew from the cluster. */
export async function writeText(path: string, text: string): Promise<void> {
  const beside = `${path}.new`
  await writeFile(beside, text, { mode: 0o600 })
  await rename(beside, path)
}
