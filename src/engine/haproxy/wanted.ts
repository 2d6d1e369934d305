/** The form with the names of sections in it: what files and the running process are to say. */
import { FairwayError } from '../../model/code.ts'
import { UNAVAILABLE } from './base.ts'
import type { Form, FormChange } from './form.ts'
import { ownFrame, ownName } from './sections.ts'
import type { Slots } from './slots.ts'
import { nameFor, slotName, type Words, wordOf } from './syntax.ts'
import type { Target, TargetServer } from './target.ts'

/** Sections beyond those in use, so that a new target finds one. */
const SPARE = 64

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
  /** Why HAProxy refuses a section, by its name and frame. */
  readonly refused = new Map<string, { readonly frame: string; readonly reason: string }>()
  /** Why HAProxy refuses an expression or a condition, by the key of its rule. */
  readonly refusedCases = new Map<string, string>()
  /** Targets that found no slot: the next reload makes some. */
  readonly waiting = new Set<string>()
  private changes = 0
  private readonly nameOf = new Map<string, string>()
  private readonly keyOfName = new Map<string, string>()

  constructor(form: Form, slots: Slots) {
    this.form = form
    this.slots = slots
  }

  /** Another number once something may be different that only a reload changes, but for the number of slots. */
  get version(): number {
    return this.changes + this.form.version
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
    if (this.waiting.size > 0 || this.slots.size === 0) {
      const needed = this.slots.used + this.waiting.size
      this.slots.grow(Math.max(this.slots.size, roundUp(needed + Math.max(SPARE, needed >> 3))))
    }
    const { targets } = change
    for (const key of this.waiting) targets.add(key)
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
  refuse(name: string, frame: string, reason: string): void {
    this.refused.set(name, { frame, reason })
    this.changes++
    const key = this.keyOfName.get(name)
    this.own.delete(name)
    this.keyOfName.delete(name)
    if (key !== undefined) this.nameOf.delete(key)
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

  private serversOf(key: string): readonly TargetServer[] {
    const target = this.form.target(key)
    return target === undefined || target.answer !== undefined ? [] : this.form.servers(target)
  }

  private nameTarget(target: Target): string | undefined {
    const { key } = target
    if (this.form.isPooled(target)) {
      const slot = this.slots.take(key)
      if (slot === undefined) {
        this.waiting.add(key)
        return undefined
      }
      this.waiting.delete(key)
      return this.remember(slotName(slot).text, key)
    }
    const name = ownName(target).text
    const frame = this.frameOf(name, target)
    if (frame === undefined || this.refused.get(name)?.frame === frame) return undefined
    this.refused.delete(name)
    if (this.own.get(name)?.frame !== frame) this.changes++
    this.own.set(name, { target, frame })
    return this.remember(name, key)
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
    else this.slots.release(key)
  }
}

/** Stands for the rules of a place that conditions tell apart. */
export function caseName(map: string, key: string): Words {
  return nameFor('case', `${map} ${key}`)
}

function roundUp(size: number): number {
  return Math.ceil(size / SPARE) * SPARE
}
