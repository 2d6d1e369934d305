import { expect, test } from 'vitest'
import { defaultGateways } from './gateways.ts'
import { Isolation } from './isolation.ts'

const IPV4 = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0
`
const ZEROS = '0'.repeat(32)
const IPV6 = `${ZEROS} 00 ${ZEROS} 00 fd000192016800000000000000000001 00000400 00000001 00000000 00000003     eth0
${ZEROS} 00 ${ZEROS} 00 ${ZEROS} ffffffff 00000001 00000000 00200200       lo
fd000192016800000000000000000000 40 ${ZEROS} 00 ${ZEROS} 00000100 00000001 00000000 00000001     eth0
`

test('gateways are the next hops of default routes, as the kernel lists them', () => {
  expect(defaultGateways(IPV4, IPV6)).toEqual([
    { address: '192.168.0.1', interface: 'eth0' },
    { address: 'fd00:192:168::1', interface: 'eth0' },
  ])
  expect(defaultGateways('', '')).toEqual([])
})

test.each([
  ['everybody is silent', { alone: true, connected: false, answers: false, gateways: 1 }, true],
  ['another announcer lives', { alone: false, connected: false, answers: false, gateways: 1 }, false],
  ['the API server is heard', { alone: true, connected: true, answers: false, gateways: 1 }, false],
  ['the gateway answers', { alone: true, connected: false, answers: true, gateways: 1 }, false],
  ['there is no gateway to ask', { alone: true, connected: false, answers: false, gateways: 0 }, false],
])('a node is cut off, or not, when %s', async (_, { alone, connected, answers, gateways }, isCutOff) => {
  let changes = 0
  const isolation = new Isolation({
    isAlone: () => alone,
    isConnected: () => connected,
    ask: async () => answers,
    onChange: () => changes++,
    gateways: () => Array.from({ length: gateways }, () => ({ address: '192.0.2.1', interface: 'eth0' })),
  })
  for (let time = 0; time < 5; time++) await isolation.look()
  isolation.close()
  expect([isolation.isCutOff, changes]).toEqual([isCutOff, isCutOff ? 1 : 0])
})

test('one lost answer is no cut, and one that comes ends it', async () => {
  let answers = false
  const isolation = new Isolation({
    isAlone: () => true,
    isConnected: () => false,
    ask: async () => answers,
    onChange: () => undefined,
    gateways: () => [{ address: '192.0.2.1', interface: 'eth0' }],
  })
  await isolation.look()
  await isolation.look()
  expect(isolation.isCutOff).toBe(false)
  await isolation.look()
  expect(isolation.isCutOff).toBe(true)
  answers = true
  await isolation.look()
  isolation.close()
  expect(isolation.isCutOff).toBe(false)
})
