import { expect, test } from 'vitest'
import { aBgpConfig, aPeer } from '../../../test/support/bgp-config.ts'
import { aNode } from '../../../test/support/world.ts'
import type { BgpPeer } from '../../model/bgp-config.ts'
import type { Node } from '../../model/world.ts'
import { verdictsOf } from './acceptance.ts'
import { referenceFindings, twiceFindings } from './references.ts'

const IN_RACK_B = [[{ key: 'rack', is: 'in', values: ['b'] }]] as const
const NODES = [aNode('n1'), aNode('n2', { labels: { rack: 'b' } })]
const TOR = 'bgppeer/metallb-system/tor'
const AGAIN = 'bgppeer/metallb-system/tor-again'

/** Whether each peer is accepted, and why not. */
function accepted(peers: readonly BgpPeer[], nodes: readonly Node[]): Readonly<Record<string, string>> {
  const config = aBgpConfig({ peers })
  const source = { path: '', name: '', namespace: '', uid: '', generation: 1, conditions: [] }
  const sources = new Map(peers.map(({ key }) => [`bgppeer/${key}`, source]))
  const findings = [...referenceFindings(config), ...twiceFindings(config, nodes)]
  return Object.fromEntries(
    verdictsOf({ config, sources, findings } as unknown as Parameters<typeof verdictsOf>[0]).map(({ subject, condition }) => [
      subject,
      condition.holds ? 'yes' : condition.reason,
    ]),
  )
}

test('of two peers that are one neighbour, the one that is not used is told so, and once', () => {
  const peers = [aPeer('tor-again'), aPeer('tor')]
  expect(accepted(peers, NODES)).toEqual({ [TOR]: 'yes', [AGAIN]: 'BGP_PEER_TWICE' })
  expect(twiceFindings(aBgpConfig({ peers }), NODES)).toHaveLength(1)
})

test('it is so where any node has both, and not where none has', () => {
  const peers = [aPeer('tor-again', { nodes: IN_RACK_B }), aPeer('tor')]
  expect(accepted(peers, NODES)).toMatchObject({ [AGAIN]: 'BGP_PEER_TWICE' })
  expect(accepted(peers, [aNode('n1')])).toMatchObject({ [AGAIN]: 'yes' })
})

test('two ports, or two addresses, are two neighbours', () => {
  const peers = [aPeer('tor'), aPeer('tor-again', { peerPort: 1179 }), aPeer('other', { peerAddress: '192.168.0.2' })]
  expect(Object.values(accepted(peers, NODES))).toEqual(['yes', 'yes', 'yes'])
})
