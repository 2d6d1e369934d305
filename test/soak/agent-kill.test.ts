/** The agent killed a hundred times at random moments, under churn and load. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentKills } from '../support/agent-kills.ts'

const kills = new AgentKills('fwt-as')

beforeAll(() => kills.up())
afterAll(() => kills.down())

test('no request fails, and in the end the kernel has what the plan says', async () => {
  const { asked, failed, changes, installed, planned } = await kills.run(100)
  expect(failed).toEqual([])
  expect(installed).toEqual(planned)
  expect(asked).toBeGreaterThan(2_000)
  expect(changes).toBeGreaterThan(5_000)
})
