import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatAddress, parseAddress, parseRange } from './address.ts'
import { keptBand, Pool } from './pool.ts'

function release(pool: Pool, held: Set<bigint>, number: bigint): void {
  pool.release(number)
  held.delete(number)
}

function claim(pool: Pool, held: Set<bigint>, number: bigint): void {
  const outside = number < 100n || number > 120n
  expect(pool.claim(number)).toBe(outside ? 'outside' : held.has(number) ? 'taken' : 'claimed')
  if (!outside) held.add(number)
}

function claimAny(pool: Pool, held: Set<bigint>): void {
  const number = pool.claimAny()
  expect(number === undefined).toBe(held.size === 21)
  if (number === undefined) return
  expect(held.has(number)).toBe(false)
  held.add(number)
}

describe('pool', () => {
  test('in any order of claims and releases no number is given twice, and none is lost', () => {
    const step = fc.record({ act: fc.constantFrom('any', 'claim', 'release'), number: fc.bigInt(95n, 125n) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const pool = new Pool(100n, 120n, 4n)
        const held = new Set<bigint>()
        for (const { act, number } of steps) {
          if (act === 'release') release(pool, held, number)
          else if (act === 'claim') claim(pool, held, number)
          else claimAny(pool, held)
          expect(pool.size).toBe(held.size)
        }
      }),
    )
  })

  test('gives the kept band only when the rest is gone', () => {
    const pool = new Pool(0n, 19n, 4n)
    const given = Array.from({ length: 20 }, () => pool.claimAny() ?? -1n)
    expect(given.slice(0, 16).every((number) => number >= 4n)).toBe(true)
    expect(new Set(given).size).toBe(20)
    expect(pool.claimAny()).toBeUndefined()
  })

  test('bands as Kubernetes has them', () => {
    expect(keptBand(2768n, 32n, 128n)).toBe(86n)
    expect(keptBand(1n << 20n, 16n, 256n)).toBe(256n)
    expect(keptBand(16n, 16n, 256n)).toBe(0n)
  })
})

describe('addresses', () => {
  test.each([
    ['10.96.0.1', '10.96.0.1'],
    ['fd00:10:96::1', 'fd00:10:96::1'],
    ['FD00:0:0:0:0:0:0:1', 'fd00::1'],
  ])('%s', (text, canonical) => {
    expect(formatAddress(parseAddress(text) as NonNullable<ReturnType<typeof parseAddress>>)).toBe(canonical)
  })

  test.each(['', 'x', '10.1', '1.2.3.256', 'fe80::1%eth0', '0x7f.1', '10.0.0.0/8'])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  test('text and number are one', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = parseAddress(text)
        if (address !== undefined) expect(parseAddress(formatAddress(address))).toEqual(address)
      }),
    )
  })

  test('ranges', () => {
    expect(parseRange('10.96.0.0/12')).toMatchObject({ family: 'IPv4', first: 0x0a600000n, last: 0x0a6fffffn, exact: true })
    expect(parseRange('10.0.0.1/24')).toMatchObject({ exact: false })
    for (const text of ['10.0.0.0', '10.0.0.0/33', 'x/8', '::/129', '10.0.0.0/8/8'])
      expect(parseRange(text), text).toBeUndefined()
  })
})
