import fc from 'fast-check'
import { expect, it } from 'vitest'
import { arrange } from './mirror.ts'

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
