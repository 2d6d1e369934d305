/** The form with the names of sections in it: what files and the running process are to say. */
import { FairwayError } from '../../model/code.ts'
import { UNAVAILABLE } from './base.ts'
import type { Form, FormChange } from './form.ts'
import { ownFrame, ownName } from './sections.ts'
import { type Shapes, shapeOf } from './shapes.ts'
import type { Slots } from './slots.ts'
import { nameFor, slotName, type Words, wordOf } from './syntax.ts'
import type { Target, TargetServer } from './target.ts'

/** Sections beyond those in use, so that a new target finds one. */
const SPARE = 256
const SPARE_OF_POLICY = 8

export interface OwnSection {
  readonly target: Target
  /** What only a reload changes. */
  readonly frame: string
}

export class Wanted {
  readonly form: Form
  readonly slots: Slots
  /** Sections of their own by name. */
  readonly own = new Map<string, OwnSection>()
  readonly shapes: Shapes
  /** Why HAProxy refuses an expression or a condition, by the key of its rule. */
  readonly refusedCases = new Map<string, string>()
  /** Targets that found no slot: the next reload makes some of their shapes. */
  readonly waiting = new Map<string, string>()
  private changes = 0
  /** Why a section of its own is refused, by its name and frame. */
  private readonly refused = new Map<string, { readonly frame: string; readonly reason: string }>()
  private readonly nameOf = new Map<string, string>()
  private readonly keyOfName = new Map<string, string>()

  constructor(form: Form, slots: Slots, shapes: Shapes) {
    this.form = form
    this.slots = slots
    this.shapes = shapes
  }

  /** Another number once something may be different that only a reload changes. */
  get version(): number {
    return this.changes + this.form.version + this.slots.layout
  }

  /** The sections, by name, whose servers may have changed; users of a target whose section is another one are added to `change`. */
  follow(change: FormChange): ReadonlySet<string> {
    const sections = new Set<string>()
    for (const key of change.targets) {
      const before = this.nameOf.get(key)
      const target = this.form.target(key)
      const name = target === undefined ? undefined : this.nameTarget(target)
      if (before !== undefined) sections.add(before)
      if (before !== name) this.drop(key, before)
      // the section that a case names
      if (before !== name && this.form.cases.size > 0) this.changes++
      if (name === undefined) {
        this.nameOf.delete(key)
        if (target === undefined) {
          this.waiting.delete(key)
          this.refused.delete(nameFor('own', key).text)
        }
        continue
      }
      this.nameOf.set(key, name)
      sections.add(name)
      if (before !== name) this.form.touchUsers(key, change)
    }
    return sections
  }

  /** Makes room for those that wait, and says what that changed. */
  grow(change: FormChange): ReadonlySet<string> {
    const asked = new Map<string, number>()
    for (const [key, shape] of this.waiting) {
      change.targets.add(key)
      asked.set(shape, (asked.get(shape) ?? 0) + 1)
    }
    if (this.slots.sizeOf('') === 0) asked.set('', asked.get('') ?? 0)
    for (const [shape, count] of asked) {
      const needed = this.slots.usedOf(shape) + count
      this.slots.grow(shape, Math.max(count, needed + spareFor(shape, needed) - this.slots.sizeOf(shape)))
    }
    this.waiting.clear()
    return this.follow(change)
  }

  /** What a look-up says: a section, or what conditions decide on; undefined: nothing. */
  valueOf(map: string, key: string): string | undefined {
    const rules = this.form.maps.get(map)?.rules.get(key)
    const [first] = rules ?? []
    if (first === undefined) return undefined
    return [...(rules ?? [])].some((rule) => this.form.cases.has(rule)) ? caseName(map, key).text : this.sectionOf(first).text
  }

  /** Where a rule sends to. */
  sectionOf(rule: string): Words {
    const name = this.nameOf.get(this.form.targetOf(rule))
    return name === undefined ? UNAVAILABLE : wordOf(name)
  }

  /** None for a section that nobody has. */
  servers(section: string): readonly TargetServer[] {
    const key = this.keyOfName.get(section)
    return key === undefined ? [] : this.serversOf(key)
  }

  serversOfSlot(slot: number): readonly TargetServer[] {
    return this.servers(slotName(slot).text)
  }

  /** Leaves a section of its own out, which HAProxy does not take in this form. */
  refuse(name: string, { frame, target }: OwnSection, reason: string): void {
    this.refused.set(name, { frame, reason })
    this.leave(target.key)
  }

  /** Leaves all out that have a policy which HAProxy does not take. */
  refuseShape(shape: string, reason: string): void {
    this.shapes.refuse(shape, reason)
    for (const { key } of this.targetsOf(shape)) this.leave(key)
    this.slots.prune()
  }

  /** Why a target has no section; '' for one that has, or waits for one. */
  refusalOf(target: Target): string {
    if (this.form.isPooled(target)) return this.shapes.refusals.get(shapeOf(target.policy)) ?? ''
    return this.refused.get(ownName(target).text)?.reason ?? ''
  }

  /** Sentences that name who asks for what is refused. */
  get refusals(): readonly string[] {
    const subjects = new Map<string, Set<string>>()
    const note = (reason: string, rule: string) => {
      if (reason === '') return
      subjects.set(reason, (subjects.get(reason) ?? new Set()).add(this.form.rule(rule)?.subject ?? rule))
    }
    if (this.refused.size + this.shapes.refusals.size > 0)
      for (const target of this.form.targets) for (const rule of this.form.usersOf(target.key)) note(this.refusalOf(target), rule)
    for (const [rule, reason] of this.refusedCases) note(reason, rule)
    return [...subjects].map(([reason, all]) => `What ${[...all].join(', ')} asks for is refused by HAProxy: ${reason}`)
  }

  refuseCase(rule: string, reason: string): void {
    this.changes++
    this.refusedCases.set(rule, reason)
  }

  /** A rule that changed is tried again. */
  tryAgain(rule: string): void {
    if (this.refusedCases.delete(rule)) this.changes++
  }

  /** Sections that somebody has. */
  get sections(): Iterable<string> {
    return this.keyOfName.keys()
  }

  /** Whose a section is; undefined: nobody's. */
  targetOf(section: string): Target | undefined {
    const key = this.keyOfName.get(section)
    return key === undefined ? undefined : this.form.target(key)
  }

  private serversOf(key: string): readonly TargetServer[] {
    const target = this.form.target(key)
    return target === undefined || target.answer !== undefined ? [] : this.form.servers(target)
  }

  private nameTarget(target: Target): string | undefined {
    const { key } = target
    if (this.form.isPooled(target)) return this.nameSlot(target)
    const name = ownName(target).text
    const frame = this.frameOf(name, target)
    if (frame === undefined || this.refused.get(name)?.frame === frame) return undefined
    this.refused.delete(name)
    if (this.own.get(name)?.frame !== frame) this.changes++
    this.own.set(name, { target, frame })
    return this.remember(name, key)
  }

  private nameSlot({ key, policy }: Target): string | undefined {
    const shape = shapeOf(policy)
    this.waiting.delete(key)
    if (this.shapes.refusalOf(shape) !== '') return undefined
    const slot = this.slots.take(ownerName(key), shape)
    if (slot !== undefined) return this.remember(slotName(slot).text, key)
    this.waiting.set(key, shape)
    return undefined
  }

  private targetsOf(shape: string): readonly Target[] {
    return [...this.form.targets].filter((target) => shapeOf(target.policy) === shape && this.form.isPooled(target))
  }

  private leave(key: string): void {
    this.changes++
    this.drop(key, this.nameOf.get(key))
    this.nameOf.delete(key)
  }

  private frameOf(name: string, target: Target): string | undefined {
    try {
      return ownFrame(target, this.serversOf(target.key))
    } catch (error) {
      if (!(error instanceof FairwayError)) throw error
      this.refused.set(name, { frame: '', reason: error.message })
      return undefined
    }
  }

  private remember(name: string, key: string): string {
    this.keyOfName.set(name, key)
    return name
  }

  private drop(key: string, name: string | undefined): void {
    if (name === undefined) return
    if (this.keyOfName.get(name) === key) this.keyOfName.delete(name)
    if (this.own.delete(name)) this.changes++
    else this.slots.release(ownerName(key))
  }
}

/** Stands for the rules of a place that conditions tell apart. */
export function caseName(map: string, key: string): Words {
  return nameFor('case', `${map} ${key}`)
}

/** A key without a policy is short and readable; others are told apart by a digest. */
function ownerName(key: string): string {
  return key.startsWith('[') ? nameFor('own', key).text : key
}

/** Of a policy that one target has there may never be a second one; of one that two have there may be many. */
function spareFor(shape: string, needed: number): number {
  if (shape === '') return Math.ceil((needed + Math.max(SPARE, needed >> 3)) / SPARE) * SPARE - needed
  return needed < 2 ? 0 : Math.max(SPARE_OF_POLICY, needed >> 3)
}
