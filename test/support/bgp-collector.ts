/** A BIRD that only listens, in a network namespace that the caller made: what it has heard, counted and in full. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BirdControl } from '../../src/engine/bird/control.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { until } from './until.ts'

/** One whom it hears. `name` is a word of small letters; addresses are IPv4 and on one link. */
export interface Heard {
  readonly name: string
  readonly address: string
  /** The collector's own address towards it. */
  readonly own: string
}

/** Of the collector; those whom it hears are 64512. */
export const COLLECTOR_AS = 64_513
export const SPEAKER_AS = 64_512
const ANSWER_WITHIN_MS = 20_000

export class Collector {
  private readonly child: ChildProcess
  private readonly control: BirdControl

  private constructor(child: ChildProcess, control: BirdControl) {
    this.child = child
    this.control = control
  }

  /** `folder` is made, and stays. @throws {Error} when BIRD does not start */
  static async start(namespace: string, folder: string, heard: readonly Heard[]): Promise<Collector> {
    mkdirSync(folder, { recursive: true })
    const [config, socket] = [join(folder, 'bird.conf'), join(folder, 'bird.ctl')]
    writeFileSync(config, configOf(heard))
    const [program = '', ...args] = inNetns(namespace, ['bird', '-f', '-c', config, '-s', socket])
    const child = spawn(program, args, { stdio: 'ignore' })
    const control = await until(
      () => BirdControl.connect(socket, ANSWER_WITHIN_MS),
      () => true,
    ).catch((error: unknown) => {
      child.kill('SIGKILL')
      throw error
    })
    return new Collector(child, control)
  }

  /** How many prefixes it has of that speaker now; undefined while there is no session. */
  async count(name: string): Promise<number | undefined> {
    const { lines } = await this.control.ask(`show protocols all ${name}`, ANSWER_WITHIN_MS)
    if (!lines.some((line) => line.includes('Established'))) return undefined
    const found = lines.map((line) => /Routes:\s+(\d+) imported/.exec(line)?.[1]).find((count) => count !== undefined)
    return Number(found ?? 0)
  }

  /** Resolves with the time (`performance.now()`) at which it had that many; asks anew as soon as it has an answer. @throws {Error} */
  async whenCount(name: string, wanted: number, timeoutInMs = 60_000): Promise<number> {
    const end = performance.now() + timeoutInMs
    for (;;) {
      const count = await this.count(name)
      const now = performance.now()
      if (count === wanted) return now
      if (now > end) throw new Error(`${name}: ${count} prefixes and not ${wanted} within ${timeoutInMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  /** All prefixes that it has of that speaker, sorted. */
  async prefixes(name: string): Promise<readonly string[]> {
    const { lines } = await this.control.ask(`show route protocol ${name}`, ANSWER_WITHIN_MS)
    return lines.flatMap((line) => /^(\S+\/\d+)\s/.exec(line)?.[1] ?? []).sort()
  }

  async end(): Promise<void> {
    this.control.close()
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const ended = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await ended
  }
}

function configOf(heard: readonly Heard[]): string {
  const sessions = heard.map(
    ({ name, address, own }) => `protocol bgp ${name} {
  local ${own} as ${COLLECTOR_AS};
  neighbor ${address} as ${SPEAKER_AS};
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 1;
  ipv4 { import all; export none; };
}`,
  )
  return ['router id 10.0.0.254;', 'protocol device { }', ...sessions, ''].join('\n')
}
