import { expect, it, vi } from 'vitest'
import type { DataPathEntry } from '../../model/datapath.ts'
import { TransportEngine } from './engine.ts'
import { FakeNftables } from './fake.ts'
import type { Listings } from './listing.ts'
import { Mirror } from './mirror.ts'
import { readAside, readListings } from './reader.ts'

const NEVER = new AbortController().signal
const NO_LOOPBACK = {
  watch: async () => undefined,
  allow: () => undefined,
  forget: () => undefined,
  close: async () => undefined,
}
const SERVICES = 2_000
const takeOnce = Mirror.prototype.take

/** What nft would print of a table with many groups, in pieces that end anywhere, and with an orphan among them. */
async function largeListing(): Promise<Listings> {
  const fake = new FakeNftables()
  const upserts = Array.from({ length: SERVICES }, (_, index): DataPathEntry => {
    const backends = [{ address: '10.0.0.1', port: index }]
    return {
      kind: 'group',
      key: `g${index}/cluster/ipv4`,
      family: 'ipv4',
      masquerade: 'outsiders',
      whenEmpty: 'refuse',
      affinityInSeconds: 0,
      sourceRanges: [],
      backends,
    }
  })
  await new TransportEngine(fake, NO_LOOPBACK).apply({ upserts, removals: [] }, NEVER)
  await fake.run([
    {
      add: {
        element: { family: 'ip', table: 'fairway', name: 'address', elem: [[{ concat: ['192.0.2.1', 'tcp', 80] }, '1:1']] },
      },
    },
  ])
  const text = Buffer.from(JSON.stringify({ nftables: fake.list('ip') }))
  const pieces = Array.from({ length: Math.ceil(text.length / 65_536) }, (_, index) =>
    Uint8Array.from(text.subarray(index * 65_536, (index + 1) * 65_536)),
  )
  return { ipv4: { documents: [pieces], rules: true }, ipv6: { documents: [], rules: true } }
}

it('a listing that is taken apart aside is what it is at once, and comes in many turns', async () => {
  const expected = readListings(await largeListing())
  let turn = 0
  const count = (): void => {
    turn++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const taken: number[] = []
  const take = vi.spyOn(Mirror.prototype, 'take').mockImplementation(function (this: Mirror, part) {
    taken.push(turn)
    takeOnce.call(this, part)
  })
  const { mirror, fresh } = await readAside(await largeListing(), NEVER)
  clearImmediate(counting)
  take.mockRestore()
  expect(mirror).toEqual(expected.mirror)
  expect(mirror.strays.size).toBe(1)
  expect(mirror.nextId('none')).toBe(expected.mirror.nextId('none'))
  expect(fresh).toEqual(expected.fresh)
  expect(taken.length).toBeGreaterThan(SERVICES / 250)
  expect(new Set(taken).size).toBe(taken.length)
})

it('is given up with its signal', async () => {
  await expect(readAside(await largeListing(), AbortSignal.abort())).rejects.toThrow('broken off')
})
