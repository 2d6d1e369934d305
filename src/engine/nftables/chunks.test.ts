import { expect, it } from 'vitest'
import { addressKey, type DataPathEntry, familyOf, rangeKey } from '../../model/datapath.ts'
import { chunksOf } from './chunks.ts'
import { SET_OF_ADDRESS, SET_OF_RANGE } from './element.ts'

const RANGES = Object.keys(SET_OF_RANGE) as (keyof typeof SET_OF_RANGE)[]
const ADDRESSES = Object.keys(SET_OF_ADDRESS) as (keyof typeof SET_OF_ADDRESS)[]

function everyKind(): readonly DataPathEntry[] {
  const cidr = '10.1.0.0/16'
  const ranges = RANGES.map((kind): DataPathEntry => ({ kind, key: rangeKey(kind, cidr), family: familyOf(cidr), cidr }))
  const addresses = Array.from({ length: 600 }, (_, at) => `10.2.${at >> 8}.${at & 255}`).flatMap((address) =>
    ADDRESSES.map((kind): DataPathEntry => ({ kind, key: addressKey(kind, address), family: 'ipv4', address })),
  )
  return [...ranges, ...addresses]
}

it('a large difference loses nothing, says nothing twice, and changes ranges of one kind at once', () => {
  const entries = everyKind()
  const keys = entries.map(({ key }) => key).toSorted()
  const added = chunksOf({ upserts: entries, removals: [] })
  expect(added.length).toBeGreaterThan(1)
  expect(added.flatMap(({ upserts }) => upserts.map(({ key }) => key)).toSorted()).toEqual(keys)
  const removed = chunksOf({ upserts: [], removals: keys })
  expect(removed.flatMap(({ removals }) => removals).toSorted()).toEqual(keys)
  const exchanged = chunksOf({ upserts: entries, removals: RANGES.map((kind) => rangeKey(kind, '10.0.0.0/8')) })
  const withRanges = exchanged.filter(({ upserts, removals }) => upserts.some((one) => 'cidr' in one) || removals.length > 0)
  expect(withRanges).toHaveLength(1)
})
