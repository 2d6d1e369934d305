/** What happens to a cluster one thing after the other: ports and addresses that change hands, as packets see them. */
import { describe, expect, it } from 'vitest'
import { FakeNftables } from '../../src/engine/nftables/fake.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import type { DataPathEntry } from '../../src/model/datapath.ts'
import type { Endpoint, Service, World } from '../../src/model/world.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { everyTrace, fakeEngine, tracersOf } from '../support/datapath.ts'
import { aNode, anEndpoint, aPod, aService, aSlice, aWorld, type Objects } from '../support/world.ts'

const NODE = aNode('n1', { addresses: ['192.168.0.1'], podCIDRs: ['10.244.1.0/24'] })
const MOVED = aNode('n1', { addresses: ['192.168.0.9'], podCIDRs: ['10.244.1.0/24'] })

const service = (name: string, id: number, part: Partial<Service> = {}): Service => {
  const ports = [{ name: '', protocol: 'tcp' as const, port: 80, nodePort: 30001 }]
  return aService(`default/${name}`, { clusterIPs: [`10.96.0.${id}`], ports, createdAtInMs: id, ...part })
}
const slice = (name: string, ...addresses: string[]) =>
  aSlice(`default/${name}-x`, `default/${name}`, {
    ports: [{ name: '', protocol: 'tcp', port: 8080 }],
    endpoints: addresses.map((address) => anEndpoint(address)),
  })
const hostPortPod = (name: string, address: string) =>
  aPod(`default/${name}`, 'n1', {
    addresses: [address],
    hostPorts: [{ hostIP: '', hostPort: 8000, containerPort: 80, protocol: 'tcp' }],
  })

/** Leads one node through worlds, each a step; `ask` says what then becomes of a packet from outside. */
class History {
  private readonly fake = new FakeNftables()
  private readonly planner = createPlanner('n1', { externalIPs: ['203.0.113.0/24', '192.168.0.0/16'] })
  private readonly loop = createReconciler<DataPathEntry>({ engine: fakeEngine(this.fake) })
  private world: World = aWorld({})
  private local: readonly string[] = []

  async become(objects: Objects): Promise<void> {
    this.want(objects)
    await this.loop.settled()
  }

  /** As `become`, without waiting for the kernel. */
  want(objects: Objects): void {
    const before = this.world
    this.world = aWorld({ nodes: [NODE], ...objects })
    this.local = [...this.world.nodes.values()].flatMap(({ addresses }) => addresses)
    this.loop.want(this.planner.update(this.world, [...changesOf(before), ...changesOf(this.world)]))
  }

  settled(): Promise<void> {
    return this.loop.settled()
  }

  async ask(to: string, port: number): Promise<string> {
    const { ipv4 } = await tracersOf(this.fake)
    const packet = {
      family: 'ipv4',
      protocol: 'tcp',
      from: '192.168.0.200',
      fromPort: 40_000,
      to,
      port,
      interface: 'eth0',
    } as const
    const traces = everyTrace(ipv4, packet, (address) => this.local.includes(address))
    return traces.map((one) => (one.translated ? `${one.to}:${one.port}` : one.outcome)).join(' ')
  }
}

describe('a nodePort', () => {
  const [a, b] = [slice('a', '10.244.4.1'), slice('b', '10.244.4.2')]

  it('that another Service takes right after a deletion is the new one’s, in one step or in two', async () => {
    for (const between of [[], [{ slices: [b] }]]) {
      const history = new History()
      await history.become({ services: [service('a', 1)], slices: [a, b] })
      expect(await history.ask('192.168.0.1', 30001)).toBe('10.244.4.1:8080')
      for (const step of between) await history.become(step)
      await history.become({ services: [service('b', 2)], slices: [b] })
      expect(await history.ask('192.168.0.1', 30001)).toBe('10.244.4.2:8080')
      expect(await history.ask('10.96.0.1', 80)).toBe('forward')
    }
  })

  it('that two ask for stays with the older one, whichever an agent hears of first, and goes to the other with it', async () => {
    for (const services of [
      [service('a', 1), service('b', 2)],
      [service('b', 2), service('a', 1)],
    ]) {
      const history = new History()
      for (const [index] of services.entries()) await history.become({ services: services.slice(0, index + 1), slices: [a, b] })
      expect(await history.ask('192.168.0.1', 30001)).toBe('10.244.4.1:8080')
      await history.become({ services: [service('b', 2)], slices: [a, b] })
      expect(await history.ask('192.168.0.1', 30001)).toBe('10.244.4.2:8080')
    }
  })

  it('goes and comes with the type of its Service, while the cluster address stays', async () => {
    const history = new History()
    for (const [type, answer] of [
      ['NodePort', '10.244.4.1:8080'],
      ['ClusterIP', 'local'],
      ['LoadBalancer', '10.244.4.1:8080'],
    ] as const) {
      await history.become({ services: [service('a', 1, { type })], slices: [a] })
      expect(await history.ask('192.168.0.1', 30001)).toBe(answer)
      expect(await history.ask('10.96.0.1', 80)).toBe('10.244.4.1:8080')
    }
    await history.become({ services: [service('a', 1, { type: 'ExternalName', clusterIPs: [] })], slices: [a] })
    expect(await history.ask('10.96.0.1', 80)).toBe('forward')
  })

  it('follows the node’s address', async () => {
    const history = new History()
    await history.become({ services: [service('a', 1)], slices: [a] })
    await history.become({ services: [service('a', 1)], slices: [a], nodes: [MOVED] })
    expect(await history.ask('192.168.0.9', 30001)).toBe('10.244.4.1:8080')
    expect(await history.ask('192.168.0.1', 30001)).toBe('forward')
  })

  it('has the last of endpoints that come and go faster than the kernel is told', async () => {
    const history = new History()
    await history.become({ services: [service('a', 1)], slices: [a] })
    for (const addresses of [[], ['10.244.4.1'], [], ['10.244.4.7', '10.244.4.1'], ['10.244.4.7']]) {
      history.want({ services: [service('a', 1)], slices: [slice('a', ...addresses)] })
      await Promise.resolve()
    }
    await history.settled()
    expect(await history.ask('192.168.0.1', 30001)).toBe('10.244.4.7:8080')
    await history.become({ services: [service('a', 1)], slices: [slice('a')] })
    expect(await history.ask('192.168.0.1', 30001)).toBe('refused')
  })
})

describe('the address of a pod', () => {
  const [old, young] = [hostPortPod('old', '10.244.1.5'), hostPortPod('young', '10.244.1.5')]

  it('that another pod gets at once is that pod’s, whether the old one is heard to go before or after', async () => {
    for (const between of [{ pods: [] }, { pods: [old, young] }]) {
      const history = new History()
      await history.become({ pods: [old] })
      await history.become(between)
      await history.become({ pods: [young] })
      expect(await history.ask('192.168.0.1', 8000)).toBe('10.244.1.5:80')
      await history.become({ pods: [] })
      expect(await history.ask('192.168.0.1', 8000)).toBe('local')
    }
  })
})

describe('an address from outside', () => {
  const VIP = '203.0.113.1'
  const [a, b] = [slice('a', '10.244.4.1'), slice('b', '10.244.4.2')]
  const balancer = (name: string, id: number, part: Partial<Service> = {}) => service(name, id, { type: 'LoadBalancer', ...part })
  const [first, second] = [balancer('a', 1, { loadBalancerIPs: [VIP] }), balancer('b', 2, { loadBalancerIPs: [VIP] })]

  it('goes to the younger Service when the older one gives it up, and back', async () => {
    const history = new History()
    for (const [services, answer] of [
      [[second], '10.244.4.2:8080'],
      [[first, second], '10.244.4.1:8080'],
      [[balancer('a', 1), second], '10.244.4.2:8080'],
      [[first, second], '10.244.4.1:8080'],
      [[first], '10.244.4.1:8080'],
      [[], 'forward'],
    ] as const) {
      await history.become({ services, slices: [a, b] })
      expect(await history.ask(VIP, 80)).toBe(answer)
    }
  })

  it('is refused on other ports as long as a Service has it', async () => {
    const history = new History()
    await history.become({ services: [first], slices: [a] })
    expect(await history.ask(VIP, 81)).toBe('refused')
    await history.become({ services: [balancer('a', 1, { externalIPs: [VIP] })], slices: [a] })
    expect([await history.ask(VIP, 80), await history.ask(VIP, 81)]).toEqual(['10.244.4.1:8080', 'refused'])
    await history.become({ services: [balancer('a', 1)], slices: [a] })
    expect([await history.ask(VIP, 80), await history.ask(VIP, 81)]).toEqual(['forward', 'forward'])
  })

  it('that becomes a node’s own keeps its Service, and gives its other ports back', async () => {
    const history = new History()
    const services = [service('a', 1, { externalIPs: ['192.168.0.9'] })]
    await history.become({ services, slices: [a] })
    expect(await history.ask('192.168.0.9', 22)).toBe('refused')
    await history.become({ services, slices: [a], nodes: [NODE, aNode('n2', { addresses: ['192.168.0.9'] })] })
    expect([await history.ask('192.168.0.9', 22), await history.ask('192.168.0.9', 80)]).toEqual(['local', '10.244.4.1:8080'])
    await history.become({ services, slices: [a], nodes: [MOVED] })
    expect([await history.ask('192.168.0.9', 22), await history.ask('192.168.0.9', 80)]).toEqual(['local', '10.244.4.1:8080'])
    await history.become({ services, slices: [a] })
    expect(await history.ask('192.168.0.9', 22)).toBe('refused')
  })

  it('of this node meets a hostPort, and the older of the two has it', async () => {
    const history = new History()
    const young = service('a', 9, {
      externalIPs: ['192.168.0.1'],
      ports: [{ name: '', protocol: 'tcp', port: 8000, nodePort: 0 }],
    })
    const pod = hostPortPod('p', '10.244.1.5')
    await history.become({ services: [young], slices: [a] })
    expect(await history.ask('192.168.0.1', 8000)).toBe('10.244.4.1:8080')
    await history.become({ services: [young], slices: [a], pods: [pod] })
    expect(await history.ask('192.168.0.1', 8000)).toBe('10.244.1.5:80')
    await history.become({ services: [young], slices: [a], pods: [pod], nodes: [MOVED] })
    expect(await history.ask('192.168.0.9', 8000)).toBe('10.244.1.5:80')
  })
})

describe('a Service under policy Local', () => {
  const LEAVING = { ready: false, serving: true, terminating: true }
  const local = (policy: Service['externalPolicy']) => service('a', 1, { externalPolicy: policy, internalPolicy: policy })
  const away = anEndpoint('10.244.4.1', { node: 'n2' })
  const here = (part: Partial<Endpoint> = {}) => anEndpoint('10.244.1.9', { node: 'n1', ...part })
  const endpoints = (...of: readonly Endpoint[]) =>
    aSlice('default/a-x', 'default/a', { ports: [{ name: '', protocol: 'tcp', port: 8080 }], endpoints: of })

  it('follows its policy and its endpoints, through a rollout and back', async () => {
    const history = new History()
    for (const [policy, of, answer] of [
      ['Cluster', [away], '10.244.4.1:8080'],
      ['Local', [away], 'dropped'],
      ['Local', [away, here()], '10.244.1.9:8080'],
      ['Local', [away, here(LEAVING)], '10.244.1.9:8080'],
      ['Local', [away, here({ ...LEAVING, serving: false })], 'dropped'],
      ['Local', [], 'refused'],
      ['Local', [here({ ready: false, serving: false })], 'refused'],
      ['Local', [here()], '10.244.1.9:8080'],
      ['Cluster', [here(LEAVING), away], '10.244.4.1:8080'],
      ['Cluster', [here(LEAVING)], '10.244.1.9:8080'],
    ] as const) {
      await history.become({ services: [local(policy)], slices: [endpoints(...of)] })
      for (const [to, port] of [
        ['192.168.0.1', 30001],
        ['10.96.0.1', 80],
      ] as const)
        expect([policy, to, await history.ask(to, port)]).toEqual([policy, to, answer])
    }
    await history.become({})
    expect(await history.ask('192.168.0.1', 30001)).toBe('local')
  })
})

describe('a range of cluster addresses', () => {
  const range = (...cidrs: readonly string[]) => [{ name: 'kubernetes', cidrs }]

  it('refuses what no Service has, and what is left of it when it shrinks', async () => {
    const history = new History()
    const [services, slices] = [[service('a', 1)], [slice('a', '10.244.4.1')]]
    await history.become({ services, slices, serviceCIDRs: range('10.96.0.0/12') })
    const ask = async () => [
      await history.ask('10.96.0.1', 80),
      await history.ask('10.96.9.9', 80),
      await history.ask('10.97.0.1', 80),
    ]
    expect(await ask()).toEqual(['10.244.4.1:8080', 'refused', 'refused'])
    await history.become({ services, slices, serviceCIDRs: range('10.96.0.0/16') })
    expect(await ask()).toEqual(['10.244.4.1:8080', 'refused', 'forward'])
    await history.become({
      services,
      slices,
      serviceCIDRs: [...range('10.96.0.0/16'), { name: 'more', cidrs: ['10.96.0.0/12'] }],
    })
    expect(await ask()).toEqual(['10.244.4.1:8080', 'refused', 'refused'])
    await history.become({ services, slices })
    expect(await ask()).toEqual(['10.244.4.1:8080', 'forward', 'forward'])
  })
})
