/** Changes under load: no request fails, and an upgraded connection stays. Its long form is in test/soak. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HaproxyLoad } from '../support/haproxy-load.ts'
import { LOAD_EVENTS } from '../support/haproxy-load-events.ts'

const CHANGES = 100
const load = new HaproxyLoad('load')
beforeAll(() => load.up())
afterAll(() => load.down())

test.each(LOAD_EVENTS)('$name: no request fails, and the connection stays', async ({ happens, reloads }) => {
  const before = { ...Object.fromEntries(load.rig.engine.counters.reloads) }
  const result = await load.during(() => happens(load, CHANGES))
  expect(result).toMatchObject({ failures: '', tunnel: { end: '' } })
  expect(result.tunnel.heard).toBe(result.tunnel.said)
  expect(result.tunnel.said).toBeGreaterThan(0)
  expect(result.requests).toBeGreaterThan(0)
  expect({ ...result.reloads }).toEqual(reloads(before))
})
