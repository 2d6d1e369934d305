import fc from 'fast-check'
import { expect, it, test } from 'vitest'
import { Slots } from './slots.ts'

const MINUTE = 60_000

function clock() {
  let inMs = 0
  return { now: () => inMs, pass: (more: number) => (inMs += more) }
}

it('gives the lowest slot of a shape, and none when all are taken', () => {
  const slots = new Slots()
  slots.grow('', 2)
  slots.grow('p', 1)
  slots.grow('', 1)
  expect([slots.take('a', ''), slots.take('b', ''), slots.take('c', 'p'), slots.take('d', '')]).toEqual([0, 1, 2, 3])
  expect([slots.take('a', ''), slots.take('e', ''), slots.take('e', 'p')]).toEqual([0, undefined, undefined])
  expect([slots.usedOf(''), slots.sizeOf(''), slots.usedOf('p')]).toEqual([3, 3, 1])
})

it('gives a slot to somebody else only after a minute, and back to its owner at once', () => {
  const { now, pass } = clock()
  const slots = new Slots([{ shape: '', first: 0, count: 1 }], now)
  slots.take('a', '')
  slots.release('a')
  pass(MINUTE - 1)
  expect(slots.take('b', '')).toBeUndefined()
  expect(slots.take('a', '')).toBe(0)
  slots.release('a')
  pass(MINUTE)
  expect(slots.take('b', '')).toBe(0)
})

it('ends the slots of policies that nobody has; others keep their numbers', () => {
  const slots = new Slots()
  slots.grow('', 1)
  slots.grow('p', 2)
  slots.grow('q', 1)
  slots.take('a', 'q')
  slots.take('b', 'p')
  slots.release('b')
  slots.prune()
  slots.grow('p', 1)
  expect(slots.runs).toEqual([
    { shape: '', first: 0, count: 1 },
    { shape: 'q', first: 3, count: 1 },
    { shape: 'p', first: 4, count: 1 },
  ])
  expect([slots.take('b', 'p'), slots.between(0, 5)]).toEqual([4, [0, 3, 4]])
})

type Step =
  | { readonly take: string; readonly shape: string }
  | { readonly release: string }
  | { readonly grow: string; readonly by: number }
  | { readonly pass: number }
  | { readonly prune: true }

/** Slots, and who must have which. */
class Model {
  readonly clock = clock()
  readonly slots = new Slots([], this.clock.now)
  readonly has = new Map<string, number>()
  private readonly shapes = new Map<string, string>()

  do(step: Step): void {
    if ('take' in step) this.take(step.take, step.shape)
    else if ('grow' in step) this.slots.grow(step.grow, step.by)
    else if ('pass' in step) this.clock.pass(step.pass)
    else if ('prune' in step) this.slots.prune()
    else {
      this.slots.release(step.release)
      this.has.delete(step.release)
    }
  }

  /** What an owner is says which shape it has. */
  shapeOf(owner: string): string {
    return this.shapes.get(owner) ?? ''
  }

  usersOf(shape: string): number {
    return [...this.has.keys()].filter((owner) => this.shapeOf(owner) === shape).length
  }

  private take(owner: string, asked: string): void {
    const shape = this.shapes.get(owner) ?? asked
    const slot = this.slots.take(owner, shape)
    if (slot === undefined) return
    expect(this.slots.shapeOf(slot)).toBe(shape)
    expect(this.has.get(owner) ?? slot).toBe(slot)
    this.has.set(owner, slot)
    this.shapes.set(owner, shape)
  }
}

test('nobody has the slot of another, or of another shape, whatever happens; who reads the text finds the same', () => {
  const shape = fc.constantFrom('', 'p', 'q')
  const owner = fc.integer({ min: 0, max: 9 }).map((number) => `owner ${number}`)
  const step = fc.oneof<fc.Arbitrary<Step>[]>(
    fc.record({ take: owner, shape }),
    fc.record({ release: owner }),
    fc.record({ grow: shape, by: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ pass: fc.constantFrom(1_000, MINUTE) }),
    fc.constant({ prune: true }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const model = new Model()
      const { slots, has } = model
      for (const one of steps) {
        model.do(one)
        expect(new Set(has.values()).size).toBe(has.size)
        for (const which of ['', 'p', 'q']) expect(slots.usedOf(which)).toBe(model.usersOf(which))
      }
      const again = Slots.parse(slots.text(), slots.runs)
      for (const [name, slot] of has) expect(again.take(name, model.shapeOf(name))).toBe(slot)
      expect(again.text().split('\n').sort()).toEqual(slots.text().split('\n').sort())
    }),
  )
})
