/** What test/live/l2-scale.test.ts proves, with a thousand addresses. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { L2Scale } from '../support/l2-scale.ts'

const COUNT = 1_000
const rig = new L2Scale('t-l2-many', COUNT)

beforeAll(() => rig.up(), 120_000)
afterAll(() => rig.down())

test('each has one owner, and nodes have equal shares', async () => {
  const fair = COUNT / 3
  for (const share of await rig.shares()) expect(Math.abs(share - fair)).toBeLessThan(fair / 3)
})

test('all of a node that dies are taken over within a second, and nothing is written meanwhile', {
  timeout: 120_000,
}, async () => {
  const { addresses, darkInMs, noticed, asked, writes } = await rig.moveAll()
  process.stderr.write(`L2, ${addresses} of ${COUNT} addresses moved: dark at most ${darkInMs} ms, ${writes} writes\n`)
  expect([noticed, addresses >= asked]).toEqual([asked, true])
  // the figure is demanded; asking every 50 ms adds as much
  expect(darkInMs).toBeLessThanOrEqual(1_000)
  // three nodes and the controllers have their Leases
  expect(writes).toBeLessThanOrEqual(20)
})
