/** What there would be without BFD and without graceful restart: the hold time counts, and every packet until the session is up. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Failover, ROUTERS, report } from '../support/bgp-failover.ts'

const rig = new Failover('s-bgp-fail')
beforeAll(async () => {
  await rig.up()
  await rig.startBirdRouter()
})
afterAll(() => rig.down())

test.each(['frr', 'bird'] as const)('%s, of a node that dies', { timeout: 60_000 }, async (name) => {
  const result = await rig.afterDeath({ router: ROUTERS[name] })
  report(`${name}, death`, result)
  expect(result.longestGapInMs).toBeGreaterThan(2_000) // the hold time is 9 s, of which up to 3 s have passed
})

test.each(['frr', 'bird'] as const)('%s, of a BIRD that is killed', { timeout: 60_000 }, async (name) => {
  const result = await rig.afterKill({ router: ROUTERS[name] })
  report(`${name}, kill`, result)
  expect(result.lost).toBeGreaterThan(0)
})
