/** One reservation of ports for a node: who asks for what, who has it, who is told. */
import { describe, expect, it } from 'vitest'
import type { HostPort, Pod, Service } from '../../src/model/world.ts'
import { findingLines, frontendLines, keysOf, planOf } from '../support/plan.ts'
import { aNode, anEndpoint, aPod, aService, aSlice, aWorld } from '../support/world.ts'

const NODE = aNode('n1', { addresses: ['192.168.0.1'], podCIDRs: ['10.244.1.0/24'] })
const OTHER = aNode('n2', { addresses: ['192.168.0.2'] })
const ALLOW = { externalIPs: ['0.0.0.0/0'] }

const service = (name: string, createdAtInMs: number, part: Partial<Service> = {}): Service =>
  aService(`default/${name}`, {
    type: 'LoadBalancer',
    clusterIPs: [`10.96.0.${name.charCodeAt(0)}`],
    ports: [{ name: '', protocol: 'tcp', port: 80, nodePort: 0 }],
    createdAtInMs,
    ...part,
  })
const slice = (name: string) =>
  aSlice(`default/${name}-x`, `default/${name}`, {
    ports: [{ name: '', protocol: 'tcp', port: 8080 }],
    endpoints: [anEndpoint(`10.244.2.${name.charCodeAt(0)}`, { node: 'n1' })],
  })
const pod = (name: string, createdAtInMs: number, hostPort: number, part: Partial<Pod> = {}): Pod => {
  const port: HostPort = { hostIP: '', hostPort, containerPort: 8080, protocol: 'tcp' }
  return aPod(`default/${name}`, 'n1', { addresses: ['10.244.1.9'], hostPorts: [port], createdAtInMs, ...part })
}

function plan(services: readonly Service[], pods: readonly Pod[] = []) {
  const slices = services.map(({ key }) => slice(key.replace('default/', '')))
  return planOf(aWorld({ services, slices, pods, nodes: [NODE, OTHER] }), ALLOW)
}

const clash = (loser: string, asks: string, winner: string, has: string) => {
  const subjects = [loser, winner].toSorted().join(', ')
  return `PORT_CLASH ${subjects}: ${loser} asks for ${asks}, which ${winner} already has (${has}); the older one is served.`
}

describe('an address that two Services ask for', () => {
  it.each<[string, Partial<Service>, Partial<Service>, string, string]>([
    [
      'as load-balancer addresses',
      { loadBalancerIPs: ['192.168.9.1'] },
      { loadBalancerIPs: ['192.168.9.1'] },
      'load-balancer address 192.168.9.1 port 80/tcp',
      'load-balancer address 192.168.9.1 port 80/tcp',
    ],
    [
      'as an externalIP and a load-balancer address',
      { externalIPs: ['192.168.9.1'] },
      { loadBalancerIPs: ['192.168.9.1'] },
      'load-balancer address 192.168.9.1 port 80/tcp',
      'externalIP 192.168.9.1 port 80/tcp',
    ],
    [
      'as a cluster address and an externalIP',
      { clusterIPs: ['10.96.0.97'] },
      { externalIPs: ['10.96.0.97'] },
      'externalIP 10.96.0.97 port 80/tcp',
      '10.96.0.97 port 80/tcp',
    ],
  ])('%s is the older one’s', (_, older, younger, asks, has) => {
    const planner = plan([service('b', 2, younger), service('a', 1, older)])
    const address = [...(older.loadBalancerIPs ?? []), ...(older.externalIPs ?? []), ...(older.clusterIPs ?? [])][0]
    expect(frontendLines(planner)).toContain(`address/ipv4/${address}/tcp/80 -> 10.244.2.97:8080`)
    expect(frontendLines(planner)).toContain('address/ipv4/10.96.0.98/tcp/80 -> 10.244.2.98:8080')
    expect(findingLines(planner)).toEqual([clash('service/default/b', asks, 'service/default/a', has)])
  })

  it('in another way is told as such to the one who does not have it', () => {
    const [before, after] = [
      service('a', 1, { externalIPs: ['192.168.9.1'] }),
      service('a', 1, { loadBalancerIPs: ['192.168.9.1'] }),
    ]
    const younger = service('b', 2, { loadBalancerIPs: ['192.168.9.1'] })
    const planner = planOf(aWorld({ services: [before, younger], slices: [slice('a'), slice('b')] }), ALLOW)
    const world = aWorld({ services: [after, younger], slices: [slice('a'), slice('b')] })
    planner.update(world, [{ kind: 'service', key: 'default/a', before, after }])
    const text = 'load-balancer address 192.168.9.1 port 80/tcp'
    expect(findingLines(planner)).toEqual([clash('service/default/b', text, 'service/default/a', text)])
  })

  it('on different ports or by different protocols is shared', () => {
    const part = { loadBalancerIPs: ['192.168.9.1'] }
    const planner = plan([
      service('a', 1, part),
      service('b', 2, { ...part, ports: [{ name: '', protocol: 'tcp', port: 81, nodePort: 0 }] }),
      service('c', 3, { ...part, ports: [{ name: '', protocol: 'udp', port: 80, nodePort: 0 }] }),
    ])
    expect(keysOf(planner, 'frontend').filter((key) => key.includes('192.168.9.1'))).toHaveLength(3)
    expect(findingLines(planner).filter((line) => line.startsWith('PORT_CLASH'))).toEqual([])
  })
})

describe('a port of the node', () => {
  const nodePort = [{ name: '', protocol: 'tcp' as const, port: 80, nodePort: 30001 }]
  it('that a hostPort and an externalIP of the node ask for is the older one’s', () => {
    const planner = plan([service('a', 1, { externalIPs: ['192.168.0.1'] })], [pod('p', 2, 80)])
    expect(keysOf(planner, 'frontend')).toEqual(['address/ipv4/10.96.0.97/tcp/80', 'address/ipv4/192.168.0.1/tcp/80'])
    expect(findingLines(planner)).toEqual([
      clash('pod/default/p', 'hostPort 80/tcp', 'service/default/a', 'externalIP 192.168.0.1 port 80/tcp'),
    ])
    const reverse = plan([service('a', 2, { externalIPs: ['192.168.0.1'] })], [pod('p', 1, 80)])
    expect(keysOf(reverse, 'frontend')).toEqual(['address/ipv4/10.96.0.97/tcp/80', 'host-port/ipv4/*/tcp/80'])
  })

  it('is not asked for by an externalIP of another node', () => {
    const planner = plan([service('a', 1, { externalIPs: ['192.168.0.2'] })], [pod('p', 2, 80)])
    expect(findingLines(planner)).toEqual([])
    expect(keysOf(planner, 'frontend')).toHaveLength(3)
  })

  it('that a pod on the host’s network holds is not a nodePort', () => {
    const part = { hostNetwork: true, addresses: ['192.168.0.1'] }
    const planner = plan([service('a', 2, { ports: nodePort })], [pod('p', 1, 30001, part)])
    expect(keysOf(planner, 'frontend')).toEqual(['address/ipv4/10.96.0.97/tcp/80'])
    expect(findingLines(planner)).toEqual([
      clash('service/default/a', 'nodePort 30001/tcp', 'pod/default/p', 'hostPort 30001/tcp'),
    ])
    const late = plan([service('a', 1, { ports: nodePort })], [pod('p', 2, 30001, part)])
    expect(keysOf(late, 'frontend')).toContain('node-port/ipv4/*/tcp/30001')
    expect(findingLines(late)).toEqual([clash('pod/default/p', 'hostPort 30001/tcp', 'service/default/a', 'nodePort 30001/tcp')])
  })

  it.each([
    ['127.0.0.1', false],
    ['192.168.0.1', true],
    ['192.168.0.77', false],
    ['', true],
  ])('is a nodePort’s where the node answers nodePorts: hostIP %j meets one: %s', (hostIP, meets) => {
    const hostPorts: readonly HostPort[] = [{ hostIP, hostPort: 30001, containerPort: 8080, protocol: 'tcp' }]
    const planner = plan([service('a', 1, { ports: nodePort })], [pod('p', 2, 30001, { hostPorts })])
    expect(findingLines(planner)).toHaveLength(meets ? 1 : 0)
    expect(keysOf(planner, 'frontend').filter((key) => key.startsWith('host'))).toHaveLength(meets ? 0 : 1)
  })

  it('is no nodePort’s on a node that answers none', () => {
    const services = [service('a', 1, { ports: nodePort })]
    const world = aWorld({ services, slices: [slice('a')], pods: [pod('p', 2, 30001)], nodes: [NODE] })
    const planner = planOf(world, { nodePortAddresses: ['fd00::/8'] })
    expect([findingLines(planner), keysOf(planner, 'frontend').includes('host-port/ipv4/*/tcp/30001')]).toEqual([[], true])
    expect(findingLines(planOf(world))).toHaveLength(1)
  })

  it('is no nodePort’s before the node is known, whatever ranges were chosen', () => {
    const nodePortAddresses = ['0.0.0.0/0']
    const objects = { services: [service('a', 1, { ports: nodePort })], slices: [slice('a')], pods: [pod('p', 2, 30001)] }
    const planner = planOf(aWorld(objects), { nodePortAddresses })
    expect([findingLines(planner), keysOf(planner, 'frontend').includes('host-port/ipv4/*/tcp/30001')]).toEqual([[], true])
    planner.update(aWorld({ ...objects, nodes: [NODE] }), [{ kind: 'node', key: 'n1', after: NODE }])
    expect(findingLines(planner)).toHaveLength(1)
  })

  it('is free again when the address leaves the node', () => {
    const services = [service('a', 1, { externalIPs: ['192.168.0.1'] })]
    const moved = aNode('n1', { ...NODE, addresses: ['192.168.0.9'] })
    const planner = planOf(aWorld({ services, pods: [pod('p', 2, 80)], nodes: [NODE] }), ALLOW)
    expect(keysOf(planner, 'frontend')).not.toContain('host-port/ipv4/*/tcp/80')
    const world = aWorld({ services, pods: [pod('p', 2, 80)], nodes: [moved] })
    planner.update(world, [{ kind: 'node', key: 'n1', before: NODE, after: moved }])
    expect(keysOf(planner, 'frontend')).toContain('host-port/ipv4/*/tcp/80')
    expect(keysOf(planner, 'service-address')).toContain('service-address/192.168.0.1')
  })
})

describe('a health check', () => {
  const checked = { externalPolicy: 'Local', healthCheckNodePort: 31000 } as const
  const check = (part: Partial<Service>, pods: readonly Pod[] = []) => [
    ...plan([service('a', 2, { ...checked, ...part })], pods).healthChecks,
  ]

  it('counts ready endpoints here, each pod once', () => {
    expect(check({})).toEqual([['default/a', { service: 'default/a', port: 31000, localEndpoints: 1 }]])
    const endpoints = [
      anEndpoint('10.244.1.1', { node: 'n1' }),
      anEndpoint('10.244.1.1', { node: 'n1' }),
      anEndpoint('10.244.1.2', { node: 'n1', ready: false, terminating: true }),
      anEndpoint('10.244.2.1', { node: 'n2' }),
      anEndpoint('10.244.3.1'),
    ]
    const ports = [{ name: '', protocol: 'tcp' as const, port: 8080 }]
    const dual = { ...checked, clusterIPs: ['10.96.0.1', 'fd00:96::1'], families: ['ipv4', 'ipv6'] } as const
    const slices = [
      aSlice('default/a-1', 'default/a', { ports, endpoints }),
      aSlice('default/a-2', 'default/a', { ports, endpoints: endpoints.slice(0, 1) }),
      aSlice('default/a-3', 'default/a', { ports, family: 'ipv6', endpoints: [anEndpoint('fd00:244:1::1', { node: 'n1' })] }),
    ]
    const planner = planOf(aWorld({ services: [service('a', 1, dual)], slices, nodes: [NODE] }))
    expect(planner.healthChecks.get('default/a')?.localEndpoints).toBe(1)
  })

  it('is of load balancers under policy Local alone, and ends with them', () => {
    expect(check({ externalPolicy: 'Cluster' })).toEqual([])
    expect(check({ type: 'NodePort' })).toEqual([])
    expect(check({ healthCheckNodePort: 0 })).toEqual([])
    const planner = plan([service('a', 1, checked)])
    expect(planner.healthChecks.size).toBe(1)
    planner.update(aWorld({ nodes: [NODE] }), [{ kind: 'service', key: 'default/a' }])
    expect(planner.healthChecks.size).toBe(0)
  })

  it('leaves a port that an older pod has', () => {
    const pods = [pod('p', 1, 31000)]
    expect(check({}, pods)).toEqual([])
    expect(findingLines(plan([service('a', 2, checked)], pods))).toEqual([
      clash('service/default/a', 'healthCheckNodePort 31000/tcp', 'pod/default/p', 'hostPort 31000/tcp'),
    ])
    expect(check({ createdAtInMs: 0 }, pods)).toHaveLength(1)
    expect(keysOf(plan([service('a', 0, checked)], pods), 'frontend')).toEqual(['address/ipv4/10.96.0.97/tcp/80'])
  })
})
