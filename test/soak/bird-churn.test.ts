/** What test/live/bird-churn.test.ts proves, for a minute. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Churn } from '../support/bird-churn.ts'

const SECONDS = 60
const churn = new Churn()
beforeAll(() => churn.up(), 60_000)
afterAll(() => churn.down())

test('10,000 pods, and 1,000 changes a second for a minute: nothing is stale, nothing is missing', {
  timeout: 180_000,
}, async () => {
  const { changes, tookInS, heard, wanted } = await churn.run(SECONDS)
  process.stderr.write(`${changes} changes in ${tookInS.toFixed(1)} s\n`)
  expect(changes).toBe(SECONDS * 1_000)
  expect(wanted).toHaveLength(10_000)
  expect(heard).toEqual(wanted)
})
