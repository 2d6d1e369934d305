import { expect, test } from 'vitest'
import { withBgp } from '../bgp-topology.ts'
import { hostNamed } from '../names.ts'
import { DEFAULT_TOPOLOGY } from '../topology.ts'
import { parseTopology } from '../topology-file/parse.ts'
import { frrConfig } from './frr-config.ts'

const BGP = withBgp(DEFAULT_TOPOLOGY)
const sessionsOf = (name: string, topology = BGP): readonly string[] =>
  frrConfig(topology, hostNamed(topology, name))
    .sessions.split('\n')
    .map((line) => line.trim())

test('the first router hears nodes of both families, and calls agg', () => {
  const lines = sessionsOf('tor')
  expect(lines).toEqual(
    expect.arrayContaining([
      'router bgp 64512',
      'bgp router-id 192.168.0.1',
      'neighbor NODES remote-as 64513',
      'bgp listen range 192.168.0.0/16 peer-group NODES',
      'bgp listen range fd00:192:168::/64 peer-group NODES',
      'neighbor 172.31.0.2 remote-as 64500',
      'neighbor fd00:172:31::2 remote-as 64500',
      'network 192.168.0.0/16',
      'network fd00:172:31::/64',
    ]),
  )
  expect(lines.filter((line) => line === 'neighbor NODES activate')).toHaveLength(2)
})

test('agg has no nodes, and says what is behind it', () => {
  const lines = sessionsOf('agg')
  expect(lines.filter((line) => line.includes('NODES'))).toEqual([])
  expect(lines).toEqual(
    expect.arrayContaining(['router bgp 64500', 'neighbor 172.31.0.1 remote-as 64512', 'network 172.30.0.0/24']),
  )
})

test('a router without IPv4 has 32 bits for a name all the same', () => {
  const topology = parseTopology('{ipFamilies: [IPv6], bgp: true, nodes: [{name: one}]}')
  for (const name of ['tor', 'agg']) {
    expect(sessionsOf(name, topology).find((line) => line.startsWith('bgp router-id'))).toMatch(/ 192\.0\.2\.\d+$/)
    expect(sessionsOf(name, topology).filter((line) => /ipv4 unicast|172\.31/.test(line))).toEqual([])
  }
})

test('a router without an AS has no sessions', () => {
  const { sessions, files } = frrConfig(DEFAULT_TOPOLOGY, hostNamed(DEFAULT_TOPOLOGY, 'tor'))
  expect(sessions.trim()).toBe('')
  expect(files.bfdd).toContain('transmit-interval 50')
})
