/** A directory of files that changes all at once, as Kubernetes lays ConfigMaps out. Source: pkg/volume/util/atomic_writer.go. */
import { chmod, mkdir, mkdtemp, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface ProjectedFile {
  readonly data: Buffer
  /** Permission bits. */
  readonly mode: number
}

/**
 * Makes the directory hold exactly these files, by relative path. Readers go through the link `..data`, which is renamed into place:
 * they see all of the old files or all of the new ones.
 */
export async function writeAtomicDir(dir: string, files: ReadonlyMap<string, ProjectedFile>): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o755 })
  const old = await readlink(join(dir, '..data')).catch(() => '')
  const fresh = await mkdtemp(join(dir, '..new-'))
  await chmod(fresh, 0o755) // programs that give up root read it, too
  for (const [path, { data, mode }] of files) {
    const target = join(fresh, path)
    await mkdir(dirname(target), { recursive: true, mode: 0o755 })
    await writeFile(target, data)
    await chmod(target, mode)
  }
  const name = fresh.slice(dir.length + 1)
  await symlink(name, join(dir, '..data_tmp'))
  await rename(join(dir, '..data_tmp'), join(dir, '..data'))
  const tops = new Set([...files.keys()].map((path) => path.split('/')[0] ?? ''))
  for (const entry of await readdir(dir)) if (!entry.startsWith('..') && !tops.delete(entry)) await rm(join(dir, entry))
  for (const top of tops) await symlink(`..data/${top}`, join(dir, top))
  if (old !== '') await rm(join(dir, old), { recursive: true, force: true })
}
