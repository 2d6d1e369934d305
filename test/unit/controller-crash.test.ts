/** No address is ever given twice, whatever dies when, and however many lead. */
import { expect, test } from 'vitest'
import { ControllerCrashes } from '../support/controller-crashes.ts'

const CRASHES = 50

test(`${CRASHES} crashes amid writes lose no address and give none twice`, { timeout: 60_000 }, async () => {
  await using crashes = await ControllerCrashes.make(7)
  await crashes.crash(CRASHES)
  await crashes.expectSettled()
  expect(crashes.history.given).toBeGreaterThan(CRASHES / 5)
})

test('two that both lead, all the time, give no address twice', { timeout: 60_000 }, async () => {
  await using crashes = await ControllerCrashes.make(8)
  await crashes.lead(200)
  await crashes.expectSettled()
  expect(crashes.history.given).toBeGreaterThan(50)
})
