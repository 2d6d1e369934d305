/** What test/live/l2-failover.test.ts proves once of each event, in rounds of all of them, and the figures of it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  API_AWAY,
  CORDON,
  ENDED,
  heldBy,
  INTERFACE,
  type L2Event,
  OTHER,
  OWNER,
  POWER,
  POWER_WITHOUT_API,
} from '../support/l2-events.ts'
import { FOUR, L2Failover, SIX } from '../support/l2-failover.ts'

const ROUNDS = 5
const EVENTS: readonly L2Event[] = [POWER, CORDON, INTERFACE, ...ENDED, POWER_WITHOUT_API, API_AWAY]

/** New connections to one address during one event. */
interface Noticed {
  readonly address: string
  readonly failed: number
  readonly reasons: readonly string[]
  readonly darkInMs: number
  readonly lost: number
}

const rig = new L2Failover('t-l2-soak')
beforeAll(() => rig.up('--with', 'bgp'))
afterAll(() => rig.down())

async function once(event: L2Event): Promise<readonly Noticed[]> {
  await rig.takenOver(OWNER)
  await rig.whole()
  try {
    return await rig.during(
      () => event.happens(rig),
      () => event.over(rig),
    )
  } finally {
    await event.mend?.(rig)
  }
}

const worstOf = (values: readonly number[]): number => Math.max(0, ...values)
const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0

function linesOf(name: string, noticed: readonly Noticed[]): readonly string[] {
  return [FOUR, SIX].map((address) => {
    const own = noticed.filter((one) => one.address === address)
    const dark = own.map(({ darkInMs }) => darkInMs)
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
    const [failed, lost] = [sum(own.map((one) => one.failed)), sum(own.map((one) => one.lost))]
    const figures = [medianOf(dark), worstOf(dark), failed, lost].map((value) => String(value).padStart(8))
    return `${name.padEnd(50)} ${address.padEnd(18)} ${figures.join(' ')}`
  })
}

test('new connections are dark for at most 400 ms when the owner dies, and for none otherwise', {
  timeout: 900_000,
}, async () => {
  const noticed = new Map<string, Noticed[]>(EVENTS.map(({ name }) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) for (const event of EVENTS) noticed.get(event.name)?.push(...(await once(event)))
  const head = `${'owner: dark, ms'.padEnd(69)} ${['median', 'worst', 'failed', 'ended'].map((word) => word.padStart(8)).join(' ')}`
  process.stderr.write(`${[head, ...EVENTS.flatMap(({ name }) => linesOf(name, noticed.get(name) ?? []))].join('\n')}\n`)
  for (const { name, darkAtMostMs } of EVENTS) {
    const own = noticed.get(name) ?? []
    const dark = own.map(({ darkInMs }) => darkInMs)
    expect(dark, name).toHaveLength(2 * ROUNDS)
    expect(worstOf(dark), name).toBeLessThanOrEqual(darkAtMostMs)
    if (darkAtMostMs === 0)
      expect(
        own.filter(({ failed }) => failed > 0),
        name,
      ).toEqual([]) // the last of all is in no time
  }
  await rig.takenOver(OWNER)
  expect([await heldBy(rig, OWNER), await heldBy(rig, OTHER)]).toEqual([[FOUR, SIX], []])
})
