/** Has the kernel forget UDP flows that became stale, after the rules are in the kernel by which they begin anew. */
import type { Conntrack } from '../engine/conntrack/conntrack.ts'
import { logger } from '../log/log.ts'
import { FairwayError, type Finding } from '../model/code.ts'
import { CONNTRACK_FAILED } from '../model/codes/datapath.ts'
import type { FlowMatch } from '../model/flow.ts'
import type { UdpTargets } from '../plan/udp-flow.ts'

export interface FlowKeeperOptions {
  /** The subject of findings. */
  readonly node: string
  readonly conntrack: Conntrack
  readonly targets: UdpTargets
  /** The addresses of this node on which it answers for its pods, as it has them now. */
  readonly addressesHere: () => ReadonlySet<string>
  /** Whether Fairway carries what this unit (`service/KEY`) asks for; if not, its flows are another's. */
  readonly carries: (unit: string) => boolean
  readonly onFinding: () => void
  /** Pause before the next try after a failure; 10 s by default. */
  readonly retryInMs?: number
}

const log = logger('flows')

export class FlowKeeper {
  private readonly options: FlowKeeperOptions
  /** Nothing is known of the flows: at the start, and after a failure. */
  private unknown = true
  private due: FlowMatch[] = []
  private running: Promise<void> | undefined
  private failure: Error | undefined
  private retry: NodeJS.Timeout | undefined

  constructor(options: FlowKeeperOptions) {
    this.options = options
  }

  get findings(): readonly Finding[] {
    if (this.failure === undefined) return []
    const { node } = this.options
    const fix = this.failure instanceof FairwayError ? this.failure.fix : CONNTRACK_FAILED.fix
    const message = `Node ${node} does not forget UDP flows to endpoints that have left: ${this.failure.message}`
    return [{ code: CONNTRACK_FAILED, subjects: [`node/${node}`], message, fix }]
  }

  /** After each change of the plan. */
  note(): void {
    this.due.push(...this.options.targets.takeStale())
  }

  /** All rules of the plan are in the kernel. */
  programmed(): void {
    if (this.running !== undefined || this.retry !== undefined || (!this.unknown && this.due.length === 0)) return
    this.running = this.run().finally(() => {
      this.running = undefined
      if (this.due.length > 0) this.programmed()
    })
  }

  /** Everything is to be looked at anew: another's rules were in force till now. */
  distrust(): void {
    this.unknown = true
  }

  close(): void {
    clearTimeout(this.retry)
  }

  /** Resolves when what is being done is done. */
  async settled(): Promise<void> {
    while (this.running !== undefined) await this.running
  }

  private async run(): Promise<void> {
    const { conntrack, carries } = this.options
    const failedBefore = this.failure !== undefined
    const due = this.due.splice(0)
    const whole = this.unknown
    this.unknown = false
    try {
      const stale = whole ? await this.staleAmongAll() : due
      const ours = stale.filter(({ owner }) => carries(owner))
      if (ours.length > 0) await conntrack.forget(ours)
      if (ours.length > 0) log.debug({ stale: ours.length }, 'stale UDP flows are forgotten')
      this.failure = undefined
    } catch (err) {
      this.unknown = true
      this.failure = err instanceof Error ? err : new Error(String(err))
      if (!failedBefore) log.warn({ code: CONNTRACK_FAILED.code, err }, CONNTRACK_FAILED.title)
      this.tryAgain()
    }
    if (failedBefore !== (this.failure !== undefined)) this.options.onFinding()
  }

  private async staleAmongAll(): Promise<readonly FlowMatch[]> {
    const { conntrack, targets, addressesHere } = this.options
    const flows = await conntrack.list()
    const here = addressesHere()
    return targets.staleAmong(flows, (address) => here.has(address))
  }

  private tryAgain(): void {
    this.retry = setTimeout(() => {
      this.retry = undefined
      this.programmed()
    }, this.options.retryInMs ?? 10_000)
    this.retry.unref()
  }
}
