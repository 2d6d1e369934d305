/** The engine's memory of which addresses it put on the node: a file, as older kernels cannot mark an address. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddressState } from './transport.ts'

const BOOT_ID = '/proc/sys/kernel/random/boot_id'

interface Saved {
  readonly boot: string
  readonly addresses: Readonly<Record<string, readonly string[]>>
}

/** `addresses.json` in a folder. It counts until the machine starts anew: then the addresses are gone, and who has one then is somebody else. */
export class StateFile {
  private readonly folder: string
  private readonly path: string

  constructor(folder: string) {
    this.folder = folder
    this.path = join(folder, 'addresses.json')
  }

  async load(): Promise<AddressState> {
    const text = await readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    const saved = text === undefined ? undefined : parse(text)
    return new Map(saved?.boot === (await bootId()) ? Object.entries(saved.addresses) : [])
  }

  async save(state: AddressState): Promise<void> {
    if (state.size === 0) return rm(this.path, { force: true })
    const saved: Saved = { boot: await bootId(), addresses: Object.fromEntries(state) }
    await mkdir(this.folder, { recursive: true })
    // not flushed to the disk, which takes long: what a crash of the machine loses does not count after it
    await writeFile(`${this.path}.new`, `${JSON.stringify(saved)}\n`, { mode: 0o600 })
    await rename(`${this.path}.new`, this.path)
  }
}

/** A file that is not whole is none: then the addresses in it are foreign, which is said, and not a reason not to start. */
function parse(text: string): Saved | undefined {
  try {
    const saved = JSON.parse(text) as Partial<Saved>
    return typeof saved.addresses === 'object' && typeof saved.boot === 'string' ? (saved as Saved) : undefined
  } catch {
    return undefined
  }
}

async function bootId(): Promise<string> {
  return (await readFile(BOOT_ID, 'utf8')).trim()
}
