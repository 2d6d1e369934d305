import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NumberSet } from './number-set.ts'

/** What it stands in for. */
class Model {
  readonly numbers = new Set<bigint>()

  nextFree(from: bigint): bigint {
    let free = from
    while (this.numbers.has(free)) free++
    return free
  }
}

const numbers = fc.bigInt({ min: 0n, max: 60n })
const step = fc.tuple(fc.constantFrom('add', 'delete', 'nextFree' as const), numbers)

test('it is a set of numbers that knows the next free one, whatever is added and taken away', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const [set, model] = [new NumberSet(), new Model()]
      for (const [verb, number] of steps) {
        const isIn = model.numbers.has(number)
        expect(set.has(number)).toBe(isIn)
        if (verb === 'add') expect(set.add(number)).toBe(!isIn)
        if (verb === 'delete') expect(set.delete(number)).toBe(isIn)
        if (verb === 'add') model.numbers.add(number)
        if (verb === 'delete') model.numbers.delete(number)
        expect(set.nextFree(number)).toBe(model.nextFree(number))
      }
    }),
    { numRuns: 300 },
  )
})

test('so it is when there are thousands of gaps, and when they close', () => {
  const [set, model] = [new NumberSet(), new Model()]
  const order = Array.from({ length: 4_000 }, (_, at) => BigInt((at * 1_777) % 4_000) * 2n) // every even number, in no order
  for (const number of order) {
    set.add(number)
    model.numbers.add(number)
  }
  for (let number = 0n; number < 8_000n; number += 37n) expect(set.nextFree(number)).toBe(model.nextFree(number))
  for (const number of order.slice(0, 2_000)) {
    set.delete(number)
    model.numbers.delete(number)
  }
  for (let number = 0n; number < 8_000n; number += 37n) expect(set.nextFree(number)).toBe(model.nextFree(number))
  for (let number = 0n; number < 8_000n; number++) set.add(number)
  expect(set.nextFree(0n)).toBe(8_000n)
  const before = set.steps
  set.nextFree(4_000n)
  expect(set.steps - before).toBeLessThan(5)
})
