/** What test/unit/controller-crash.test.ts proves, for long. */
import { expect, test } from 'vitest'
import { ControllerCrashes } from '../support/controller-crashes.ts'

const CRASHES = 1_000

test(`${CRASHES} crashes amid writes lose no address and give none twice`, { timeout: 600_000 }, async () => {
  await using crashes = await ControllerCrashes.make(9)
  await crashes.crash(CRASHES)
  await crashes.expectSettled()
  expect(crashes.history.given).toBeGreaterThan(CRASHES / 5)
  process.stderr.write(`${CRASHES} crashes, ${crashes.history.given} addresses given\n`)
})

test('two that both lead for 3,000 changes give no address twice', { timeout: 600_000 }, async () => {
  await using crashes = await ControllerCrashes.make(10)
  await crashes.lead(3_000, 500)
  await crashes.expectSettled()
  process.stderr.write(`two leaders, ${crashes.history.given} addresses given\n`)
})

test('100 processes that are killed at any moment give no address twice', { timeout: 600_000 }, async () => {
  await using crashes = await ControllerCrashes.make(12)
  await crashes.kill(100)
  await crashes.expectSettled()
  process.stderr.write(`100 kills, ${crashes.history.given} addresses given\n`)
})
