import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { TransportEngine } from '../engine/bird/engine.ts'
import { FakeBird } from '../engine/bird/fake.ts'
import { createClient } from '../kube/client.ts'
import { FakeApi } from '../kube/fake/fake-api.ts'
import type { EndpointSlice, KubeObject, Node, Pod, Service } from '../kube/types.ts'
import type { DataPathEntry } from '../model/datapath.ts'
import { type ForeignRules, hostPortKey, NOBODY_ELSE } from '../model/foreign.ts'
import type { Delta } from '../model/plan.ts'
import { createBgpPlanner } from '../plan/bgp.ts'
import { Agent, type AgentOptions } from './agent.ts'
import type { WatchedEngine } from './data-path.ts'
import type { ForeignSource } from './service-proxy.ts'

const SERVICES = '/api/v1/services'
const PODS = '/api/v1/pods'
const NODES = '/api/v1/nodes'
const SLICES = '/apis/discovery.k8s.io/v1/endpointslices'

/** Holds entries in memory; `fail` makes the next calls throw. */
class MemoryEngine implements WatchedEngine {
  /** What the node has: it outlives an agent. */
  readonly installed: Map<string, DataPathEntry>
  readonly observed = new Map<string, DataPathEntry>()
  readonly deltas: Delta<DataPathEntry>[] = []
  refreshes = 0
  private heard: () => void = () => undefined
  fail = 0

  constructor(installed = new Map<string, DataPathEntry>()) {
    this.installed = installed
  }

  onForeignChange(listener: () => void): () => void {
    this.heard = listener
    return () => undefined
  }

  /** Somebody else removes what a pattern matches. */
  damage(pattern: RegExp): void {
    for (const key of this.installed.keys()) if (pattern.test(key)) this.installed.delete(key)
    this.heard()
  }

  refresh(): Promise<void> {
    this.refreshes++
    this.observed.clear()
    for (const [key, entry] of this.installed) this.observed.set(key, entry)
    return Promise.resolve()
  }

  apply(delta: Delta<DataPathEntry>): Promise<void> {
    if (this.fail-- > 0) return Promise.reject(new Error('the kernel said no'))
    this.deltas.push(delta)
    for (const map of [this.installed, this.observed]) {
      for (const entry of delta.upserts) map.set(entry.key, entry)
      for (const key of delta.removals) map.delete(key)
    }
    return Promise.resolve()
  }
}

const node: Node = {
  metadata: { name: 'n1' },
  spec: { podCIDRs: ['10.244.1.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '192.168.0.240' }] },
}
const service = (name: string, nodePort: number, clusterIP = '10.96.0.10'): Service => ({
  metadata: { namespace: 'default', name },
  spec: { type: 'NodePort', clusterIPs: [clusterIP], ipFamilies: ['IPv4'], ports: [{ port: 80, nodePort, protocol: 'TCP' }] },
})
const slice = (name: string, ...addresses: string[]): EndpointSlice => ({
  metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  endpoints: addresses.map((address) => ({ addresses: [address], nodeName: 'n1' })),
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
})
const hostPortPod = (name: string, ip: string, hostPort: number): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'default', name, creationTimestamp: `2026-01-01T00:00:0${ip.at(-1)}Z` },
  spec: { nodeName: 'n1', containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort }] }] },
  status: { podIPs: [{ ip }], phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
})

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function fakeApi(): Promise<FakeApi> {
  const api = new FakeApi()
  await api.listen()
  for (const [collection, object] of [
    [NODES, node],
    [SERVICES, service('web', 30018)],
    [SLICES, slice('web', '10.244.1.2')],
  ] as readonly (readonly [string, KubeObject])[]) {
    api.store.put(collection, object)
  }
  return api
}

function start(api: FakeApi, engine: MemoryEngine, more: Partial<AgentOptions> = {}) {
  const client = createClient(api.config)
  const stop = new AbortController()
  const reflector = { backoff: { firstInMs: 1, maxInMs: 5 } }
  const agent = new Agent({ node: 'n1', client, engine, signal: stop.signal, findingDelayInMs: 1, reflector, ...more })
  closers.push(async () => {
    stop.abort()
    await agent.stop()
    client.close()
    await api.close().catch(() => undefined)
  })
  return agent
}

/** Waits for what only the outside of the agent shows. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2))
}

function backendsOf(engine: MemoryEngine): readonly string[] {
  const groups = [...engine.installed.values()].filter((entry) => entry.kind === 'group')
  return [...new Set(groups.flatMap((group) => group.backends.map(({ address, port }) => `${address}:${port}`)))].toSorted()
}

describe('the loop', () => {
  test('programs the world, says so, and follows changes', async () => {
    const api = await fakeApi()
    const engine = new MemoryEngine()
    const agent = start(api, engine)
    expect(agent.pages['/healthz']?.().status).toBe(503)
    await agent.ready
    expect(backendsOf(engine)).toEqual(['10.244.1.2:8080'])
    expect(agent.pages['/healthz']?.().text).toBe('ok\n')
    const rounds = engine.deltas.length
    api.store.put(SLICES, slice('web', '10.244.1.2', '10.244.1.3'))
    await until(() => backendsOf(engine).length === 2)
    expect(engine.deltas.slice(rounds).flatMap((delta) => delta.removals)).toEqual([])
    await until(() => agent.state.pending === 0)
    expect(agent.pages['/metrics']?.().text).toMatch(/^fairway_programming_duration_seconds_count [1-9]$/m)
    const triggered = slice('web', '10.244.1.3')
    const annotations = { 'endpoints.kubernetes.io/last-change-trigger-time': new Date(Date.now() - 3_000).toISOString() }
    api.store.put(SLICES, { ...triggered, metadata: { ...triggered.metadata, annotations } })
    await until(() => backendsOf(engine).length === 1)
    await until(() => agent.state.pending === 0)
    const network = /^fairway_network_programming_duration_seconds_(?:sum|count) (\S+)$/gm
    const [sum, count] = [...(agent.pages['/metrics']?.().text.matchAll(network) ?? [])].map(([, value]) => Number(value))
    expect(count).toBe(1)
    expect(sum).toBeGreaterThanOrEqual(3)
    expect(sum).toBeLessThan(5)
    expect(agent.state).toMatchObject({
      node: 'n1',
      synced: true,
      connected: true,
      serviceProxy: 'fairway',
      services: [{ key: 'default/web', ports: ['80:30018/tcp'], state: 'programmed', backends: 1, findings: [] }],
    })
  })

  test('a heartbeat of the node programs nothing', async () => {
    const api = await fakeApi()
    const engine = new MemoryEngine()
    const agent = start(api, engine)
    await agent.ready
    const rounds = engine.deltas.length
    api.store.put(NODES, { ...node, metadata: { ...node.metadata, annotations: { beat: '1' } } })
    api.store.put(SLICES, slice('web', '10.244.1.9'))
    await until(() => backendsOf(engine).includes('10.244.1.9:8080'))
    expect(engine.deltas.length).toBe(rounds + 1)
  })
})

describe('while the kernel refuses', () => {
  test('a Service of which something waits is pending, and no other', async () => {
    const api = await fakeApi()
    api.store.put(SERVICES, service('other', 30019, '10.96.0.11'))
    api.store.put(SLICES, slice('other', '10.244.1.5'))
    const engine = new MemoryEngine()
    const agent = start(api, engine)
    await agent.ready
    const states = () => agent.state.services.map(({ key, state }) => `${key} ${state}`)
    expect(states()).toEqual(['default/other programmed', 'default/web programmed'])

    engine.fail = Number.POSITIVE_INFINITY
    api.store.put(SLICES, slice('web', '10.244.1.3'))
    await until(() => agent.state.error !== undefined)
    expect(states()).toEqual(['default/other programmed', 'default/web pending'])
    expect(agent.state.services[1]).toMatchObject({
      error: 'the kernel said no',
      pendingForInMs: expect.any(Number),
      backends: 1,
    })
    expect(agent.state.services[0]).not.toHaveProperty('error')
    expect(agent.state.pending).toBe(1)
    engine.fail = 0
    await until(() => agent.state.pending === 0)
    expect(states()).toEqual(['default/other programmed', 'default/web programmed'])

    // a removal belongs to no entry of the plan any more, and damage to no change
    engine.fail = Number.POSITIVE_INFINITY
    api.store.put(SERVICES, { ...service('web', 0), spec: { ...service('web', 0).spec, type: 'ClusterIP' } } as Service)
    await until(() => agent.state.error !== undefined)
    expect(states()).toEqual(['default/other programmed', 'default/web pending'])
    engine.fail = 0
    await until(() => agent.state.pending === 0)
    engine.fail = Number.POSITIVE_INFINITY
    engine.damage(/10\.96\.0\.11/)
    await until(() => agent.state.error !== undefined)
    expect(states()).toEqual(['default/other pending', 'default/web programmed'])
    engine.fail = 0
    await until(() => agent.state.pending === 0)
    expect(agent.state.error).toBeUndefined()
  })
})

describe('when the API server is away', () => {
  test('at start: what is in the kernel stays until the world is whole, and is then adopted', async () => {
    const api = await fakeApi()
    const before = new MemoryEngine()
    await start(api, before).ready
    const port = api.port
    await api.close()
    const engine = new MemoryEngine(before.installed)
    const agent = start(api, engine)
    const stray: DataPathEntry = { kind: 'node-address', key: 'node-address/192.0.2.1', family: 'ipv4', address: '192.0.2.1' }
    engine.installed.set(stray.key, stray)
    const tried = api.requests.length
    expect(engine.refreshes + engine.deltas.length).toBe(0)
    await api.listen(port)
    await agent.ready
    expect(api.requests.length).toBeGreaterThan(tried)
    expect(engine.deltas).toEqual([{ upserts: [], removals: [stray.key] }])
  })

  test('later: the last state stays, and changes are caught up with', async () => {
    const api = await fakeApi()
    const engine = new MemoryEngine()
    const agent = start(api, engine)
    await agent.ready
    const rounds = engine.deltas.length
    const port = api.port
    await api.close()
    await until(() => !agent.state.connected)
    expect(engine.deltas.length).toBe(rounds)
    expect(agent.state.synced).toBe(true)
    api.store.put(SLICES, slice('web', '10.244.1.7'))
    await api.listen(port)
    await until(() => backendsOf(engine).includes('10.244.1.7:8080'))
    await until(() => agent.state.connected)
  })
})

/** Others on the node, as a test says they are. */
class Others implements ForeignSource {
  current: ForeignRules
  private listener: (rules: ForeignRules) => void = () => undefined

  constructor(current: ForeignRules = NOBODY_ELSE) {
    this.current = current
  }

  onChange(listener: (rules: ForeignRules) => void): void {
    this.listener = listener
  }

  become(rules: ForeignRules): void {
    this.current = rules
    this.listener(rules)
  }
}

describe('an API server that is away for long', () => {
  test('is asked ever more rarely, and few questions catch up with what happened', async () => {
    const api = await fakeApi()
    const engine = new MemoryEngine()
    const backoff = { firstInMs: 1, maxInMs: 50 }
    const agent = start(api, engine, { reflector: { backoff } })
    await agent.ready
    const port = api.port
    await api.close()
    let tries = 0
    const deaf = createServer((socket) => {
      tries++
      socket.destroy()
    })
    await new Promise<void>((resolve) => deaf.listen(port, resolve))
    await new Promise((resolve) => setTimeout(resolve, 1_000)) // time itself is what is tested
    // five collections: six delays up to the longest, then at least 25 ms each
    expect(tries).toBeLessThan(5 * (6 + 1_000 / 25))
    await new Promise((resolve) => deaf.close(resolve))
    for (let change = 0; change < 200; change++) api.store.put(SLICES, slice('web', `10.244.1.${change}`))
    const before = api.requests.length
    const rounds = engine.deltas.length
    await api.listen(port)
    await until(() => backendsOf(engine).includes('10.244.1.199:8080'))
    await until(() => agent.state.connected)
    expect(api.requests.length - before).toBeLessThanOrEqual(5 * 3)
    expect(engine.deltas.length - rounds).toBeLessThanOrEqual(3)
  })
})

describe('beside another proxy', () => {
  const kubeProxy: ForeignRules = { serviceProxy: 'kube-proxy (nftables)', hostPorts: new Map() }
  const services = (engine: MemoryEngine) =>
    [...engine.installed.keys()].filter((key) => key.includes('web') || key.includes('10.96'))

  test('Services are left to it from the start, taken when it has gone, and given back when it comes', async () => {
    const api = await fakeApi()
    api.store.put(PODS, hostPortPod('one', '10.244.1.3', 8000))
    const engine = new MemoryEngine()
    const others = new Others(kubeProxy)
    const agent = start(api, engine, { serviceProxy: 'auto', foreign: others })
    await agent.ready
    expect(services(engine)).toEqual([])
    expect([...engine.installed.keys()]).toContain('host-port/ipv4/*/tcp/8000')
    expect(agent.state).toMatchObject({
      serviceProxy: 'kube-proxy (nftables)',
      services: [{ key: 'default/web', state: 'yielded' }],
    })
    expect(agent.state.findings.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'FW0855 kube-proxy (nftables) serves Services on node n1, so Fairway leaves them to it there.',
    ])
    await until(() => api.bodies.length >= 1)
    expect(api.bodies[0]?.body).toMatchObject({
      reason: 'ServiceProxyYields',
      type: 'Normal',
      involvedObject: { name: 'n1' },
    })

    others.become(NOBODY_ELSE)
    await until(() => services(engine).length > 0)
    expect(agent.state).toMatchObject({ serviceProxy: 'fairway', findings: [], services: [{ state: 'programmed' }] })
    others.become(kubeProxy)
    await until(() => services(engine).length === 0)
    api.store.put(SLICES, slice('web', '10.244.1.9'))
    api.store.put(PODS, hostPortPod('two', '10.244.1.4', 8001))
    await until(() => engine.installed.has('host-port/ipv4/*/tcp/8001'))
    expect(services(engine)).toEqual([])
  })

  test('told to, it carries Services whoever else does, or none though nobody does', async () => {
    const api = await fakeApi()
    const engine = new MemoryEngine()
    const agent = start(api, engine, { serviceProxy: 'fairway', foreign: new Others(kubeProxy) })
    await agent.ready
    expect(services(engine).length).toBeGreaterThan(0)
    expect(agent.state).toMatchObject({ serviceProxy: 'fairway', findings: [] })

    const idle = new MemoryEngine()
    const none = start(await fakeApi(), idle, { serviceProxy: 'none', foreign: new Others() })
    await none.ready
    expect(services(idle)).toEqual([])
    expect(none.state).toMatchObject({ serviceProxy: 'nobody', findings: [], services: [{ state: 'yielded' }] })
  })

  test('a hostPort that portmap has is left to it, and the pod is told', async () => {
    const api = await fakeApi()
    api.store.put(PODS, hostPortPod('one', '10.244.1.3', 8000))
    const claim = { family: 'ipv4', protocol: 'tcp', port: 8000, by: 'CNI portmap' } as const
    const engine = new MemoryEngine()
    const others = new Others({ serviceProxy: '', hostPorts: new Map([[hostPortKey(claim), claim]]) })
    const agent = start(api, engine, { serviceProxy: 'auto', foreign: others })
    await agent.ready
    expect([...engine.installed.keys()]).not.toContain('host-port/ipv4/*/tcp/8000')
    expect(services(engine).length).toBeGreaterThan(0)
    await until(() => api.bodies.length >= 1)
    expect(api.bodies[0]?.body).toMatchObject({
      reason: 'HostPortServedElsewhere',
      type: 'Normal',
      involvedObject: { kind: 'Pod', name: 'one' },
      message: expect.stringContaining('hostPort 8000/tcp of pod/default/one is served by CNI portmap'),
    })
  })
})

describe('findings', () => {
  test('a kernel that refuses is said, tried again, and forgotten', async () => {
    const api = await fakeApi()
    const engine = new MemoryEngine()
    engine.fail = 1
    const agent = start(api, engine)
    await until(() => agent.state.error !== undefined)
    expect(agent.state.error).toBe('the kernel said no')
    expect(agent.state.findings.map((finding) => finding.code)).toContain('FW0853')
    await agent.ready
    await until(() => agent.state.error === undefined)
    expect(agent.state.findings.map((finding) => finding.code)).not.toContain('FW0853')
  })

  test('a Service without endpoints, and a node that is not there', async () => {
    const api = await fakeApi()
    api.store.remove(NODES, 'n1')
    api.store.put(SLICES, slice('web'))
    const agent = start(api, new MemoryEngine())
    await agent.ready
    expect(agent.state.findings.map((finding) => finding.code).toSorted()).toEqual(['FW0202', 'FW0852'])
    expect(agent.state.services).toMatchObject([{ state: 'degraded', findings: ['FW0202'] }])
  })

  test('a clash of hostPorts is an Event on both pods', async () => {
    const api = await fakeApi()
    api.store.put(PODS, hostPortPod('first', '10.244.1.3', 8000))
    api.store.put(PODS, hostPortPod('second', '10.244.1.4', 8000))
    const agent = start(api, new MemoryEngine())
    await agent.ready
    await until(() => api.bodies.length >= 2)
    const events = api.bodies.map(({ body }) => body as { reason: string; involvedObject: { name: string; uid: string } })
    expect(events.map((event) => event.involvedObject.name).toSorted()).toEqual(['first', 'second'])
    expect(events.every((event) => event.reason === 'PortClash' && event.involvedObject.uid.startsWith('uid-'))).toBe(true)
  })

  test('so is a nodePort that a pod with hostNetwork has, on the Service and on the pod', async () => {
    const api = await fakeApi()
    api.store.put(PODS, {
      metadata: { namespace: 'default', name: 'proxy', creationTimestamp: '2020-01-01T00:00:00Z' },
      spec: { nodeName: 'n1', hostNetwork: true, containers: [{ name: 'c', ports: [{ containerPort: 30018 }] }] },
      status: { podIPs: [{ ip: '192.168.0.240' }], phase: 'Running' },
    } as Pod)
    api.store.put(SERVICES, {
      ...service('web', 30018),
      metadata: { namespace: 'default', name: 'web', creationTimestamp: '2021-01-01T00:00:00Z' },
    } as Service)
    const agent = start(api, new MemoryEngine())
    await agent.ready
    await until(() => api.bodies.length >= 2)
    const events = api.bodies.map(({ body }) => body as { reason: string; message: string; involvedObject: { name: string } })
    expect(events.map((event) => `${event.reason} ${event.involvedObject.name}`).toSorted()).toEqual([
      'PortClash proxy',
      'PortClash web',
    ])
    expect(events[0]?.message).toContain('service/default/web asks for nodePort 30018/tcp, which pod/default/proxy already has')
  })

  test('an object that makes no sense is found, and the others are served', async () => {
    const api = await fakeApi()
    api.store.put(SERVICES, {
      ...service('odd', 30019),
      spec: { clusterIPs: ['10.96.0.300'], ports: [{ port: 80, protocol: 'ICMP' }] },
    } as Service)
    const engine = new MemoryEngine()
    const agent = start(api, engine)
    await agent.ready
    expect(backendsOf(engine)).toEqual(['10.244.1.2:8080'])
    const odd = agent.state.findings.filter((finding) => finding.code === 'FW0811')
    expect(odd.map((finding) => finding.message)).toEqual([
      'service/default/odd: spec.clusterIPs[0] is "10.96.0.300", which is not an IP address; it is not used.',
      'service/default/odd: spec.ports[0].protocol is "ICMP", which is not TCP, UDP or SCTP; it is not used.',
    ])
  })
})

describe('where pods keep their source address', () => {
  const ADVERTISEMENTS = '/apis/fairway.dev/v1alpha1/podrouteadvertisements'
  const advertisement = {
    metadata: { name: 'pods' },
    spec: { nodePodCIDRs: true, keepSourceTo: ['172.30.0.0/24'] },
  } as KubeObject
  const KEPT = 'keep-source/172.30.0.0/24'
  const bgp = () => ({
    engine: new TransportEngine(new FakeBird()),
    planner: createBgpPlanner('n1', { kernelTable: 0 }),
    kernelTable: 0,
    drainInMs: 60_000,
  })

  test('is kept over a restart, and goes with the advertisement', async () => {
    const api = await fakeApi()
    api.store.put(ADVERTISEMENTS, advertisement)
    const engine = new MemoryEngine()
    const first = start(api, engine, { bgp: bgp() })
    await first.ready
    expect(engine.installed.has(KEPT)).toBe(true)
    const next = new MemoryEngine(engine.installed)
    // what users ask of BGP comes last
    let slow: (() => void) | undefined
    api.fault = (_, { pathname }) =>
      slow === undefined && pathname === ADVERTISEMENTS ? { kind: 'status', status: 500 } : undefined
    const second = start(api, next, { bgp: bgp() })
    await until(() => second.state.connected)
    slow = () => undefined
    await second.ready
    expect(next.deltas.flatMap(({ removals }) => removals)).toEqual([])
    api.store.remove(ADVERTISEMENTS, 'pods')
    await until(() => !next.installed.has(KEPT))
    expect(backendsOf(next)).toEqual(['10.244.1.2:8080'])
  })

  test('that cannot be had keeps no Service from working', async () => {
    const api = await fakeApi()
    api.fault = (_, { pathname }) => (pathname === '/api/v1/namespaces' ? { kind: 'status', status: 403 } : undefined)
    const engine = new MemoryEngine()
    const agent = start(api, engine, { bgp: bgp(), settingsTimeoutInMs: 50 })
    await agent.ready
    expect(backendsOf(engine)).toEqual(['10.244.1.2:8080'])
  })
})
