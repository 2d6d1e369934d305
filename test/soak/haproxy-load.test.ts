/** The long form of test/live/haproxy-load.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HaproxyLoad } from '../support/haproxy-load.ts'
import { LOAD_EVENTS } from '../support/haproxy-load-events.ts'

const CHANGES = 1_000
const load = new HaproxyLoad('load-soak')
beforeAll(() => load.up())
afterAll(() => load.down())

test.each(LOAD_EVENTS)(`$name (${CHANGES} changes): no request fails, and the connection stays`, async ({ happens }) => {
  const result = await load.during(() => happens(load, CHANGES))
  process.stdout.write(`${JSON.stringify(result)}\n`)
  expect(result).toMatchObject({ failures: '', tunnel: { end: '' } })
  expect(result.tunnel.heard).toBe(result.tunnel.said)
})
