import fc from 'fast-check'
import { expect, it } from 'vitest'
import { arrange, nameBackends } from './group-state.ts'

const backends = fc
  .uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 9 })
  .map((ids) => ids.map((id) => ({ address: `10.0.0.${id}`, port: 80 })))

it('arranges all that are wanted, each once, and moves no more than it must', () => {
  fc.assert(
    fc.property(backends, backends, (slots, wanted) => {
      const arranged = arrange(slots, wanted)
      const text = (list: readonly { address: string }[]) => list.map(({ address }) => address).toSorted()
      expect(text(arranged)).toEqual(text(wanted))
      const stays = slots.slice(0, wanted.length).map((slot, index) => [slot, index] as const)
      for (const [slot, index] of stays) {
        if (wanted.some(({ address }) => address === slot.address)) expect(arranged[index]).toEqual(slot)
      }
    }),
  )
})

it('names backends apart, keeps the names of those that stay, and gives back the name of one that returns', () => {
  fc.assert(
    fc.property(fc.array(backends, { maxLength: 6 }), (rounds) => {
      let before: { slots: readonly { address: string; port: number }[]; names: readonly number[] } = { slots: [], names: [] }
      const first = new Map<string, number>()
      for (const wanted of rounds) {
        const slots = arrange(before.slots, wanted)
        const names = nameBackends(slots, before)
        expect(new Set(names).size).toBe(slots.length)
        for (const [index, { address }] of slots.entries()) {
          const name = names[index] ?? 0
          expect(first.get(address) ?? name).toBe(name)
          first.set(address, name)
        }
        before = { slots, names }
      }
    }),
  )
})

it('finds another name where two backends would have the same', () => {
  const [one, other] = [
    { address: '10.0.0.1', port: 80 },
    { address: '10.0.0.2', port: 80 },
  ]
  const [wished = 0] = nameBackends([other], { slots: [], names: [] })
  expect(nameBackends([one, other], { slots: [one], names: [wished] })).toEqual([wished, wished + 1])
})
