/** Which addresses move from node to node, as the neighbours of a host tell. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { inNetns } from '../../../src/linux/netns.ts'

/** Times since the epoch. */
export interface Move {
  readonly address: string
  readonly atInMs: number
}

export class Moves {
  readonly all: Move[] = []
  private readonly child: ChildProcess
  private readonly ownerOf = new Map<string, string>()

  /** Counts from the second owner of an address on. */
  constructor(netns: string) {
    const [program = '', ...args] = inNetns(netns, ['ip', 'monitor', 'neigh'])
    this.child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    if (this.child.stdout === null) throw new Error('the monitor has no output')
    createInterface({ input: this.child.stdout }).on('line', (line) => this.take(line))
  }

  async end(): Promise<void> {
    const ended = once(this.child, 'exit')
    this.child.kill()
    await ended
  }

  private take(line: string): void {
    const [, address = '', owner = ''] = /^(\S+) dev \S+ lladdr (\S+)/.exec(line) ?? []
    if (address === '') return
    const before = this.ownerOf.get(address)
    this.ownerOf.set(address, owner)
    if (before !== undefined && before !== owner) this.all.push({ address, atInMs: Date.now() })
  }
}
