/** The node's address pool with its memory on disk, so that a runner that starts again gives no pod's address to another. */
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writeAtomically } from '../../linux/atomic-file.ts'
import { AddressPool, type AddressState, gatewayOf } from './addresses.ts'

export class AddressBook {
  /** What pods see as their gateways, in the order of the ranges. */
  readonly gateways: readonly string[]
  readonly #pool: AddressPool
  readonly #path: string
  #saving: Promise<void> = Promise.resolve()

  private constructor(path: string, ranges: readonly string[], state: AddressState | undefined) {
    this.#path = path
    this.#pool = new AddressPool(ranges, state)
    this.gateways = ranges.map(gatewayOf)
  }

  /** A file that cannot be understood counts as absent: pods of that time are gone with the runner that wrote it. */
  static async open(path: string, ranges: readonly string[]): Promise<AddressBook> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const text = await readFile(path, 'utf8').catch(() => '')
    return new AddressBook(path, ranges, parseState(text))
  }

  /** @throws {FairwayError} POD_ADDRESSES_EXHAUSTED; or the file system's error when it cannot be remembered, and nothing is held */
  async allocate(holder: string): Promise<readonly string[]> {
    const before = this.#pool.of(holder).length
    const addresses = this.#pool.allocate(holder)
    try {
      if (before === 0) await this.#save()
    } catch (error) {
      this.#pool.release(holder)
      throw error
    }
    return addresses
  }

  async release(holder: string): Promise<void> {
    this.#pool.release(holder)
    await this.#save().catch(() => undefined) // held once more after a restart at worst, until keepOnly
  }

  async keepOnly(holders: ReadonlySet<string>): Promise<void> {
    this.#pool.keepOnly(holders)
    await this.#save().catch(() => undefined)
  }

  #save(): Promise<void> {
    const write = async () => writeAtomically(this.#path, `${JSON.stringify(this.#pool.state())}\n`)
    const saved = this.#saving.then(write)
    this.#saving = saved.catch(() => undefined)
    return saved
  }
}

function parseState(text: string): AddressState | undefined {
  try {
    const state = JSON.parse(text) as AddressState
    return typeof state.held === 'object' && typeof state.next === 'object' ? state : undefined
  } catch {
    return undefined
  }
}
