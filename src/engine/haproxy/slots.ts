/**
 * Sections that are ready before anyone needs them: a target that gets one needs no reload. Who has which is written down, so that the maps, the
 * configuration and the running process mean the same by a name, whoever comes later.
 */
import { slotName } from './syntax.ts'

/** A request that has looked its section up may wait for a server, and try again: longer than that a slot has nobody. */
const REST_IN_MS = 60_000

/** Slots of one shape, with numbers one after the other. */
export interface Run {
  /** As of `shapeOf`. */
  readonly shape: string
  readonly first: number
  readonly count: number
}

interface Resting {
  readonly slot: number
  readonly owner: string
  readonly untilInMs: number
}

export class Slots {
  /** Counts who came and who went. */
  version = 0
  /** Counts changes of the runs. */
  layout = 0
  private readonly runList: Run[] = []
  private readonly shapes = new Map<number, string>()
  private readonly slotOf = new Map<string, number>()
  private readonly used = new Map<string, number>()
  /** By shape; the last one is given first. */
  private readonly free = new Map<string, number[]>()
  /** The one that rests longest first. */
  private resting: Resting[] = []
  private readonly now: () => number

  constructor(runs: readonly Run[] = [], now: () => number = () => performance.now()) {
    this.now = now
    for (const run of runs) this.add(run)
  }

  /** Reads what `text` wrote; what cannot be read counts as a slot that nobody has. */
  static parse(text: string, runs: readonly Run[], now?: () => number): Slots {
    const slots = new Slots(runs, now)
    for (const line of text.split('\n')) {
      const [, name = '', owner = ''] = /^(b\d+) (.+)$/.exec(line) ?? []
      if (name !== '') slots.restore(Number(name.slice(1)), owner)
    }
    return slots
  }

  text(): string {
    return [...this.slotOf].map(([owner, slot]) => `${slotName(slot).text} ${owner}\n`).join('')
  }

  get runs(): readonly Run[] {
    return this.runList
  }

  /** In the order of their numbers, from one to another, that is not among them. */
  between(first: number, end: number): readonly number[] {
    return Array.from({ length: end - first }, (_, index) => first + index).filter((slot) => this.shapes.has(slot))
  }

  /** Undefined: there is no such slot. */
  shapeOf(slot: number): string | undefined {
    return this.shapes.get(slot)
  }

  sizeOf(shape: string): number {
    return this.runList.filter((run) => run.shape === shape).reduce((sum, { count }) => sum + count, 0)
  }

  usedOf(shape: string): number {
    return this.used.get(shape) ?? 0
  }

  /** The slot of an owner, new, known, or the one that it had a moment ago; undefined when all are taken. */
  take(owner: string, shape: string): number | undefined {
    const known = this.slotOf.get(owner)
    if (known !== undefined) return known
    const slot = this.takeBack(owner, shape) ?? this.takeFree(shape)
    if (slot !== undefined) this.give(slot, owner)
    return slot
  }

  release(owner: string): void {
    const slot = this.slotOf.get(owner)
    if (slot === undefined) return
    const shape = this.shapes.get(slot) ?? ''
    this.slotOf.delete(owner)
    this.used.set(shape, this.usedOf(shape) - 1)
    this.version++
    this.resting.push({ slot, owner, untilInMs: this.now() + REST_IN_MS })
  }

  /** Makes more of a shape. */
  grow(shape: string, count: number): void {
    const last = this.runList.at(-1)
    const first = last === undefined ? 0 : last.first + last.count
    if (count > 0) this.add({ shape, first, count })
  }

  /** Ends the slots of policies that nobody has: of a process that is not there yet. */
  prune(): void {
    const gone = new Set(this.runList.filter(({ shape }) => shape !== '' && this.usedOf(shape) === 0))
    if (gone.size === 0) return
    this.layout++
    for (const { shape, first, count } of gone) {
      for (let slot = first; slot < first + count; slot++) this.shapes.delete(slot)
      this.free.delete(shape)
      this.used.delete(shape)
    }
    this.resting = this.resting.filter(({ slot }) => this.shapes.has(slot))
    this.runList.splice(0, this.runList.length, ...this.runList.filter((run) => !gone.has(run)))
  }

  private add(run: Run): void {
    const { shape, first, count } = run
    this.layout++
    const last = this.runList.at(-1)
    const isNext = last !== undefined && last.shape === shape && last.first + last.count === first
    if (isNext) this.runList.splice(-1, 1, { ...last, count: last.count + count })
    else this.runList.push(run)
    const more = Array.from({ length: count }, (_, index) => first + index)
    for (const slot of more) this.shapes.set(slot, shape)
    // the lowest is given first
    this.free.set(shape, [...more.reverse(), ...(this.free.get(shape) ?? [])])
  }

  private restore(slot: number, owner: string): void {
    const free = this.free.get(this.shapes.get(slot) ?? '') ?? []
    const at = free.indexOf(slot)
    if (at === -1 || this.slotOf.has(owner)) return
    free.splice(at, 1)
    this.give(slot, owner)
  }

  private give(slot: number, owner: string): void {
    const shape = this.shapes.get(slot) ?? ''
    this.slotOf.set(owner, slot)
    this.used.set(shape, this.usedOf(shape) + 1)
    this.version++
  }

  private takeBack(owner: string, shape: string): number | undefined {
    const at = this.resting.findIndex((one) => one.owner === owner && this.shapes.get(one.slot) === shape)
    const [found] = at === -1 ? [] : this.resting.splice(at, 1)
    return found?.slot
  }

  private takeFree(shape: string): number | undefined {
    const now = this.now()
    while (this.resting[0] !== undefined && this.resting[0].untilInMs <= now) {
      const [first] = this.resting.splice(0, 1)
      if (first !== undefined) this.free.get(this.shapes.get(first.slot) ?? '')?.unshift(first.slot)
    }
    return this.free.get(shape)?.pop()
  }
}
