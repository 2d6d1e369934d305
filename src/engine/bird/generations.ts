/** The files on disk: each change is a folder of its own, and `current` points to the last good one, so that both files change at once. */
import { mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BirdFiles } from './observe.ts'

export class Generations {
  readonly directory: string
  private serial = 0

  constructor(directory: string) {
    this.directory = directory
  }

  get currentMain(): string {
    return join(this.directory, 'current', 'bird.conf')
  }

  async read(): Promise<BirdFiles | undefined> {
    const of = (name: string) => readFile(join(this.directory, 'current', name), 'utf8')
    try {
      return { main: await of('bird.conf'), routes: await of('routes.conf') }
    } catch {
      return undefined // never written, or cut off: then it is written anew
    }
  }

  /** Writes a new generation and returns its name; nothing points to it yet. Not flushed: after a power cut it is planned anew. */
  async write(files: BirdFiles): Promise<string> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 })
    const name = `generation-${process.pid}-${Date.now()}-${this.serial++}`
    const folder = join(this.directory, name)
    await mkdir(folder, { mode: 0o700 })
    await writeFile(join(folder, 'bird.conf'), files.main, { mode: 0o600 })
    await writeFile(join(folder, 'routes.conf'), files.routes, { mode: 0o600 })
    return name
  }

  mainOf(name: string): string {
    return join(this.directory, name, 'bird.conf')
  }

  /** Makes a generation the current one. Returns the one before, '' for none. */
  async point(name: string): Promise<string> {
    const current = join(this.directory, 'current')
    const before = await readlink(current).catch(() => '')
    const beside = join(this.directory, `next-${process.pid}`)
    await rm(beside, { force: true })
    await symlink(name, beside)
    await rename(beside, current)
    return before
  }

  /** Removes all generations but the current one. */
  async sweep(): Promise<void> {
    const current = await readlink(join(this.directory, 'current')).catch(() => '')
    for (const name of await readdir(this.directory)) {
      if (name.startsWith('generation-') && name !== current)
        await rm(join(this.directory, name), { recursive: true, force: true })
    }
  }

  async clear(): Promise<void> {
    await rm(join(this.directory, 'current'), { force: true })
    await this.sweep().catch(() => undefined)
  }
}
