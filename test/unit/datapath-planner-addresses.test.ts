/** The addresses that Services answer on: external and load-balancer addresses, source ranges, nodePorts, families, Services left alone. */
import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/model/world.ts'
import type { PlannerOptions } from '../../src/plan/options.ts'
import type { Planner } from '../../src/plan/planner.ts'
import { findingLines, frontendLines, keysOf, planOf } from '../support/plan.ts'
import { aNode, anEndpoint, aService, aSlice, aWorld } from '../support/world.ts'

const PORTS = [{ name: 'http', protocol: 'tcp' as const, port: 80, nodePort: 0 }]
const ALLOW: PlannerOptions = { externalIPs: ['203.0.113.0/24', '192.168.0.0/16', 'fd00:1::/64'] }

function plan(part: Partial<Service>, options: PlannerOptions = {}): Planner {
  const ports = [{ name: 'http', protocol: 'tcp' as const, port: 8080 }]
  return planOf(
    aWorld({
      services: [aService('default/web', { type: 'LoadBalancer', clusterIPs: ['10.96.0.1'], ports: PORTS, ...part })],
      slices: [
        aSlice('default/web-4', 'default/web', { ports, endpoints: [anEndpoint('10.244.2.1', { node: 'n2' })] }),
        aSlice('default/web-6', 'default/web', { ports, family: 'ipv6', endpoints: [anEndpoint('fd00:244::1', { node: 'n2' })] }),
      ],
      nodes: [
        aNode('n1', { addresses: ['192.168.0.1', '192.168.0.11', 'fd00::1'] }),
        aNode('n2', { addresses: ['192.168.0.2'] }),
      ],
    }),
    options,
  )
}

const DUAL = { clusterIPs: ['10.96.0.1', 'fd00:96::1'], families: ['ipv4', 'ipv6'] } as const

describe('external addresses', () => {
  it('are served when they are allowed, as Service addresses', () => {
    const planner = plan({ externalIPs: ['203.0.113.1'] }, ALLOW)
    expect(frontendLines(planner)).toEqual([
      'address/ipv4/10.96.0.1/tcp/80 -> 10.244.2.1:8080',
      'address/ipv4/203.0.113.1/tcp/80 -> 10.244.2.1:8080',
    ])
    expect(keysOf(planner, 'service-address')).toEqual(['service-address/10.96.0.1', 'service-address/203.0.113.1'])
    expect(findingLines(planner)).toEqual([])
  })

  it.each([
    undefined,
    { externalIPs: [] },
    { externalIPs: ['203.0.114.0/24'] },
  ])('are not served when they are not: %j', (options) => {
    const planner = plan({ type: 'ClusterIP', externalIPs: ['203.0.113.1'] }, options)
    expect(frontendLines(planner)).toHaveLength(1)
    expect(keysOf(planner, 'service-address')).toEqual(['service-address/10.96.0.1'])
    expect(findingLines(planner)).toEqual([
      'EXTERNAL_IP_NOT_ALLOWED service/default/web: service/default/web asks for externalIPs that are not allowed: 203.0.113.1; they are not served.',
    ])
  })

  it('keep to the external policy, also of a Service of type ClusterIP', () => {
    expect(frontendLines(plan({ type: 'ClusterIP', externalPolicy: 'Local', externalIPs: ['203.0.113.1'] }, ALLOW))).toEqual([
      'address-inside/ipv4/203.0.113.1/tcp/80 -> 10.244.2.1:8080',
      'address/ipv4/10.96.0.1/tcp/80 -> 10.244.2.1:8080',
      'address/ipv4/203.0.113.1/tcp/80 -> drop (as sent)',
    ])
  })

  it.each(['192.168.0.1', '192.168.0.2'])('that are the address of a node leave its other ports alone: %s', (address) => {
    for (const part of [{ externalIPs: [address] }, { loadBalancerIPs: [address] }]) {
      const planner = plan(part, ALLOW)
      expect(frontendLines(planner)).toContain(`address/ipv4/${address}/tcp/80 -> 10.244.2.1:8080`)
      expect(keysOf(planner, 'service-address')).toEqual(['service-address/10.96.0.1'])
    }
  })

  it('of a family that the Service does not serve are found', () => {
    const planner = plan({ externalIPs: ['fd00:1::1'], loadBalancerIPs: ['fd00:2::1'] }, ALLOW)
    expect(frontendLines(planner)).toHaveLength(1)
    expect(findingLines(planner)).toEqual([
      'SERVICE_FAMILY_MISSING service/default/web: service/default/web has no cluster address of the family of fd00:1::1, fd00:2::1, so that it is not served there.',
    ])
  })
})

describe('load-balancer addresses', () => {
  it('are served in both families, without nodePorts too', () => {
    expect(frontendLines(plan({ ...DUAL, loadBalancerIPs: ['192.168.9.1', 'fd00:9::1'] }))).toEqual([
      'address/ipv4/10.96.0.1/tcp/80 -> 10.244.2.1:8080',
      'address/ipv4/192.168.9.1/tcp/80 -> 10.244.2.1:8080',
      'address/ipv6/fd00:96::1/tcp/80 -> fd00:244::1:8080',
      'address/ipv6/fd00:9::1/tcp/80 -> fd00:244::1:8080',
    ])
  })

  it('let source ranges in alone, which bind nothing else', () => {
    const ports = [{ name: 'http', protocol: 'tcp' as const, port: 80, nodePort: 30001 }]
    const sourceRanges = ['192.168.1.0/24', '10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8']
    const planner = plan({ ports, loadBalancerIPs: ['192.168.9.1'], externalIPs: ['203.0.113.1'], sourceRanges }, ALLOW)
    expect(frontendLines(planner)).toEqual([
      'address/ipv4/10.96.0.1/tcp/80 -> 10.244.2.1:8080',
      'address/ipv4/192.168.9.1/tcp/80 -> 10.244.2.1:8080 (from 10.0.0.0/8 192.168.1.0/24)',
      'address/ipv4/203.0.113.1/tcp/80 -> 10.244.2.1:8080',
      'node-port/ipv4/*/tcp/30001 -> 10.244.2.1:8080',
    ])
  })

  it('with ranges under policy Local: this node and its pods must be in them, too', () => {
    const part = { loadBalancerIPs: ['192.168.9.1'], sourceRanges: ['10.0.0.0/8'], externalPolicy: 'Local' } as const
    expect(frontendLines(plan(part))).toEqual([
      'address-inside/ipv4/192.168.9.1/tcp/80 -> 10.244.2.1:8080 (from 10.0.0.0/8)',
      'address/ipv4/10.96.0.1/tcp/80 -> 10.244.2.1:8080',
      'address/ipv4/192.168.9.1/tcp/80 -> drop (as sent, from 10.0.0.0/8)',
    ])
  })

  it('ranges that let the node in let it in by the address itself, too', () => {
    const part = { loadBalancerIPs: ['203.0.113.9'], sourceRanges: ['192.168.0.0/24'] } as const
    expect(frontendLines(plan(part))).toContain(
      'address/ipv4/203.0.113.9/tcp/80 -> 10.244.2.1:8080 (from 192.168.0.0/24 203.0.113.9/32)',
    )
  })

  it('ranges of one family close the other', () => {
    const planner = plan({ ...DUAL, loadBalancerIPs: ['192.168.9.1', 'fd00:9::1'], sourceRanges: ['10.0.0.0/8'] })
    expect(frontendLines(planner)).toContain('address/ipv6/fd00:9::1/tcp/80 -> drop')
    expect(findingLines(planner)).toEqual([
      'SERVICE_RANGES_ONE_FAMILY service/default/web: service/default/web has loadBalancerSourceRanges that name no range of the family of fd00:9::1, so that nobody can reach it there.',
    ])
  })

  it('a range that is everybody is none', () => {
    expect(frontendLines(plan({ loadBalancerIPs: ['192.168.9.1'], sourceRanges: ['10.0.0.0/8', '0.0.0.0/0'] }))).toContain(
      'address/ipv4/192.168.9.1/tcp/80 -> 10.244.2.1:8080',
    )
  })

  it('an address that is an externalIP, too, keeps its ranges', () => {
    const part = { loadBalancerIPs: ['203.0.113.1'], externalIPs: ['203.0.113.1'], sourceRanges: ['10.0.0.0/8'] }
    expect(frontendLines(plan(part, ALLOW))).toContain('address/ipv4/203.0.113.1/tcp/80 -> 10.244.2.1:8080 (from 10.0.0.0/8)')
  })
})

describe('nodePorts', () => {
  it.each<[PlannerOptions, readonly string[]]>([
    [{}, ['192.168.0.1', '192.168.0.11', 'fd00::1']],
    [{ nodePortAddresses: 'primary' }, ['192.168.0.1', 'fd00::1']],
    [{ nodePortAddresses: ['192.168.0.8/29'] }, ['192.168.0.11']],
    [{ nodePortAddresses: ['192.168.0.0/16', '::/0'] }, ['192.168.0.1', '192.168.0.11', 'fd00::1']],
    [{ nodePortAddresses: ['10.0.0.0/8'] }, []],
  ])('answer on chosen addresses: %j', (options, addresses) => {
    expect(keysOf(plan({}, options), 'node-address')).toEqual(addresses.map((address) => `node-address/${address}`))
  })

  it('answer in ranges, none of which lies in another, whatever the Node object has', () => {
    const ranges = (nodePortAddresses: PlannerOptions['nodePortAddresses']) =>
      keysOf(plan({}, { nodePortAddresses }), 'node-range')
    expect(ranges(undefined)).toEqual([])
    expect(ranges('primary')).toEqual([])
    expect(ranges(['10.1.0.0/16', '10.0.0.0/8', '198.51.100.7/32', '::/0', 'fd00::/8'])).toEqual([
      'node-range/10.0.0.0/8',
      'node-range/198.51.100.7/32',
      'node-range/::/0',
    ])
  })

  it('are those of each family of the Service', () => {
    const ports = [
      { name: 'a', protocol: 'tcp' as const, port: 53, nodePort: 30053 },
      { name: 'b', protocol: 'udp' as const, port: 53, nodePort: 30053 },
      { name: 'c', protocol: 'sctp' as const, port: 53, nodePort: 0 },
    ]
    expect(keysOf(plan({ ...DUAL, ports, type: 'NodePort' }), 'frontend').filter((key) => key.startsWith('node-port'))).toEqual([
      'node-port/ipv4/*/tcp/30053',
      'node-port/ipv4/*/udp/30053',
      'node-port/ipv6/*/tcp/30053',
      'node-port/ipv6/*/udp/30053',
    ])
  })
})

describe('what is left alone', () => {
  it.each<[string, Partial<Service>]>([
    ['headless', { clusterIPs: [] }],
    ['ExternalName', { type: 'ExternalName' }],
    ['labelled for others', { leftAlone: true }],
  ])('%s', (_, part) => {
    const ports = [{ name: 'http', protocol: 'tcp' as const, port: 80, nodePort: 30001 }]
    const all = { ports, loadBalancerIPs: ['192.168.9.1'], externalIPs: ['203.0.113.1', '8.8.8.8'], healthCheckNodePort: 31000 }
    const planner = plan({ ...all, externalPolicy: 'Local', ...part }, ALLOW)
    expect([keysOf(planner, 'frontend'), keysOf(planner, 'group'), keysOf(planner, 'service-address')]).toEqual([[], [], []])
    expect([findingLines(planner), [...planner.healthChecks]]).toEqual([[], []])
  })
})
