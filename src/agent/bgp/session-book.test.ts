import { expect, test } from 'vitest'
import type { BgpSession, SessionState } from '../../model/bgp.ts'
import { BGP_PASSWORD_SUSPECT } from '../../model/codes/bgp.ts'
import { SessionBook } from './session-book.ts'

const SESSION: BgpSession = {
  kind: 'session',
  key: 'session/metallb-system/tor',
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
  gracefulRestart: true,
  nextHops: { ipv6: 'fd00:192:168::11', ipv4: '' },
  accept: [],
  drain: 'none',
}
const UP: SessionState = {
  key: SESSION.key,
  phase: 'established',
  sinceInMs: Date.parse('2026-01-01T00:00:05.700Z'),
  holdTimeInS: 90,
  neighbourId: '10.0.0.1',
  localAddress: '192.168.0.11',
  prefixes: { ipv4: { sent: 3, accepted: 1, refused: 2 }, ipv6: { sent: 4, accepted: 0, refused: 0 } },
  lastError: '',
  bfd: 'none',
}
const DOWN: SessionState = {
  ...UP,
  phase: 'active',
  sinceInMs: 0,
  prefixes: {},
  localAddress: '',
  lastError: 'Hold timer expired',
}
const T0 = Date.parse('2026-01-01T00:01:00Z')
const look = (book: SessionBook, state: SessionState, more: Partial<BgpSession> = {}, nowInMs = T0) =>
  book.look({ sessions: [{ ...SESSION, ...more }], states: [state], findings: [], nowInMs })

test('the report of an established session', () => {
  const { reports } = look(new SessionBook('n1'), UP)
  expect(reports).toEqual([
    {
      node: 'n1',
      peer: 'tor',
      peerAddress: '192.168.0.1',
      peerAs: 64512,
      localAddress: '192.168.0.11',
      localAs: 64513,
      state: 'Established',
      bfd: 'None',
      families: ['IPv4', 'IPv6'],
      routesSent: 7,
      routesAccepted: 1,
      routesRejected: 2,
      gracefulRestart: true,
      draining: false,
      changedAt: '2026-01-01T00:00:05Z',
      lastError: '',
      conditions: [{ type: 'Established', holds: true, reason: 'Established', message: 'The session is established.' }],
    },
  ])
})

test('a session that comes up and goes down is news, each once; tries to connect are none and change no time', () => {
  const book = new SessionBook('n1')
  expect(look(book, DOWN).transitions).toEqual([])
  const [before] = look(book, { ...DOWN, phase: 'connect' }, {}, T0 + 9_000).reports
  expect(before).toMatchObject({ state: 'Connect', changedAt: '2026-01-01T00:01:00Z', lastError: 'Hold timer expired' })
  expect(look(book, UP, {}, T0 + 10_000).transitions.map(({ to }) => to)).toEqual(['established'])
  expect(look(book, UP, {}, T0 + 11_000).transitions).toEqual([])
  const lost = look(book, DOWN, {}, T0 + 20_000)
  expect(lost.transitions.map(({ to, report }) => [to, report.lastError])).toEqual([['down', 'Hold timer expired']])
  expect(lost.reports[0]?.changedAt).toBe('2026-01-01T00:01:20Z')
  expect(look(book, DOWN, {}, T0 + 30_000).transitions).toEqual([])
})

test('a session that a predecessor had is no news when it is up, but when it goes down', () => {
  const book = new SessionBook('n1', [SESSION.key])
  expect(look(book, UP).transitions).toEqual([])
  expect(look(book, DOWN).transitions.map(({ to }) => to)).toEqual(['down'])
})

test('a new session that is up at the first look is news', () => {
  expect(look(new SessionBook('n1'), UP).transitions.map(({ to }) => to)).toEqual(['established'])
})

test('a session that is shut on purpose is closed, not lost', () => {
  const book = new SessionBook('n1')
  look(book, UP)
  const { reports, transitions } = look(book, { ...DOWN, phase: 'disabled', lastError: '' }, { drain: 'closed' })
  expect(transitions.map(({ to }) => to)).toEqual(['closed'])
  expect(reports[0]).toMatchObject({ state: 'Closed', draining: true, conditions: [{ holds: false, reason: 'Drained' }] })
})

test('a finding about it is why it is not established', () => {
  const finding = {
    code: BGP_PASSWORD_SUSPECT,
    subjects: [SESSION.key],
    message: 'TCP MD5 signatures are wrong.',
    fix: '',
  }
  const news = new SessionBook('n1').look({ sessions: [SESSION], states: [DOWN], findings: [finding], nowInMs: T0 })
  expect(news.reports[0]?.conditions).toEqual([
    { type: 'Established', holds: false, reason: 'BGP_PASSWORD_SUSPECT', message: 'TCP MD5 signatures are wrong.' },
  ])
})

test('a session that is no longer wanted is forgotten, without news', () => {
  const book = new SessionBook('n1')
  look(book, UP)
  expect(book.look({ sessions: [], states: [], findings: [], nowInMs: T0 })).toEqual({ reports: [], transitions: [] })
})

test('peers of one name in two namespaces are told apart', () => {
  const other = { ...SESSION, key: 'session/other/tor' }
  const { reports } = new SessionBook('n1').look({ sessions: [SESSION, other], states: [], findings: [], nowInMs: T0 })
  expect(reports.map(({ peer }) => peer)).toEqual(['metallb-system/tor', 'other/tor'])
})
