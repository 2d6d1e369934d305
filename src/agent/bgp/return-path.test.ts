import { expect, test } from 'vitest'
import type { BgpSession, SessionState } from '../../model/bgp.ts'
import { checkReturnPath, type Route, type Routes } from './return-path.ts'

const SESSION: BgpSession = {
  kind: 'session',
  key: 'session/tor',
  name: 'tor',
  localAs: 64513,
  peerAs: 64512,
  peerAddress: '192.168.0.1',
  peerPort: 179,
  sourceAddress: '',
  interface: '',
  holdTimeInS: 90,
  keepaliveInS: 30,
  connectInS: 5,
  hops: 0,
  password: '',
  gracefulRestart: false,
  nextHops: { ipv4: '', ipv6: '' },
  accept: [],
  drain: 'none',
}
const sent = (ipv4: number, ipv6 = 0): SessionState => ({
  key: SESSION.key,
  phase: 'established',
  sinceInMs: 0,
  holdTimeInS: 90,
  neighbourId: '',
  localAddress: '',
  prefixes: { ipv4: { sent: ipv4, accepted: 0, refused: 0 }, ipv6: { sent: ipv6, accepted: 0, refused: 0 } },
  lastError: '',
  bfd: 'none',
})
const TABLE = 20819

interface Kernel {
  readonly main?: readonly Route[]
  readonly imported?: readonly Route[]
  readonly used?: Readonly<Record<string, Route>>
  readonly filter?: number
}

function kernel({ main = [], imported = [], used = {}, filter = 0 }: Kernel): Routes {
  const is = (family: string, { dst = '' }: Route) => dst === 'default' || dst.includes(':') === (family === 'ipv6')
  return {
    list: async (family, table) => (table === TABLE ? imported : main).filter((route) => is(family, route)),
    lookUp: async (address) => used[address],
    reversePathFilter: () => filter,
  }
}

async function codes(state: SessionState, routes: Kernel): Promise<readonly string[]> {
  const input = { node: 'n1', sessions: [SESSION], states: [state], kernelTable: TABLE }
  const found = await checkReturnPath(input, kernel(routes))
  return found.map(({ code }) => code.name)
}

const DEFAULT: Route = { dst: 'default', gateway: '192.168.0.1', dev: 'eth0' }
const TO_PEER = { '192.168.0.1': { dst: '192.168.0.1', dev: 'eth0' } }

test('with a default route all is well', async () => {
  expect(await codes(sent(1, 1), { main: [DEFAULT], used: TO_PEER, filter: 1 })).toEqual([])
})

test('with neither a default route nor one of a neighbour replies have no way back, in each family that is announced', async () => {
  const main = [{ dst: '192.168.0.0/24', dev: 'eth0' }]
  expect(await codes(sent(1), { main })).toEqual(['BGP_NO_ROUTE_BACK'])
  expect(await codes(sent(1, 1), { main })).toEqual(['BGP_NO_ROUTE_BACK', 'BGP_NO_ROUTE_BACK'])
})

test('nothing is said while nothing is announced, or the session is down', async () => {
  expect(await codes(sent(0), {})).toEqual([])
  expect(await codes({ ...sent(1), phase: 'active' }, {})).toEqual([])
})

test('a route of the neighbour is a way back, if the kernel uses it', async () => {
  const imported = [{ dst: '172.30.0.0/24', gateway: '192.168.0.1', dev: 'eth0' }]
  const way = { dst: '172.30.0.0', gateway: '192.168.0.1', dev: 'eth0' }
  expect(await codes(sent(1), { imported, used: { '172.30.0.0': way } })).toEqual([])
  const other = { ...way, gateway: '192.168.0.254' }
  expect(await codes(sent(1), { imported, used: { '172.30.0.0': other } })).toEqual(['BGP_IMPORT_SHADOWED'])
})

test('of several next hops one is enough', async () => {
  const nexthops = [
    { gateway: '192.168.0.1', dev: 'eth0' },
    { gateway: '192.168.1.1', dev: 'eth1' },
  ]
  const used = { '172.30.0.0': { gateway: '192.168.1.1', dev: 'eth1' } }
  expect(await codes(sent(1), { imported: [{ dst: '172.30.0.0/24', nexthops }], used })).toEqual([])
})

test('strict rp_filter where replies leave elsewhere is a finding; loose or the same interface is none', async () => {
  const elsewhere = { ...DEFAULT, dev: 'eth1' }
  expect(await codes(sent(1), { main: [elsewhere], used: TO_PEER, filter: 1 })).toEqual(['BGP_STRICT_REVERSE_PATH'])
  expect(await codes(sent(1), { main: [elsewhere], used: TO_PEER, filter: 2 })).toEqual([])
  expect(await codes(sent(1), { main: [elsewhere, DEFAULT], used: TO_PEER, filter: 1 })).toEqual([])
})
