/** The agent killed ten times at random moments, under churn and load; a hundred times in test/soak. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AgentKills } from '../support/agent-kills.ts'

const kills = new AgentKills('fwt-ak')

beforeAll(() => kills.up())
afterAll(() => kills.down())

test('no request fails, and in the end the kernel has what the plan says', async () => {
  const { asked, failed, changes, installed, planned } = await kills.run(10)
  expect(failed).toEqual([])
  expect(installed).toEqual(planned)
  expect(asked).toBeGreaterThan(200)
  expect(changes).toBeGreaterThan(500)
})
