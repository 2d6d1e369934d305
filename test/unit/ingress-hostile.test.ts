/** Whatever users write into their objects, HAProxy reads what was meant by it, and nothing else. */
import { expect, test } from 'vitest'
import { expectHostileMeant } from '../support/hostile-ingresses.ts'

const STRINGS = 100_000

test(`${STRINGS} strings in Ingresses, Services, EndpointSlices, Secrets and classes`, { timeout: 60_000 }, async () => {
  const { rules, cases, words } = await expectHostileMeant(STRINGS, 1)
  // not everything was refused on the way
  expect([rules > 10_000, cases > 1_000, words > 5_000]).toEqual([true, true, true])
})
