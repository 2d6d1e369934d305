/** Who is there, by BFD: each watched node has a route in a table of the kernel's for as long as BIRD hears it. */
import type { NetlinkListener } from '../../linux/netlink-listener.ts'
import { logger } from '../../log/log.ts'
import type { BgpWatch, Liveness } from '../../model/bgp.ts'
import { LIVE_TABLES } from './config.ts'
import type { BirdTransport } from './transport.ts'

const log = logger('bird')

/** The kernel tells nothing of routes that go with an interface: BIRD is asked, too. */
const ASK_EVERY_IN_MS = 500

/**
 * States of the watched nodes. The kernel tells of a change at once; BIRD is asked beside it, so that nothing is missed for long.
 *
 * Order: a node is `unknown` until it was heard by the BIRD that runs now, and while none runs.
 */
export class LivenessWatch {
  private readonly bird: BirdTransport
  private readonly listeners: (() => void)[] = []
  private watches: readonly BgpWatch[] = []
  private readonly states = new Map<string, Liveness>()
  private listening: Promise<NetlinkListener> | undefined
  private timer: NodeJS.Timeout | undefined
  private asking = false

  constructor(bird: BirdTransport) {
    this.bird = bird
    bird.onRunning((runs) => this.noteRunning(runs))
  }

  /** By the watches' keys. */
  get all(): ReadonlyMap<string, Liveness> {
    return this.states
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener)
  }

  /** States what BIRD has been told to watch. */
  set(watches: readonly BgpWatch[]): void {
    const before = new Map(this.watches.map((watch) => [watch.key, watch.address]))
    this.watches = watches
    const wanted = new Set(watches.map(({ key }) => key))
    for (const key of this.states.keys()) if (!wanted.has(key)) this.states.delete(key)
    for (const { key, address } of watches) if (before.get(key) !== address) this.states.set(key, 'unknown')
    if (watches.length === 0) this.stop()
    else this.start()
  }

  async close(): Promise<void> {
    const listening = this.listening
    this.watches = []
    this.states.clear()
    this.stop()
    await (await listening?.catch(() => undefined))?.close()
  }

  private start(): void {
    if (this.timer !== undefined) return
    this.timer = setInterval(() => void this.ask(), ASK_EVERY_IN_MS)
    this.timer.unref()
    this.listening = this.bird.listenToLive({
      onHeard: (routes) => {
        for (const { destination, isThere } of routes) this.take(destination, isThere)
      },
      onLost: () => void this.ask(),
    })
    this.listening.then(
      () => this.ask(),
      (err: unknown) => log.warn({ err }, 'routes of live nodes are not heard; BIRD is asked'),
    )
  }

  private stop(): void {
    clearInterval(this.timer)
    this.timer = undefined
    const listening = this.listening
    this.listening = undefined
    void listening?.then((one) => one.close()).catch(() => undefined)
  }

  /** What the kernel still has from a BIRD that died is no sign of life: only the one that runs is believed. */
  private noteRunning(runs: boolean): void {
    if (runs) return void this.ask()
    let changed = false
    for (const [key, state] of this.states) {
      if (state === 'unknown') continue
      this.states.set(key, 'unknown')
      changed = true
    }
    if (changed) this.tell()
  }

  private async ask(): Promise<void> {
    if (this.asking || !this.bird.isRunning || this.watches.length === 0) return
    this.asking = true
    try {
      const heard = new Set<string>()
      for (const table of LIVE_TABLES) {
        for (const line of await this.bird.ask(`show route table ${table}`)) {
          const [, address = ''] = /^([0-9a-f.:]+)\/\d+\s/i.exec(line) ?? []
          if (address !== '') heard.add(address)
        }
      }
      for (const { address } of this.watches) this.take(address, heard.has(address))
    } catch (err) {
      log.debug({ err }, 'BIRD cannot be asked who lives')
    } finally {
      this.asking = false
    }
  }

  private take(address: string, isThere: boolean): void {
    if (!this.bird.isRunning) return
    let changed = false
    for (const { key } of this.watches.filter((watch) => watch.address === address)) {
      const before = this.states.get(key)
      const now = isThere ? 'up' : before === 'up' ? 'down' : before
      if (now === undefined || now === before) continue
      this.states.set(key, now)
      changed = true
    }
    if (changed) this.tell()
  }

  private tell(): void {
    for (const listener of this.listeners) listener()
  }
}
