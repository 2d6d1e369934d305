/** One round each of what `bench/failover` measures: what it compares is there, and both products do their work on the same wires. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEATH, KILL, MOVE, RESTART } from '../../bench/failover/events.ts'
import { FailoverSite } from '../../bench/failover/site.ts'

const site = new FailoverSite('t-bench-fail')
beforeAll(() => site.up())
afterAll(() => site.down())

test('a dead owner is noticed at every address, which the other node then has', { timeout: 90_000 }, async () => {
  const { fairway, keepalived } = await site.round(DEATH)
  const noticed = [fairway.ipv4, fairway.ipv6, keepalived.ipv4, keepalived.ipv6]
  expect(noticed.map(({ failed }) => failed > 0)).toEqual([true, true, true, true])
})

test.each([
  ['is drained and taken back into use', MOVE],
  ['has its daemon restarted', RESTART],
  ['has its daemons killed', KILL],
])('no new connection to an address of Fairway fails when its owner %s', { timeout: 90_000 }, async (_, event) => {
  const { fairway } = await site.round(event)
  expect([fairway.ipv4.failed, fairway.ipv6.failed]).toEqual([0, 0])
})
