/** How far the node is out of use for BGP: discouraged at once, withdrawn after a while, closed after one more. */
import type { Drain } from '../../model/bgp.ts'
import type { Node } from '../../model/world.ts'

/** Source: k8s.io/api/core/v1 LabelNodeExcludeBalancers; that it is there is enough, whatever its value. */
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers'

/** Whether a node is to be taken out of use: cordoned, taken out of load balancing, without network, or leaving the cluster. */
export function isToDrain(node: Node | undefined): boolean {
  if (node === undefined) return false
  return node.unschedulable || node.networkUnavailable || node.leaving || Object.hasOwn(node.labels, EXCLUDED)
}

export interface DrainClockOptions {
  /** From the first word of it to the withdrawal; `Infinity`: routes stay, discouraged. */
  readonly withdrawAfterInMs: number
  /** From the withdrawal to the end of the sessions. */
  readonly closeAfterInMs: number
  /** Called after each change of `phase`. */
  readonly onChange: () => void
}

const NEXT: Readonly<Record<Drain, Drain>> = {
  none: 'discouraged',
  discouraged: 'withdrawn',
  withdrawn: 'closed',
  closed: 'closed',
}

export class DrainClock {
  private readonly options: DrainClockOptions
  private current: Drain = 'none'
  private timer: NodeJS.Timeout | undefined

  constructor(options: DrainClockOptions) {
    this.options = options
  }

  get phase(): Drain {
    return this.current
  }

  /**
   * Goes on where a predecessor stood, once it is known that the node still is to drain: a new agent must not bring back what the old one
   * took out of use. Call it before the first `set`, with what is installed; `none` where nothing is.
   */
  resume(phase: Drain): void {
    this.current = Number.isFinite(this.options.withdrawAfterInMs) || phase === 'none' ? phase : 'discouraged'
    this.wind()
  }

  /** Tells whether the node is to drain. It ends at once when it is not. */
  set(drains: boolean): void {
    if (drains === (this.current !== 'none')) return
    clearTimeout(this.timer)
    this.enter(drains ? 'discouraged' : 'none')
  }

  close(): void {
    clearTimeout(this.timer)
  }

  private enter(phase: Drain): void {
    this.current = phase
    this.wind()
    this.options.onChange()
  }

  private wind(): void {
    const { withdrawAfterInMs, closeAfterInMs } = this.options
    const waitInMs = { discouraged: withdrawAfterInMs, withdrawn: closeAfterInMs }[this.current as string]
    if (waitInMs === undefined || !Number.isFinite(waitInMs)) return
    this.timer = setTimeout(() => this.enter(NEXT[this.current]), waitInMs)
    this.timer.unref()
  }
}
