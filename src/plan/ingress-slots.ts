/** Places of rules (a host with a path, the default backend): who has each, and a canary beside it. */
import type { Finding } from '../model/code.ts'
import type { IngressWorld } from '../model/ingress.ts'
import { type HostPattern, hostText, type L7Entry, type L7Rule } from '../model/l7.ts'
import type { ObjectKey } from '../model/world.ts'
import type { EntryBook } from './entry-book.ts'
import type { FindingBook } from './finding-book.ts'
import type { IngressBackends } from './ingress-backends.ts'
import * as finding from './ingress-finding.ts'
import { type HostState, planSlot } from './ingress-rule.ts'
import type { Asked } from './ingress-served.ts'
import type { RuleWish } from './ingress-wish.ts'
import { secretsOf } from './nginx-policy.ts'
import { SlotBook } from './slot-book.ts'
import { Uses } from './uses.ts'

export interface RuleBooks {
  readonly book: EntryBook<L7Entry>
  readonly findings: FindingBook
  readonly backends: IngressBackends
  hostState(host: HostPattern, world: IngressWorld): HostState
}

export class IngressSlots {
  private readonly books: RuleBooks
  private readonly rules = new SlotBook<RuleWish>()
  private readonly canaries = new SlotBook<RuleWish>()
  /** What rules use, so that a change of it finds them: keys of rules by slot, slots by host and by Secret. */
  private readonly rulesOfSlot = new Uses()
  private readonly slotsOfHost = new Uses()
  private readonly slotsOfSecret = new Uses()

  constructor(books: RuleBooks) {
    this.books = books
  }

  /** The slots where something may be different. */
  set({ key, createdAtInMs, wishes }: Asked): readonly string[] {
    const ofRules = this.rules.set(key, createdAtInMs, wishes.rules)
    return [...ofRules, ...this.canaries.set(key, createdAtInMs, wishes.canaries)]
  }

  ofHost(host: string): Iterable<string> {
    return this.slotsOfHost.of(host)
  }

  ofSecret(secret: ObjectKey): Iterable<string> {
    return this.slotsOfSecret.of(secret)
  }

  /** Secrets that are to be known. */
  get secrets(): Iterable<ObjectKey> {
    return this.slotsOfSecret.used
  }

  /** The Services whose backends are to be planned again. */
  plan(slot: string, world: IngressWorld): Iterable<ObjectKey> {
    const { backends, findings } = this.books
    const winner = this.rules.winner(slot)
    const canary = this.canaries.winner(slot)
    const found: Finding[] = []
    const main = winner && backends.find(winner, world, { findings: found })
    const beside = winner && canary && backends.find(canary, world, { findings: found })
    const said = winner?.wish.annotations
    this.slotsOfSecret.set(slot, said === undefined ? [] : secretsOf(said))
    this.slotsOfHost.set(slot, winner === undefined ? [] : [hostText(winner.wish.host)])
    found.push(...this.losers(slot))
    let rules: readonly L7Rule[] = []
    if (winner !== undefined) {
      const plan = planSlot({
        ...{ slot, winner, secrets: world.secrets, host: this.books.hostState(winner.wish.host, world) },
        ...(main === undefined ? {} : { main: main.key }),
        ...(beside && canary?.wish.annotations ? { canary: { backend: beside.key, said: canary.wish.annotations } } : {}),
      })
      if (plan.refusal !== '') found.push(finding.refused(winner.key, plan.refusal))
      if (plan.strangers.length > 0) found.push(finding.strangers(winner.key, said?.authSecret ?? '', plan.strangers))
      rules = plan.rules
    }
    this.put(slot, rules)
    findings.note(`rule/${slot}`, found)
    const asked = [winner, canary].flatMap((one) => one?.wish.backend.service ?? [])
    return backends.use(slot, [main, beside], asked)
  }

  /** In the place of those that the slot had. */
  private put(slot: string, rules: readonly L7Rule[]): void {
    const { book } = this.books
    const keys = rules.map(({ key }) => key)
    for (const key of this.rulesOfSlot.usedBy(slot)) if (!keys.includes(key)) book.remove(key)
    this.rulesOfSlot.set(slot, keys)
    for (const rule of rules) book.put(rule)
  }

  private losers(slot: string): readonly Finding[] {
    const winner = this.rules.winner(slot)
    const canary = this.canaries.winner(slot)
    const others = [...this.rules.askers(slot)].filter((one) => one !== winner)
    const canaries = [...this.canaries.askers(slot)].filter((one) => one !== canary)
    return [
      ...(winner === undefined ? [] : others.map((one) => finding.taken(one, winner))),
      ...(canary === undefined ? [] : canaries.map((one) => finding.taken(one, canary))),
      ...(canary === undefined || winner !== undefined ? [] : [finding.alone(canary)]),
    ]
  }
}
