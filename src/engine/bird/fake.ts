import type { NetlinkListener, NetlinkOptions } from '../../linux/netlink-listener.ts'
import type { TableRoute } from '../../linux/route-messages.ts'
import { FairwayError, type Finding } from '../../model/code.ts'
import { BGP_DAEMON_NOT_STARTED } from '../../model/codes/bgp.ts'
import type { BirdFiles } from './observe.ts'
import type { BirdTransport, Refusal } from './transport.ts'

/**
 * BIRD in memory: it keeps the last good files, and has no neighbours, so that no session of it is ever up. What it refuses and how it
 * fails is told by `refuses` and `fault`. Share one between engines to see an adoption.
 */
export class FakeBird implements BirdTransport {
  readonly findings: readonly Finding[] = []
  readonly logFile = '/nowhere/bird.log'
  /** What the daemon has loaded; undefined when none runs. */
  running: BirdFiles | undefined
  /** Whether packets are routed by accepted routes. */
  lookedUp = false
  /** How often files were loaded. */
  loads = 0
  private good: BirdFiles | undefined
  private readonly listeners: (() => void)[] = []
  private readonly runningListeners: ((runs: boolean) => void)[] = []
  private readonly hearers = new Set<Pick<NetlinkOptions<readonly TableRoute[]>, 'onHeard' | 'onLost'>>()
  /** Lines of `bird.conf` that it does not take. */
  refuses: RegExp | undefined
  /** Called before each change; what it throws is the change's failure. */
  fault: (() => void) | undefined

  async read(): Promise<BirdFiles | undefined> {
    return this.good
  }

  async run(): Promise<void> {
    if (this.good === undefined) throw new FairwayError(BGP_DAEMON_NOT_STARTED, 'BIRD cannot be started: there is no file.')
    this.load(this.good)
  }

  async install(files: BirdFiles): Promise<Refusal | undefined> {
    this.fault?.()
    const { refuses } = this
    const line =
      refuses === undefined ? -1 : files.main.split('\n').findIndex((text) => !text.startsWith('#') && refuses.test(text))
    if (line >= 0) return { reason: 'syntax error, unexpected line', line: line + 1 }
    this.good = files
    this.load(files)
    return undefined
  }

  async ask(_line: string): Promise<readonly string[]> {
    return []
  }

  async lookUp(wanted: boolean): Promise<void> {
    this.lookedUp = wanted
  }

  signatureFailures(): undefined {
    return undefined
  }

  get isRunning(): boolean {
    return this.running !== undefined
  }

  onRunning(listener: (runs: boolean) => void): void {
    this.runningListeners.push(listener)
  }

  /** Tells of nodes as the kernel does: each address comes, or goes. */
  tellLive(destination: string, isThere: boolean): void {
    for (const { onHeard } of this.hearers)
      onHeard([{ destination, prefixLength: destination.includes(':') ? 128 : 32, isThere }])
  }

  async listenToLive(hearer: Pick<NetlinkOptions<readonly TableRoute[]>, 'onHeard' | 'onLost'>): Promise<NetlinkListener> {
    this.hearers.add(hearer)
    return { close: async () => void this.hearers.delete(hearer) }
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener)
  }

  /** As if the daemon had ended and had been started anew. */
  died(): void {
    this.running = undefined
    for (const listener of this.runningListeners) listener(false)
    if (this.good !== undefined) this.load(this.good)
    for (const listener of this.listeners) listener()
  }

  async remove(): Promise<void> {
    this.good = undefined
    this.running = undefined
  }

  async close(): Promise<void> {}

  private load(files: BirdFiles): void {
    const before = this.running
    this.running = files
    this.loads += 1
    if (before === undefined) for (const listener of this.runningListeners) listener(true)
  }
}
