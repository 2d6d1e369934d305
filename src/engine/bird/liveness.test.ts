import { expect, test } from 'vitest'
import { SPEAKER, watch } from '../../../test/support/bgp-entries.ts'
import { TransportEngine } from './engine.ts'
import { FakeBird } from './fake.ts'

const { signal } = new AbortController()

async function watching() {
  const bird = new FakeBird()
  const engine = new TransportEngine(bird)
  await engine.apply({ upserts: [SPEAKER, watch('a', '192.0.2.2'), watch('b', '2001:db8::3')], removals: [] }, signal)
  const told: string[] = []
  engine.onLivenessChange(() => told.push([...engine.liveness.values()].join(' ')))
  return { bird, engine, told }
}

test('up when it is heard, down when it is heard no more; nothing is said twice', async () => {
  const { bird, engine, told } = await watching()
  expect([...engine.liveness]).toEqual([
    ['watch/a', 'unknown'],
    ['watch/b', 'unknown'],
  ])
  for (const [address, isThere] of [
    ['192.0.2.2', false],
    ['192.0.2.2', true],
    ['192.0.2.2', true],
    ['2001:db8::3', true],
    ['192.0.2.77', true],
    ['192.0.2.2', false],
  ] as const)
    bird.tellLive(address, isThere)
  expect(told).toEqual(['up unknown', 'up up', 'down up'])
  await engine.close()
})

test('of a BIRD that died nothing is believed', async () => {
  const { bird, engine, told } = await watching()
  bird.tellLive('192.0.2.2', true)
  bird.died()
  bird.tellLive('192.0.2.2', false) // what the kernel had of it goes
  expect(told).toEqual(['up unknown', 'unknown unknown'])
  bird.tellLive('192.0.2.2', true)
  expect(told.at(-1)).toBe('up unknown')
  await engine.close()
})

test('a watch that goes, and one whose address changes, are known no more', async () => {
  const { bird, engine } = await watching()
  bird.tellLive('192.0.2.2', true)
  bird.tellLive('2001:db8::3', true)
  await engine.apply({ upserts: [watch('a', '192.0.2.4')], removals: ['watch/b'] }, signal)
  expect([...engine.liveness]).toEqual([['watch/a', 'unknown']])
  await engine.close()
})
