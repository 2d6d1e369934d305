/** Which endpoints flows go to: policies, endpoints that terminate, topology. One row a rule. */
import { describe, expect, it } from 'vitest'
import type { Endpoint, Service } from '../../src/model/world.ts'
import { findingLines, frontendLines, planOf } from '../support/plan.ts'
import { aNode, anEndpoint, aService, aSlice, aWorld } from '../support/world.ts'

const LEAVING = { ready: false, serving: true, terminating: true }
const GONE = { ready: false, serving: false, terminating: true }
const UNREADY = { ready: false, serving: false, terminating: false }
const here = (id: number, part: Partial<Endpoint> = {}) => anEndpoint(`10.244.1.${id}`, { node: 'n1', ...part })
const there = (id: number, part: Partial<Endpoint> = {}) => anEndpoint(`10.244.2.${id}`, { node: 'n2', ...part })

function worldOf(endpoints: readonly Endpoint[], part: Partial<Service>, zone: string) {
  const ports = [{ name: 'http', protocol: 'tcp' as const, port: 80, nodePort: 30001 }]
  return aWorld({
    services: [aService('default/web', { clusterIPs: ['10.96.0.1'], ports, ...part })],
    slices: [aSlice('default/web-x', 'default/web', { ports: [{ name: 'http', protocol: 'tcp', port: 8080 }], endpoints })],
    nodes: [aNode('n1', { addresses: ['192.168.0.1'], zone })],
  })
}

const plan = (endpoints: readonly Endpoint[], part: Partial<Service> = {}, zone = '') => planOf(worldOf(endpoints, part, zone))

/** What flows to the cluster address, from outside to the nodePort, and from this node and its pods to the nodePort meet. */
function ways(endpoints: readonly Endpoint[], part: Partial<Service> = {}, zone = ''): readonly string[] {
  const lines = new Map(frontendLines(plan(endpoints, part, zone)).map((line) => line.split(' -> ') as [string, string]))
  const outside = lines.get('node-port/ipv4/*/tcp/30001')
  return [
    lines.get('address/ipv4/10.96.0.1/tcp/80') ?? '',
    outside ?? '',
    lines.get('node-port-inside/ipv4/*/tcp/30001') ?? outside ?? '',
  ].map((text) => text.replaceAll(':8080', '').replaceAll('10.244.', ''))
}

const LOCAL = { externalPolicy: 'Local', internalPolicy: 'Local' } as const

describe('traffic policies', () => {
  it.each<[string, readonly Endpoint[], readonly [string, string, string], readonly [string, string, string]]>([
    ['one here, one there', [here(1), there(1)], ['1.1 2.1', '1.1 2.1', '1.1 2.1'], ['1.1', '1.1 (as sent)', '1.1 2.1']],
    ['one there', [there(1)], ['2.1', '2.1', '2.1'], ['drop', 'drop (as sent)', '2.1']],
    ['none at all', [], ['refuse', 'refuse', 'refuse'], ['refuse', 'refuse (as sent)', 'refuse']],
    [
      'none ready',
      [here(1, UNREADY), there(1, UNREADY)],
      ['refuse', 'refuse', 'refuse'],
      ['refuse', 'refuse (as sent)', 'refuse'],
    ],
    ['on an unknown node', [anEndpoint('10.244.9.1')], ['9.1', '9.1', '9.1'], ['drop', 'drop (as sent)', '9.1']],
    ['leaving here, ready there', [here(1, LEAVING), there(1)], ['2.1', '2.1', '2.1'], ['1.1', '1.1 (as sent)', '2.1']],
    ['leaving there, ready here', [here(1), there(1, LEAVING)], ['1.1', '1.1', '1.1'], ['1.1', '1.1 (as sent)', '1.1']],
    ['leaving here and ready here', [here(1, LEAVING), here(2)], ['1.2', '1.2', '1.2'], ['1.2', '1.2 (as sent)', '1.2']],
    [
      'all leaving',
      [here(1, LEAVING), there(1, LEAVING)],
      ['1.1 2.1', '1.1 2.1', '1.1 2.1'],
      ['1.1', '1.1 (as sent)', '1.1 2.1'],
    ],
    ['leaving there alone', [there(1, LEAVING)], ['2.1', '2.1', '2.1'], ['drop', 'drop (as sent)', '2.1']],
    ['leaving and serving no more', [here(1, GONE)], ['refuse', 'refuse', 'refuse'], ['refuse', 'refuse (as sent)', 'refuse']],
    ['twice in slices, once ready', [here(1, LEAVING), here(1)], ['1.1', '1.1', '1.1'], ['1.1', '1.1 (as sent)', '1.1']],
    // with publishNotReadyAddresses the controller says ready of every endpoint, also of one that terminates
    ['ready while terminating', [here(1, { ...GONE, ready: true })], ['1.1', '1.1', '1.1'], ['1.1', '1.1 (as sent)', '1.1']],
  ])('%s', (_, endpoints, underCluster, underLocal) => {
    expect(ways(endpoints)).toEqual(underCluster)
    expect(ways(endpoints, LOCAL)).toEqual(underLocal)
    expect(ways(endpoints, { internalPolicy: 'Local' })).toEqual([underLocal[0], underCluster[1], underCluster[2]])
    expect(ways(endpoints, { externalPolicy: 'Local' })).toEqual([underCluster[0], underLocal[1], underLocal[2]])
  })

  it('a Service has no endpoints when the cluster has none, not when this node has none', () => {
    expect(findingLines(plan([there(1)], LOCAL))).toEqual([])
    expect(findingLines(plan([here(1, UNREADY)], LOCAL))).toEqual([
      'SERVICE_WITHOUT_ENDPOINTS service/default/web: service/default/web has no ready endpoint for 80/tcp (ipv4): new connections are refused.',
    ])
  })

  it('keeps a client with its backend in every group', () => {
    expect(ways([here(1), there(1)], { ...LOCAL, affinityInSeconds: 600 })).toEqual([
      '1.1 (affinity 600 s)',
      '1.1 (as sent, affinity 600 s)',
      '1.1 2.1 (affinity 600 s)',
    ])
  })

  it('a cluster address and a nodePort without policy share their group', () => {
    const groups = [...plan([here(1)]).entries.values()].flatMap((entry) => (entry.kind === 'group' ? entry.key : []))
    expect(groups).toEqual(['default/web:http/cluster/ipv4'])
  })
})

describe('topology', () => {
  const zone = (...zones: string[]) => ({ zones })
  const node = (...nodes: string[]) => ({ nodes })
  it.each<[string, readonly Endpoint[], string]>([
    ['no hints', [here(1), there(1)], '1.1 2.1'],
    ['hints for this zone', [here(1, zone('a')), there(1, zone('b'))], '1.1'],
    ['hints for several zones', [here(1, zone('b', 'a')), there(1, zone('a'))], '1.1 2.1'],
    ['a ready endpoint without hints', [here(1, zone('a')), there(1)], '1.1 2.1'],
    ['an endpoint that is not ready needs no hints', [here(1, zone('a')), there(1, zone('b')), there(2, UNREADY)], '1.1'],
    ['no hint for this zone', [here(1, zone('c')), there(1, zone('b'))], '1.1 2.1'],
    ['hints for this node', [here(1, node('n1')), there(1, node('n2'))], '1.1'],
    [
      'hints for this node before those for its zone',
      [here(1, { ...node('n2'), ...zone('a') }), there(1, { ...node('n1'), ...zone('b') })],
      '2.1',
    ],
    [
      'none for this node, some for its zone',
      [here(1, { ...node('n2'), ...zone('a') }), there(1, { ...node('n3'), ...zone('b') })],
      '1.1',
    ],
    ['node hints in part', [here(1, { ...node('n1'), ...zone('b') }), there(1, zone('a'))], '2.1'],
    [
      'all leaving: hints do not matter',
      [here(1, { ...zone('a'), ...LEAVING }), there(1, { ...zone('b'), ...LEAVING })],
      '1.1 2.1',
    ],
  ])('%s', (_, endpoints, expected) => {
    expect(ways(endpoints, {}, 'a')).toEqual([expected, expected, expected])
  })

  it('a node whose zone is not known uses all', () => {
    expect(ways([here(1, zone('a')), there(1, zone('b'))])[0]).toBe('1.1 2.1')
  })

  it('a node that changes its zone changes its endpoints', () => {
    const world = worldOf([here(1, zone('a')), there(1, zone('b'))], {}, 'a')
    const planner = planOf(world)
    const after = aNode('n1', { addresses: ['192.168.0.1'], zone: 'b' })
    planner.update({ ...world, nodes: new Map([['n1', after]]) }, [{ kind: 'node', key: 'n1', after }])
    expect(frontendLines(planner)[0]).toBe('address/ipv4/10.96.0.1/tcp/80 -> 10.244.2.1:8080')
  })

  it('policy Local does not mind hints', () => {
    expect(ways([here(1, zone('b')), there(1, zone('a'))], LOCAL, 'a')).toEqual(['1.1', '1.1 (as sent)', '2.1'])
  })
})
