/** One listener, and a namespace for each that speaks to it: nothing of it touches the machine's own network. */
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ipBatch } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { Collector } from '../../test/support/bgp-collector.ts'
import type { Contestant, Place } from './contestants.ts'

/** Close it also when something failed. */
export class Site {
  private readonly prefix = `fwt-bench-${randomBytes(4).toString('hex')}`
  private readonly folder = mkdtempSync(join(tmpdir(), 'fwt-bench-bgp-'))
  private readonly made: string[] = []
  private readonly contestants = new Map<string, Contestant>()
  private collector: Collector | undefined
  private readonly sweep = () => this.removeNamespaces()

  /** Starts the listener and all who speak, by their names, and waits until it hears each. @throws {Error} */
  async open(starts: ReadonlyMap<string, (place: Place) => Promise<Contestant>>): Promise<void> {
    process.once('exit', this.sweep) // an uncaught error ends the process without any `finally`
    const listening = `${this.prefix}-l`
    await this.make(listening)
    const places = new Map([...starts.keys()].map((name, index) => [name, this.placeOf(name, index)]))
    let index = 0
    for (const { namespace, own, listener } of places.values()) {
      await this.make(namespace)
      await ipBatch(namespace, [
        `link add e0 type veth peer name e${index++} netns ${listening}`,
        ...[`addr add ${own}/24 dev e0`, 'link set e0 up'],
      ])
      await ipBatch(listening, [`addr add ${listener}/24 dev e${index - 1}`, `link set e${index - 1} up`])
    }
    const heard = [...places].map(([name, { own, listener }]) => ({ name, address: own, own: listener }))
    this.collector = await Collector.start(listening, join(this.folder, 'listener'), heard)
    for (const [name, start] of starts) this.contestants.set(name, await start(places.get(name) as Place))
    await Promise.all([...starts.keys()].map((name) => this.listener.whenCount(name, 0)))
  }

  get listener(): Collector {
    if (this.collector === undefined) throw new Error('there is no listener yet')
    return this.collector
  }

  of(name: string): Contestant {
    const one = this.contestants.get(name)
    if (one === undefined) throw new Error(`nobody is named ${name}`)
    return one
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.contestants.values()].map((one) => one.end()))
    await this.collector?.end()
    process.off('exit', this.sweep)
    this.removeNamespaces()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private placeOf(name: string, index: number): Place {
    const folder = join(this.folder, name)
    mkdirSync(folder)
    const subnet = `10.99.${index}`
    return { namespace: `${this.prefix}-${index}`, folder, own: `${subnet}.1`, listener: `${subnet}.2` }
  }

  private async make(namespace: string): Promise<void> {
    await run(['ip', 'netns', 'add', namespace])
    this.made.push(namespace)
    await ipBatch(namespace, ['link set lo up'])
  }

  private removeNamespaces(): void {
    for (const name of this.made.splice(0)) execFileSync('ip', ['netns', 'delete', name])
  }
}
