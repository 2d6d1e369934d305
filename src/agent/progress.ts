/** How far the rules are behind the world: what waits for the kernel, since when, and how the last round went. */
import type { Round } from '../engine/reconcile.ts'
import { logger } from '../log/log.ts'
import { FairwayError, type Finding } from '../model/code.ts'
import { AGENT_PROGRAM_FAILED } from '../model/codes/agent.ts'
import type { NodeName, WorldChange } from '../model/world.ts'
import type { AgentMetrics } from './metrics.ts'

const log = logger('agent')

export class Progress {
  /** Services that changes are about whose rules are not yet in the kernel, as `service/KEY`, and since when: what they no longer ask for belongs to nobody in the plan. */
  readonly changing = new Map<string, number>()
  private readonly node: NodeName
  private readonly metrics: AgentMetrics
  /** When the bytes of the changes came whose rules are not yet in the kernel. */
  private waiting: number[] = []
  /** When what changed the endpoints happened, of changes whose rules are not yet in the kernel, in milliseconds since the epoch. */
  private triggers: number[] = []
  private lastRound: Round | undefined

  constructor(node: NodeName, metrics: AgentMetrics) {
    this.node = node
    this.metrics = metrics
  }

  /** Why the last round failed; undefined when it did not. */
  get error(): Error | undefined {
    return this.lastRound?.error
  }

  get findings(): readonly Finding[] {
    const { error } = this
    if (error === undefined) return []
    const fix = error instanceof FairwayError ? error.fix : AGENT_PROGRAM_FAILED.fix
    const message = `The rules of node ${this.node} could not be changed: ${error.message}`
    return [{ code: AGENT_PROGRAM_FAILED, subjects: [`node/${this.node}`], message, fix }]
  }

  /** Changes whose rules are asked for now. Those of the first whole state are not measured. */
  noteChanges(changes: readonly WorldChange[], receivedAtInMs: number, isFirst: boolean): void {
    if (!isFirst) {
      this.waiting.push(receivedAtInMs)
      this.triggers.push(...changes.flatMap(triggerOf))
    }
    for (const service of changes.flatMap(servicesOf)) {
      const subject = `service/${service}`
      if (!this.changing.has(subject)) this.changing.set(subject, receivedAtInMs)
    }
  }

  noteRound(round: Round): void {
    const failedBefore = this.error !== undefined
    this.lastRound = round
    this.metrics.rounds.add()
    if (round.error !== undefined) {
      this.metrics.failures.add()
      const code = round.error instanceof FairwayError ? round.error.code.code : AGENT_PROGRAM_FAILED.code
      log[failedBefore ? 'debug' : 'error'](
        { code, err: round.error, pending: round.pending },
        'rules could not be programmed; trying again',
      )
    } else if (round.pending === 0) {
      this.observe()
      log.debug({ ...round }, 'round')
    }
  }

  private observe(): void {
    const now = performance.now()
    for (const receivedAtInMs of this.waiting) this.metrics.latency.observe((now - receivedAtInMs) / 1000)
    for (const triggeredAtInMs of this.triggers) this.metrics.network.observe(Math.max(0, Date.now() - triggeredAtInMs) / 1000)
    this.waiting = []
    this.triggers = []
    this.changing.clear()
  }
}

function servicesOf(change: WorldChange): readonly string[] {
  if (change.kind === 'service') return [change.key]
  if (change.kind !== 'endpointSlice') return []
  return [change.before, change.after].flatMap((slice) => slice?.service ?? [])
}

/** When a change of endpoints was triggered; none when that is not known, or known already. */
function triggerOf(change: WorldChange): readonly number[] {
  if (change.kind !== 'endpointSlice' || change.after === undefined) return []
  const { triggeredAtInMs } = change.after
  return triggeredAtInMs === 0 || triggeredAtInMs === change.before?.triggeredAtInMs ? [] : [triggeredAtInMs]
}
