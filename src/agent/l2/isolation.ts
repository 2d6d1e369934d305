/** Whether this node is cut off: from every announcer that it once knew, from its gateways and from the API server. It then gives its addresses up. */
import { type Gateway, machineGateways } from './gateways.ts'

const LOOK_EVERY_IN_MS = 1_000
const ANSWER_WITHIN_IN_MS = 100
/** Lost answers are no cut. */
const UNANSWERED = 3

export interface IsolationOptions {
  /** Whether there were other announcers and none of them lives. */
  readonly isAlone: () => boolean
  /** Whether the API server is heard. */
  readonly isConnected: () => boolean
  readonly ask: (gateway: Gateway, timeoutInMs: number) => Promise<boolean>
  /** After a change of `isCutOff`. */
  readonly onChange: () => void
  /** Those of the machine by default. A node without any is never cut off: nobody can say. */
  readonly gateways?: () => readonly Gateway[]
}

export class Isolation {
  private readonly options: IsolationOptions
  private readonly timer: NodeJS.Timeout
  private unanswered = 0
  private isAsking = false

  constructor(options: IsolationOptions) {
    this.options = options
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_IN_MS)
    this.timer.unref()
  }

  get isCutOff(): boolean {
    return this.unanswered >= UNANSWERED
  }

  /** Asks the gateways, if everybody else is silent. */
  async look(): Promise<void> {
    const { isAlone, isConnected, ask, gateways = machineGateways } = this.options
    if (this.isAsking) return
    if (!isAlone() || isConnected()) return this.note(true)
    const known = gateways()
    if (known.length === 0) return this.note(true)
    this.isAsking = true
    const answers = await Promise.all(known.map((gateway) => ask(gateway, ANSWER_WITHIN_IN_MS).catch(() => false)))
    this.isAsking = false
    this.note(answers.includes(true))
  }

  close(): void {
    clearInterval(this.timer)
  }

  private note(isHeard: boolean): void {
    const before = this.isCutOff
    this.unanswered = isHeard ? 0 : this.unanswered + 1
    if (this.isCutOff !== before) this.options.onChange()
  }
}
