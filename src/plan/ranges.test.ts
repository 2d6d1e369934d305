import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { outermost, RangeSet } from './ranges.ts'

describe('outermost ranges', () => {
  it.each([
    [['10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8'], ['10.0.0.0/8']],
    [
      ['192.168.1.0/24', '192.168.0.0/24'],
      ['192.168.0.0/24', '192.168.1.0/24'],
    ],
    [['10.0.0.1/32', '0.0.0.0/0'], ['0.0.0.0/0']],
    [
      ['fd00::/64', 'fd00::1/128', 'fd00:0:0:1::/64'],
      ['fd00:0:0:1::/64', 'fd00::/64'],
    ],
    [['::1/128', '::/0'], ['::/0']],
    [[], []],
  ])('of %j are %j', (cidrs, expected) => {
    expect(outermost(cidrs)).toEqual(expected)
    expect(outermost(cidrs.toReversed())).toEqual(expected)
  })

  it('hold the same addresses, and each of them once', () => {
    const cidr = fc
      .record({ bits: fc.integer({ min: 0, max: 8 }), number: fc.integer({ min: 0, max: 255 }) })
      .map(({ bits, number }) => `10.0.0.${number & ~(255 >> bits)}/${24 + bits}`)
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 8 }), (cidrs) => {
        const kept = outermost(cidrs)
        const [all, one] = [new RangeSet(cidrs), kept.map((range) => new RangeSet([range]))]
        for (let last = 0; last < 256; last++) {
          const address = `10.0.0.${last}`
          expect(one.filter((range) => range.has(address))).toHaveLength(all.has(address) ? 1 : 0)
        }
      }),
    )
  })
})

it('a set of ranges holds addresses of both families', () => {
  const set = new RangeSet(['10.0.0.0/8', 'fd00::/16'])
  const all = ['10.1.2.3', '11.0.0.1', 'fd00::1', 'fd01::1', '::1']
  expect(all.filter((address) => set.has(address))).toEqual(['10.1.2.3', 'fd00::1'])
})

it('ranges of one family hold no address of the other', () => {
  const sets = [new RangeSet(['::/0']), new RangeSet(['0.0.0.0/0'])]
  expect(sets.map((set) => [set.has('10.0.0.1'), set.has('fd00::1')])).toEqual([
    [false, true],
    [true, false],
  ])
})
