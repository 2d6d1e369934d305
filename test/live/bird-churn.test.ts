/** Many changes a second: in the end the neighbour has what is planned, no more and no less. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Churn } from '../support/bird-churn.ts'

const SECONDS = 10
const churn = new Churn()
beforeAll(() => churn.up(), 60_000)
afterAll(() => churn.down())

test('10,000 pods, and 1,000 changes a second for ten seconds: nothing is stale, nothing is missing', {
  timeout: 60_000,
}, async () => {
  const { changes, heard, wanted } = await churn.run(SECONDS)
  expect(changes).toBe(SECONDS * 1_000)
  expect(wanted).toHaveLength(10_000)
  expect(heard).toEqual(wanted)
})
