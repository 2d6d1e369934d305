/** What a client notices on new connections when something happens to the owner of an address, in both families. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { FOUR, L2Failover, SIX } from '../support/l2-failover.ts'
import type { ConnectionsResult } from './l2/connections.ts'

const rig = new L2Failover('t-l2-fail')
const OWNER = 'optiplex-1'
const OTHER = 'optiplex-2'

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
async function isDarkBriefly(what: string, fault: () => Promise<void>, mend: () => Promise<void>, on = rig): Promise<void> {
  const darkest: number[] = []
  for (let round = 0; round < 3 && !darkest.some((one) => one <= 400); round++) {
    await on.whole()
    const results = await on.during(fault, () => on.takenOver(OTHER))
    report(what, results)
    expect(results.map(({ failed }) => failed > 0)).toEqual([true, true])
    darkest.push(Math.max(...results.map(({ darkInMs }) => darkInMs)))
    await mend()
  }
  await on.takenOver(OWNER)
  expect(Math.min(...darkest)).toBeLessThanOrEqual(400)
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

/** The kernel forgets routes and IPv6 addresses of an interface that is off. */
async function switchOn(): Promise<void> {
  const routes = ['192.168.0.1', 'fd00:192:168::1'].map((router) => `ip route replace default via ${router}`)
  const lines = ['ip link set eth0 up', `ip addr add fd00:192:168::240/64 dev eth0 nodad`, ...routes]
  const { exitCode, stderr } = await rig.lab.on(OWNER, lines.join(' && '))
  expect(`${exitCode} ${stderr}`).toBe('0 ')
}

describe('new connections are dark for at most 400 ms', () => {
  test('when the owner’s cable is pulled', { timeout: 120_000 }, () =>
    isDarkBriefly(
      'cable',
      () => rig.fault('node', 'cut', OWNER),
      () => rig.fault('node', 'heal', OWNER),
    ),
  )

  test('when the owner’s interface is switched off, which then has no address that another node has', {
    timeout: 120_000,
  }, async () => {
    const held = async (node: string) => {
      const { stdout } = await rig.lab.on(node, 'ip -br addr show eth0')
      return [FOUR, SIX].filter((address) => stdout.split(/[\s/]/).includes(address))
    }
    await isDarkBriefly(
      'interface',
      () => rig.lab.on(OWNER, 'ip link set eth0 down').then(() => undefined),
      async () => {
        expect(await held(OTHER)).toEqual([FOUR, SIX])
        report(
          'interface is back',
          await rig.during(
            () => switchOn(),
            () => rig.takenOver(OWNER),
          ),
        )
        expect([await held(OWNER), await held(OTHER)]).toEqual([[FOUR, SIX], []])
      },
    )
  })

  test('when the owner loses its power while the API server is away', { timeout: 120_000 }, async () => {
    const apiServer = await rig.pidOf('lab-apiserver')
    await isDarkBriefly(
      'power, no API server',
      async () => {
        process.kill(apiServer, 'SIGSTOP')
        await rig.fault('node', 'stop', OWNER).finally(() => undefined)
      },
      async () => {
        process.kill(apiServer, 'SIGCONT')
        await rig.fault('node', 'start', OWNER)
      },
    ).finally(() => process.kill(apiServer, 'SIGCONT'))
  })
})

describe('no new connection fails', () => {
  test('while the owner is drained, and takes its addresses back', { timeout: 90_000 }, async () => {
    const mark = (verb: string) => rig.lab.client(`kubectl ${verb} ${OWNER}`).then(() => undefined)
    await isNotNoticed(
      'cordon',
      () => mark('cordon'),
      () => rig.takenOver(OTHER),
    )
    await isNotNoticed(
      'uncordon',
      () => mark('uncordon'),
      () => rig.takenOver(OWNER),
    )
  })

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

  const agent = () => rig.pidOf(`agent-${OWNER}`)
  const bird = async () => rig.birdOf(OWNER)
  test.each([
    ['agent is killed', 'SIGKILL', [agent]],
    ['agent is restarted', 'SIGTERM', [agent]],
    ['BIRD is killed', 'SIGKILL', [bird]],
    ['agent and BIRD are killed', 'SIGKILL', [agent, bird]],
  ] as const)('when the owner’s %s', { timeout: 90_000 }, async (what, signal, processes) => {
    const before = await Promise.all(processes.map((pidOf) => pidOf()))
    const isBack = async () => {
      for (const [index, pidOf] of processes.entries()) expect(await pidOf()).not.toBe(before[index])
    }
    await isNotNoticed(
      what,
      async () => {
        for (const pid of before) process.kill(pid, signal)
      },
      async () => {
        await vi.waitFor(isBack, { timeout: 20_000, interval: 50 })
        await rig.whole()
      },
    )
  })
})

describe('without BFD, where unanswered questions alone decide,', () => {
  const alone = new L2Failover('t-l2-probes')
  beforeAll(async () => {
    vi.stubEnv('FAIRWAY_BGP', 'none') // the lab's agents inherit it
    await alone.up().finally(() => vi.unstubAllEnvs())
  })
  afterAll(() => alone.down())

  test('new connections are dark for at most 400 ms when the owner’s cable is pulled', { timeout: 120_000 }, () =>
    isDarkBriefly(
      'cable, without BFD',
      () => alone.fault('node', 'cut', OWNER),
      () => alone.fault('node', 'heal', OWNER),
      alone,
    ),
  )
})
