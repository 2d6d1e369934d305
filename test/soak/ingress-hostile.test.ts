/** The long form of test/unit/ingress-hostile.test.ts. */
import { expect, test } from 'vitest'
import { expectHostileMeant } from '../support/hostile-ingresses.ts'

const STRINGS = 1_000_000
const SEEDS = [11, 12, 13, 14]

test.each(SEEDS)(`${STRINGS / SEEDS.length} strings of seed %d in all objects`, async (seed) => {
  const result = await expectHostileMeant(STRINGS / SEEDS.length, seed)
  process.stderr.write(`${JSON.stringify(result)}\n`)
  expect(result.words).toBeGreaterThan(10_000)
})
