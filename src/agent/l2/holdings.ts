/** The addresses that this node holds: those that are planned for it, and for a moment those that another node is to have from now on. */
import type { AddressEngine } from '../../engine/address/engine.ts'
import { createReconciler, type Reconciler, type Round } from '../../engine/reconcile.ts'
import { logger } from '../../log/log.ts'
import type { AnnouncedAddress } from '../../model/l2.ts'
import type { NodeName } from '../../model/world.ts'
import { HandOver } from './hand-over.ts'

const log = logger('l2')

/** A planned owner has announced by then, or cannot: an address is better with one too many than with none for that long. */
const HAND_OVER_IN_MS = 5_000

export interface HoldingsOptions {
  readonly node: NodeName
  readonly engine: AddressEngine
  /** What is planned for this node, by key. */
  readonly planned: ReadonlyMap<string, AnnouncedAddress>
  /** Who is to announce an address (its key); undefined: nobody that is known. */
  readonly ownerOf: (key: string) => NodeName | undefined
  readonly signal: AbortSignal
  readonly onRound: (round: Round) => void
}

export class Holdings {
  private readonly options: HoldingsOptions
  private readonly reconciler: Reconciler<AnnouncedAddress>
  private readonly handOver = new HandOver(HAND_OVER_IN_MS)
  private isBeginning = false
  private begun = false
  private timer: NodeJS.Timeout | undefined

  constructor(options: HoldingsOptions) {
    const { engine, signal, onRound } = options
    this.options = options
    this.reconciler = createReconciler({ engine, onRound })
    const unsubscribe = engine.onForeignChange(() => this.reconciler.verify())
    signal.addEventListener('abort', () => {
      clearTimeout(this.timer)
      unsubscribe()
    })
  }

  /** Whether addresses were claimed. */
  get hasBegun(): boolean {
    return this.begun
  }

  /** Addresses that are not yet as planned. */
  get pending(): number {
    return this.reconciler.pending.size
  }

  /** Holds what is planned now, and keeps what another node is to announce until it does. */
  follow(): void {
    if (!this.begun) return void this.begin()
    const { planned } = this.options
    const { desired } = this.reconciler
    const upserts = [...planned.values()].filter((entry) => desired.get(entry.key) !== entry)
    for (const key of planned.keys()) this.handOver.release(key)
    const gone = [...desired.keys()].filter((key) => !planned.has(key) && !this.isHandedOver(key))
    this.reconciler.want({ upserts, removals: gone })
    this.wind()
  }

  /** The next owner of an address was heard; returns whether it was waited for. */
  release(key: string): boolean {
    if (!this.handOver.release(key)) return false
    this.giveUp([key])
    return true
  }

  /** Ends after the round in progress. */
  stop(): Promise<void> {
    return this.reconciler.stop()
  }

  /** The first time: what a predecessor announced is adopted, and what is another's by now stays until that one has it. */
  private async begin(): Promise<void> {
    if (this.isBeginning) return
    this.isBeginning = true
    const { engine, planned, signal } = this.options
    await engine.refresh(signal).catch((err: unknown) => log.warn({ err }, 'addresses of before cannot be read'))
    if (signal.aborted) return
    this.begun = true
    const kept = [...engine.observed.values()].filter(({ key, interfaces }) => {
      return interfaces.length > 0 && !planned.has(key) && this.isHandedOver(key)
    })
    const upserts = [...planned.values(), ...kept]
    log.info({ announced: upserts.length }, 'addresses are claimed')
    this.reconciler.want({ upserts, removals: [] })
    this.wind()
  }

  /** Whether an address that goes from here is kept until its next owner announces it. */
  private isHandedOver(key: string): boolean {
    const { node, ownerOf } = this.options
    const owner = ownerOf(key)
    if (owner === undefined || owner === node) {
      this.handOver.release(key)
      return false
    }
    this.handOver.keep(key, performance.now())
    return true
  }

  private wind(): void {
    clearTimeout(this.timer)
    const { dueAtInMs } = this.handOver
    if (!Number.isFinite(dueAtInMs) || this.options.signal.aborted) return
    this.timer = setTimeout(() => this.giveUp(this.handOver.takeOverdue(performance.now())), dueAtInMs - performance.now())
    this.timer.unref()
  }

  private giveUp(keys: readonly string[]): void {
    this.reconciler.want({ upserts: [], removals: keys })
    this.wind()
  }
}
