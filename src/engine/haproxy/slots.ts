/**
 * Sections that are ready before anyone needs them: a target that gets one needs no reload. Who has which is written down, so that the maps, the
 * configuration and the running process mean the same by a name, whoever comes later.
 */
import { slotName } from './syntax.ts'

/** A request that has looked its section up may wait for a server, and try again: longer than that a slot has nobody. */
const REST_IN_MS = 60_000

export class Slots {
  /** How many sections there are. */
  size: number
  /** Counts who came and who went. */
  version = 0
  private readonly slotOf = new Map<string, number>()
  private readonly free: number[] = []
  /** The one that rests longest first. */
  private readonly resting: { readonly slot: number; readonly untilInMs: number }[] = []
  private readonly now: () => number

  constructor(size = 0, now: () => number = () => performance.now()) {
    this.size = 0
    this.now = now
    this.grow(size)
  }

  /** Reads what `text` wrote; what cannot be read counts as a slot that nobody has. */
  static parse(text: string, size: number, now?: () => number): Slots {
    const slots = new Slots(size, now)
    for (const line of text.split('\n')) {
      const [, name = '', key = ''] = /^(b\d+) (.+)$/.exec(line) ?? []
      const slot = Number(name.slice(1))
      const at = slots.free.indexOf(slot)
      if (name === '' || at === -1 || slots.slotOf.has(key)) continue
      slots.free.splice(at, 1)
      slots.slotOf.set(key, slot)
    }
    return slots
  }

  text(): string {
    return [...this.slotOf].map(([key, slot]) => `${slotName(slot).text} ${key}\n`).join('')
  }

  get used(): number {
    return this.slotOf.size
  }

  of(key: string): number | undefined {
    return this.slotOf.get(key)
  }

  get keys(): Iterable<string> {
    return this.slotOf.keys()
  }

  /** The slot of a target, new or known; undefined when all are taken. */
  take(key: string): number | undefined {
    const known = this.slotOf.get(key)
    if (known !== undefined) return known
    this.wake()
    const slot = this.free.pop()
    if (slot === undefined) return undefined
    this.slotOf.set(key, slot)
    this.version++
    return slot
  }

  release(key: string): void {
    const slot = this.slotOf.get(key)
    if (slot === undefined) return
    this.slotOf.delete(key)
    this.version++
    this.resting.push({ slot, untilInMs: this.now() + REST_IN_MS })
  }

  /** Makes more, up to so many. */
  grow(size: number): void {
    const more = Array.from({ length: Math.max(0, size - this.size) }, (_, index) => this.size + index)
    this.size += more.length
    // the lowest is given first
    this.free.unshift(...more.reverse())
  }

  private wake(): void {
    const now = this.now()
    while (this.resting[0] !== undefined && this.resting[0].untilInMs <= now) {
      const [first] = this.resting.splice(0, 1)
      if (first !== undefined) this.free.unshift(first.slot)
    }
  }
}
