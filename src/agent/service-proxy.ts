/** Who carries Services and hostPorts on this node: Fairway, or others whose rules are alive there. */
import type { ServiceProxyMode } from '../config/agent.ts'
import type { Finding } from '../model/code.ts'
import { AGENT_OTHER_PROXY } from '../model/codes/agent.ts'
import type { DataPathEntry } from '../model/datapath.ts'
import { type ForeignRules, NOBODY_ELSE } from '../model/foreign.ts'
import type { Delta } from '../model/plan.ts'
import type { Planner } from '../plan/planner.ts'
import { Yielding } from '../plan/yielding.ts'

/** Where others' rules are seen. */
export interface ForeignSource {
  readonly current: ForeignRules
  onChange(listener: (rules: ForeignRules) => void): void
}

/** Stands for a proxy where Fairway was told to carry no Services and nobody else does. */
const NOBODY = 'nobody'

export class ServiceProxy {
  private readonly node: string
  private readonly mode: ServiceProxyMode
  private readonly yielding: Yielding
  private seen: ForeignRules = NOBODY_ELSE

  constructor(node: string, mode: ServiceProxyMode, planner: Planner) {
    this.node = node
    this.mode = mode
    this.yielding = new Yielding(planner)
  }

  /** Takes what others do and returns the difference that it makes. Under `fairway` nobody is asked. */
  take(rules: ForeignRules): Delta<DataPathEntry> {
    if (this.mode === 'fairway') return { upserts: [], removals: [] }
    this.seen = rules
    return this.yielding.set(this.mode === 'none' ? { ...rules, serviceProxy: rules.serviceProxy || NOBODY } : rules)
  }

  /** What of a difference of the plan is to be installed. */
  filter(delta: Delta<DataPathEntry>): Delta<DataPathEntry> {
    return this.yielding.filter(delta)
  }

  /** Whether Fairway carries what `service/KEY` or `pod/KEY` asks for. */
  carries(unit: string): boolean {
    return this.yielding.carries(unit)
  }

  /** `fairway`, another's name, or `nobody`. */
  get name(): string {
    return this.yielding.serviceProxy === '' ? 'fairway' : this.yielding.serviceProxy
  }

  get findings(): readonly Finding[] {
    const other = this.seen.serviceProxy
    const message = `${other} serves Services on node ${this.node}, so Fairway leaves them to it there.`
    const yields: Finding = { code: AGENT_OTHER_PROXY, subjects: [`node/${this.node}`], message, fix: AGENT_OTHER_PROXY.fix }
    return [...(other === '' ? [] : [yields]), ...this.yielding.findings]
  }
}
