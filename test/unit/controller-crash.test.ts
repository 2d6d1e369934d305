/** No address is ever given twice, whatever dies when, and however many lead. */
import { expect, test } from 'vitest'
import { ControllerCrashes } from '../support/controller-crashes.ts'
import { ControllerProcess } from '../support/controller-process.ts'
import { ControllerWorld } from '../support/controller-world.ts'

const CRASHES = 50

test(`${CRASHES} crashes amid writes lose no address and give none twice`, { timeout: 60_000 }, async () => {
  await using crashes = await ControllerCrashes.make(7)
  await crashes.crash(CRASHES)
  await crashes.expectSettled()
  expect(crashes.history.given).toBeGreaterThan(CRASHES / 5)
})

test('two that both lead, all the time, give no address twice', { timeout: 60_000 }, async () => {
  await using crashes = await ControllerCrashes.make(8)
  await crashes.lead(200, 50)
  await crashes.expectSettled()
  expect(crashes.history.given).toBeGreaterThanOrEqual(50)
})

test('processes that are killed at any moment give no address twice', { timeout: 60_000 }, async () => {
  await using crashes = await ControllerCrashes.make(11)
  await crashes.kill(5)
  await crashes.expectSettled()
  expect(crashes.history.given).toBeGreaterThan(5)
})

test('beside a live MetalLB controller a process ends with the reason', { timeout: 30_000 }, async () => {
  await using world = await ControllerWorld.make()
  await world.metallb('True')
  using controller = new ControllerProcess(world.server.url)
  const { exitCode, log } = await controller.runToTheEnd()
  expect(exitCode).toBe(1)
  const last = JSON.parse(log.trim().split('\n').at(-1) ?? '{}')
  expect(last).toMatchObject({ level: 'fatal', err: { code: 'FW0661' } })
  expect(last.err.message).toContain('default/controller-1 is a MetalLB controller and is Ready')
})
