import { readFileSync } from 'node:fs'
import { listenToTable, type NetlinkListener, type NetlinkOptions } from '../../linux/netlink-listener.ts'
import type { TableRoute } from '../../linux/route-messages.ts'
import { FairwayError, type Finding } from '../../model/code.ts'
import { BGP_CONTROL_FAILED } from '../../model/codes/bgp.ts'
import { BirdDaemon, type DaemonOptions } from './daemon.ts'
import { Generations } from './generations.ts'
import { LIVE_KERNEL_TABLE, TableLookup } from './lookup.ts'
import type { BirdFiles } from './observe.ts'
import type { SignatureFailures } from './symptoms.ts'
import type { BirdTransport, Refusal } from './transport.ts'

/** `0003` reconfigured, `0004` begun, `0005` queued. */
const TAKEN = [3, 4, 5]

/** The BIRD of this node. */
export class NodeBird implements BirdTransport {
  readonly logFile: string
  private readonly netns: string | undefined
  private readonly files: Generations
  private readonly daemon: BirdDaemon
  private readonly lookup: TableLookup

  constructor(options: DaemonOptions) {
    this.netns = options.netns
    this.files = new Generations(options.directory)
    this.daemon = new BirdDaemon(options, () => this.files.currentMain)
    this.lookup = new TableLookup(options.netns)
    this.logFile = this.daemon.logFile
  }

  get findings(): readonly Finding[] {
    return this.daemon.findings
  }

  read(): Promise<BirdFiles | undefined> {
    return this.files.read()
  }

  /** The one that is found may not have loaded the files, if the agent ended in between: loading them again changes nothing else. */
  async run(): Promise<void> {
    await this.daemon.run()
    const refused = await this.load()
    if (refused !== undefined)
      throw new FairwayError(BGP_CONTROL_FAILED, `BIRD does not take its last good files: ${refused.reason}.`)
  }

  async install(files: BirdFiles): Promise<Refusal | undefined> {
    const name = await this.files.write(files)
    try {
      const words = await this.daemon.check(this.files.mainOf(name))
      if (words !== '') return refusal(words)
      const before = await this.files.point(name)
      await this.daemon.run()
      const refused = await this.load()
      if (refused !== undefined && before !== '') await this.files.point(before)
      return refused
    } finally {
      await this.files.sweep()
    }
  }

  async ask(line: string): Promise<readonly string[]> {
    const { code, lines } = await this.daemon.ask(line)
    if (code >= 8000) throw new FairwayError(BGP_CONTROL_FAILED, `BIRD refused \`${line}\`: ${lines.join(' ')}.`)
    return lines
  }

  lookUp(wanted: boolean): Promise<void> {
    return this.lookup.set(wanted)
  }

  signatureFailures(): SignatureFailures | undefined {
    const pid = this.daemon.identity?.pid
    if (pid === undefined) return undefined
    const counters = countersOf(pid)
    const of = (name: string) => counters.get(name) ?? 0
    return { wrong: of('TCPMD5Failure'), missing: of('TCPMD5NotFound'), unexpected: of('TCPMD5Unexpected') }
  }

  get isRunning(): boolean {
    return this.daemon.isConnected
  }

  onRunning(listener: (runs: boolean) => void): void {
    this.daemon.onConnection(listener)
  }

  listenToLive(options: Pick<NetlinkOptions<readonly TableRoute[]>, 'onHeard' | 'onLost'>): Promise<NetlinkListener> {
    return listenToTable(LIVE_KERNEL_TABLE, { ...options, ...(this.netns === undefined ? {} : { netns: this.netns }) })
  }

  onChange(listener: () => void): void {
    this.daemon.onChange(listener)
  }

  async remove(): Promise<void> {
    await this.lookup.clear()
    await this.daemon.end()
    await this.files.clear()
  }

  async close(): Promise<void> {
    this.daemon.release()
  }

  private async load(): Promise<Refusal | undefined> {
    const { code, lines } = await this.daemon.ask('configure')
    return TAKEN.includes(code) ? undefined : refusal(lines.join(' '))
  }
}

/** Counters of TCP in the namespace of a process, by the names of /proc/net/netstat; none when the process is gone. */
function countersOf(pid: number): ReadonlyMap<string, number> {
  try {
    const [names = [], values = []] = readFileSync(`/proc/${pid}/net/netstat`, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('TcpExt:'))
      .map((line) => line.split(' '))
    return new Map(names.map((name, at) => [name, Number(values[at])]))
  } catch {
    return new Map()
  }
}

/** `bird: PATH/bird.conf:LINE:COLUMN words`; a line of the routes is no line of the main file. */
function refusal(words: string): Refusal {
  const line = Number(/bird\.conf:(\d+):/.exec(words)?.[1] ?? 0)
  return { reason: words.replace(/^bird: /, '').replace(/\S*\/(bird|routes)\.conf:\d+:\d+ /, ''), line }
}
