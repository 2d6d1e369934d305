import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aPeer } from '../../test/support/bgp-config.ts'
import type { PeerOutline, SessionReport } from '../model/session-report.ts'
import type { Node } from '../model/world.ts'
import { type BgpPeersInput, bgpPeers } from './bgp-peers.ts'
import { byNames } from './order.ts'

function node(name: string, ready = true, labels: Readonly<Record<string, string>> = {}): Node {
  return {
    name,
    addresses: [],
    podCIDRs: [],
    labels,
    zone: '',
    ready,
    unschedulable: false,
    networkUnavailable: false,
    leaving: false,
  }
}

/** Peers of one address and port are one neighbour; these are none. */
function portOf(key: string): number {
  return [...key].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 60_000, 0) + 1
}

function peer(namespace: string, name: string, more: Partial<PeerOutline> = {}): PeerOutline {
  const base = { namespace, name, address: '192.0.2.1', asn: '64512', nodes: [], findings: [], conditions: [] }
  const key = `${namespace}/${name}`
  const usable = aPeer(name, { key, nodes: more.nodes ?? [], peerAddress: more.address ?? '192.0.2.1', peerPort: portOf(key) })
  return { key, ...base, usable, ...more }
}

function report(of: string, on: string, more: Partial<SessionReport> = {}): SessionReport {
  return {
    ...{ node: on, peer: of, peerAddress: '192.0.2.1', peerAs: 64_512, localAddress: '', localAs: 0, state: 'Established' },
    ...{
      bfd: 'None',
      families: [],
      routesSent: 0,
      routesAccepted: 0,
      routesRejected: 0,
      gracefulRestart: false,
      draining: false,
    },
    ...{ changedAt: '', lastError: '', conditions: [], ...more },
  }
}

function input(peers: readonly PeerOutline[], reports: readonly SessionReport[], nodes: readonly Node[]): BgpPeersInput {
  return {
    peers: new Map(peers.map((one) => [one.key, one])),
    reports: new Map(reports.map((one, at) => [String(at), one])),
    nodes: new Map(nodes.map((one) => [one.name, one])),
    bfdProfiles: new Map(),
  }
}

test('a report names its peer with or without the namespace, and is of one peer alone', () => {
  const { rows } = bgpPeers(
    input([peer('a', 'tor'), peer('b', 'tor')], [report('b/tor', 'n', { state: 'Idle' }), report('tor', 'n')], [node('n')]),
  )
  expect(rows).toMatchObject([
    { namespace: 'a', peer: 'tor', state: 'Established' },
    { namespace: 'b', peer: 'tor', state: 'Idle' },
  ])
})

test('what several nodes have in common is said once, with all of them', () => {
  const down = { state: 'Connect', lastError: 'Connection refused.' }
  const reports = ['n10', 'n2'].map((name) => report('tor', name, down))
  const { findings } = bgpPeers(input([peer('m', 'tor')], reports, [node('n10'), node('n2')]))
  expect(findings).toMatchObject([
    {
      code: { code: 'FW0507' },
      subjects: ['bgppeer/m/tor', 'node/n10', 'node/n2'],
      message: 'The session with tor (192.0.2.1, AS 64512) is not established on n2, n10: "Connection refused".',
    },
  ])
})

test.each([
  ['a node that is not Ready', [node('n', false)], [], 'unreported', 'FW0550'],
  ['a node that is not Ready and had a session', [node('n', false)], [report('tor', 'n')], 'stale', 'FW0551'],
  ['a session of a node that is gone', [node('n')], [report('tor', 'n'), report('tor', 'gone')], 'stale', 'FW0551'],
  ['no node at all', [], [], 'without-node', 'FW0552'],
])('%s', (_, nodes, reports, problem, code) => {
  const { rows, findings } = bgpPeers(input([peer('m', 'tor')], reports, nodes))
  expect(rows.map((row) => row.problem).filter(Boolean)).toEqual([problem])
  expect(findings.map((finding) => finding.code.code)).toEqual([code])
})

test('a peer that agents refuse has their reason; a coded one its code', () => {
  const refusal = { type: 'Accepted', holds: false, reason: 'Odd', message: 'The address is our own.' }
  const view = (reason: string) => bgpPeers(input([peer('m', 'tor', { conditions: [{ ...refusal, reason }] })], [], [node('n')]))
  expect(view('Odd').findings).toMatchObject([
    { code: { code: 'FW0505' }, message: expect.stringContaining('The address is our own.') },
  ])
  expect(view('BGP_PORT_TAKEN').findings).toMatchObject([{ code: { code: 'FW0506' } }])
})

test('drained and closed sessions are no findings', () => {
  const reports = [report('tor', 'a', { draining: true }), report('tor', 'b', { state: 'Closed' })]
  const { rows, findings } = bgpPeers(input([peer('m', 'tor')], reports, [node('a'), node('b')]))
  expect(rows.map(({ health }) => health)).toEqual(['off', 'off'])
  expect(findings).toEqual([])
})

test('the order of what comes in never matters', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'n2', 'n10', 'n1'), { minLength: 1 })
  const states = fc.constantFrom('Established', 'Connect', 'Closed', '')
  const world = fc.record({ peers: names, nodes: names, state: states, picked: fc.array(fc.tuple(fc.nat(4), fc.nat(4))) })
  fc.assert(
    fc.property(world, fc.infiniteStream(fc.nat(9)), ({ peers, nodes, state, picked }, shuffle) => {
      const reports = picked.map(([of, on]) => report(peers[of] ?? 'other', nodes[on] ?? 'other', { state }))
      const unique = [...new Map(reports.map((one) => [`${one.peer} ${one.node}`, one])).values()]
      const shuffled = <T>(list: readonly T[]) =>
        list
          .map((one) => [one, shuffle.next().value ?? 0] as const)
          .toSorted((a, b) => a[1] - b[1])
          .map(([one]) => one)
      const outlines = peers.map((name) => peer('m', name))
      const there = nodes.map((name) => node(name))
      const view = bgpPeers(input(outlines, unique, there))
      expect(bgpPeers(input(shuffled(outlines), shuffled(unique), shuffled(there)))).toEqual(view)
      expect(view.rows).toHaveLength(new Set(view.rows.map((row) => `${row.peer} ${row.node}`)).size)
    }),
  )
})

test('numbers in names stand by their value, and no two names are alike', () => {
  const names = ['node-10', 'node-2', 'node-02', 'node-1']
  expect(names.toSorted(byNames((name) => [name]))).toEqual(['node-1', 'node-02', 'node-2', 'node-10'])
})

test('an established session that BFD does not see is in use, and told', () => {
  const { rows, findings } = bgpPeers(input([peer('m', 'tor')], [report('tor', 'n', { bfd: 'Down' })], [node('n')]))
  expect(rows).toMatchObject([{ health: 'degraded', reason: 'BFD is Down' }])
  expect(findings).toMatchObject([{ code: { code: 'FW0560' } }])
})

test("what the agent found is said in its words, but that a session is down in those of the row's", () => {
  const condition = (reason: string) => ({ type: 'Established', holds: false, reason, message: 'The BGP session tor is odd.' })
  const view = (reason: string) =>
    bgpPeers(input([peer('m', 'tor')], [report('tor', 'n', { state: 'Active', conditions: [condition(reason)] })], [node('n')]))
  expect(view('BGP_PASSWORD_SUSPECT').findings).toMatchObject([
    { code: { code: 'FW0508' }, message: 'On n: The BGP session tor is odd.' },
  ])
  expect(view('BGP_SESSION_DOWN').findings).toMatchObject([
    { code: { code: 'FW0507' }, message: 'The session with tor (192.0.2.1, AS 64512) is not established on n.' },
  ])
  expect(view('Connecting').findings).toMatchObject([{ code: { code: 'FW0507' } }])
})
