/** What a client notices on new connections when something happens to the owner of an address, in both families. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  CABLE,
  CORDON,
  ENDED,
  heldBy,
  INTERFACE,
  type L2Event,
  OTHER,
  OWNER,
  POWER_WITHOUT_API,
  switchOn,
} from '../support/l2-events.ts'
import { FOUR, L2Failover, SIX } from '../support/l2-failover.ts'
import type { ConnectionsResult } from './l2/connections.ts'

const rig = new L2Failover('t-l2-fail')

beforeAll(() => rig.up('--with', 'bgp'))
afterAll(() => rig.down())

function report(what: string, results: readonly ConnectionsResult[]): void {
  const words = results.map(({ address, tried, failed, reset, reasons, darkInMs, held, lost }) => {
    const failures = `${failed} of ${tried} failed${failed > 0 ? ` (${reasons.join()})` : ''}, ${reset} reset`
    return `${address} dark ${darkInMs} ms, ${failures}, ${lost} of ${held} open ones lost`
  })
  process.stderr.write(`L2, ${what}: ${words.join('; ')}\n`)
}

/** The figure is demanded. A machine that is busy with other work may be late, so that the best of three counts. */
async function isDarkBriefly({ name, darkAtMostMs, happens, over, mend }: L2Event, on = rig): Promise<void> {
  const darkest: number[] = []
  for (let round = 0; round < 3 && !darkest.some((one) => one <= darkAtMostMs); round++) {
    await on.whole()
    const results = await on
      .during(
        () => happens(on),
        () => over(on),
      )
      .finally(() => mend?.(on))
    report(name, results)
    expect(results.map(({ failed }) => failed > 0)).toEqual([true, true])
    darkest.push(Math.max(...results.map(({ darkInMs }) => darkInMs)))
  }
  await on.takenOver(OWNER)
  expect(Math.min(...darkest)).toBeLessThanOrEqual(darkAtMostMs)
}

async function isNotNoticed(what: string, happens: () => Promise<void>, over: () => Promise<void>): Promise<void> {
  await rig.whole()
  const results = await rig.during(happens, over)
  report(what, results)
  expect(results.map(({ address, failed }) => ({ address, failed }))).toEqual([
    { address: FOUR, failed: 0 },
    { address: SIX, failed: 0 },
  ])
}

describe('new connections are dark for at most 400 ms', () => {
  test.each([CABLE, POWER_WITHOUT_API])('when of the owner: $name', { timeout: 120_000 }, (event) => isDarkBriefly(event))

  test(
    'when the owner’s interface is switched off, which then has no address that another node has',
    {
      timeout: 120_000,
    },
    () =>
      isDarkBriefly({
        ...INTERFACE,
        mend: async () => {
          expect(await heldBy(rig, OTHER)).toEqual([FOUR, SIX])
          report(
            'its interface is back',
            await rig.during(
              () => switchOn(rig),
              () => rig.takenOver(OWNER),
            ),
          )
          expect([await heldBy(rig, OWNER), await heldBy(rig, OTHER)]).toEqual([[FOUR, SIX], []])
        },
      }),
  )
})

describe('no new connection fails', () => {
  test.each([
    [
      'label',
      'label node',
      'node.kubernetes.io/exclude-from-external-load-balancers=',
      'node.kubernetes.io/exclude-from-external-load-balancers-',
    ],
    ['taint', 'taint node', 'node.kubernetes.io/out-of-service=nodeshutdown:NoExecute', 'node.kubernetes.io/out-of-service-'],
  ])(
    'while the owner is taken out of use by a %s, and takes its addresses back',
    { timeout: 90_000 },
    async (what, verb, word, end) => {
      const mark = (change: string) => rig.lab.client(`kubectl ${verb} ${OWNER} ${change}`).then(() => undefined)
      await isNotNoticed(
        what,
        () => mark(word),
        () => rig.takenOver(OTHER),
      )
      await isNotNoticed(
        `no ${what}`,
        () => mark(end),
        () => rig.takenOver(OWNER),
      )
    },
  )

  test.each([CORDON, ...ENDED])('when of the owner: $name', { timeout: 90_000 }, ({ name, happens, over }) =>
    isNotNoticed(
      name,
      () => happens(rig),
      () => over(rig),
    ),
  )
})

describe('without BFD, where unanswered questions alone decide,', () => {
  const alone = new L2Failover('t-l2-probes')
  beforeAll(async () => {
    vi.stubEnv('FAIRWAY_BGP', 'none') // the lab's agents inherit it
    await alone.up().finally(() => vi.unstubAllEnvs())
  })
  afterAll(() => alone.down())

  test('new connections are dark for at most 400 ms when the owner’s cable is pulled', { timeout: 120_000 }, () =>
    isDarkBriefly(CABLE, alone),
  )
})
