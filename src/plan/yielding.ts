/** What of a plan is left to others who do the same work on this node: one noun decides, not a planner each. */
import type { Finding } from '../model/code.ts'
import { HOST_PORT_SERVED_BY_CNI } from '../model/codes/ports.ts'
import type { DataPathEntry, Frontend } from '../model/datapath.ts'
import { type ForeignHostPort, type ForeignRules, hostPortKey, NOBODY_ELSE } from '../model/foreign.ts'
import type { Delta } from '../model/plan.ts'
import type { Planner } from './planner.ts'

/**
 * Holds back the entries that another carries: all of Services when a service proxy is alive here, hostPorts that a CNI plugin has.
 *
 * Order:  the order of plans and of what others do never matters: what is carried now follows from both as they are now.
 * Errors: never throws; a hostPort that is left to another becomes a finding on its pod.
 */
export class Yielding {
  private readonly planner: Pick<Planner, 'entries' | 'subjectsOf'>
  private foreign: ForeignRules = NOBODY_ELSE
  /** Groups of hostPorts that another has, by key. */
  private left = new Map<string, ForeignHostPort>()

  constructor(planner: Pick<Planner, 'entries' | 'subjectsOf'>) {
    this.planner = planner
  }

  get serviceProxy(): string {
    return this.foreign.serviceProxy
  }

  /** Whether Fairway carries what this unit (`service/KEY`, `pod/KEY`) asks for. */
  carries(unit: string): boolean {
    return this.foreign.serviceProxy === '' || !isOfService(unit)
  }

  /** What of a difference of the plan is to be installed. */
  filter({ upserts, removals }: Delta<DataPathEntry>): Delta<DataPathEntry> {
    for (const entry of upserts) this.note(entry)
    const kept = upserts.filter((entry) => this.isCarried(entry))
    const dropped = upserts.filter((entry) => !this.isCarried(entry)).map(({ key }) => key)
    return dropped.length === 0 ? { upserts, removals } : { upserts: kept, removals: [...removals, ...dropped] }
  }

  /** Takes what others do now and returns the difference that it makes. */
  set(foreign: ForeignRules): Delta<DataPathEntry> {
    const carried = (): ReadonlySet<string> => {
      return new Set([...this.planner.entries.values()].filter((entry) => this.isCarried(entry)).map(({ key }) => key))
    }
    const before = carried()
    this.foreign = foreign
    this.left = new Map()
    for (const entry of this.planner.entries.values()) this.note(entry)
    const after = carried()
    return {
      upserts: [...after].flatMap((key) => (before.has(key) ? [] : (this.planner.entries.get(key) ?? []))),
      removals: [...before].filter((key) => !after.has(key)),
    }
  }

  get findings(): readonly Finding[] {
    const found: Finding[] = []
    for (const [group, { protocol, port, by }] of this.left) {
      for (const subject of this.planner.subjectsOf(group)) {
        const message = `hostPort ${port}/${protocol} of ${subject} is served by ${by}, so Fairway leaves it alone.`
        found.push({ code: HOST_PORT_SERVED_BY_CNI, subjects: [subject], message, fix: HOST_PORT_SERVED_BY_CNI.fix })
      }
    }
    return found
  }

  private note(entry: DataPathEntry): void {
    const other = this.rivalOf(entry)
    if (other !== undefined) this.left.set((entry as Frontend).group, other)
  }

  private rivalOf(entry: DataPathEntry): ForeignHostPort | undefined {
    if (entry.kind !== 'frontend' || (entry.at !== 'host-port' && entry.at !== 'host-address')) return undefined
    return this.foreign.hostPorts.get(hostPortKey(entry))
  }

  private isCarried(entry: DataPathEntry): boolean {
    if (this.left.has(entry.kind === 'frontend' ? entry.group : entry.key)) return false
    if (this.foreign.serviceProxy === '') return true
    const subjects = this.planner.subjectsOf(entry.key)
    return subjects.length === 0 || !subjects.every(isOfService)
  }
}

/** `service/KEY`, and `service-ranges`. */
function isOfService(unit: string): boolean {
  return unit.startsWith('service')
}
