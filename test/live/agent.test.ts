/** The agent as a process, with the kernel's nftables, in a namespace of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AgentState } from '../../src/agent/state.ts'
import { createNftablesEngine } from '../../src/engine/nftables/engine.ts'
import { askUnix } from '../../src/http/unix-server.ts'
import { FakeApi } from '../../src/kube/fake/fake-api.ts'
import type { KubeObject } from '../../src/kube/types.ts'
import { inNetns, ipBatch, netnsPath, withNetns } from '../../src/linux/netns.ts'
import { identify } from '../../src/linux/process.ts'
import { run, tryRun } from '../../src/linux/run.ts'

const NETNS = `fwt-ag-${process.pid}`
const API_PORT = 6443
const SLICES = '/apis/discovery.k8s.io/v1/endpointslices'
const dir = mkdtempSync(join(tmpdir(), 'fwt-ag-'))
const socket = join(dir, 'agent', 'agent.sock')
const children = new Set<ChildProcess>()
let api: FakeApi

beforeAll(async () => {
  await run(['ip', 'netns', 'add', NETNS])
  await ipBatch(NETNS, ['link set lo up', 'link add up0 type veth peer name up1', 'link set up0 up', 'link set up1 up'])
  await ipBatch(NETNS, ['addr add 192.0.2.2/24 dev up0', 'route add default via 192.0.2.1'])
  api = apiWith('10.244.1.2')
  openApi()
})

afterEach(async () => {
  for (const child of children) await kill(child)
})

afterAll(async () => {
  await api.close().catch(() => undefined)
  await tryRun(['ip', 'netns', 'del', NETNS])
  rmSync(dir, { recursive: true, force: true })
})

/** Writes a kubeconfig for the server on a port, and returns its path. */
function kubeconfig(port: number): string {
  const path = join(dir, `kubeconfig-${port}`)
  writeFileSync(
    path,
    `current-context: c
contexts: [{ name: c, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: 'http://127.0.0.1:${port}' } }]
users: [{ name: u, user: { token: secret } }]
`,
  )
  return path
}

function openApi(): void {
  withNetns(netnsPath(NETNS), () => api.listenHere(API_PORT))
}

function slice(addresses: readonly string[], service = 'web', conditions: object = {}): KubeObject {
  const endpoints = addresses.map((address) => ({ addresses: [address], nodeName: 'n1', conditions }))
  const metadata = { namespace: 'default', name: `${service}-1`, labels: { 'kubernetes.io/service-name': service } }
  return { metadata, addressType: 'IPv4', endpoints, ports: [{ name: '', port: 8080, protocol: 'TCP' }] } as KubeObject
}

function node(taints: readonly object[] = []): KubeObject {
  const status = { addresses: [{ type: 'InternalIP', address: '192.0.2.2' }] }
  return { metadata: { name: 'n1' }, spec: { podCIDRs: ['10.244.1.0/24'], taints }, status } as KubeObject
}

/** A pod whose address is behind `up0`. */
function hostPortPod(): KubeObject {
  return {
    metadata: { namespace: 'default', name: 'served' },
    spec: { nodeName: 'n1', containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 8080 }] }] },
    status: { podIPs: [{ ip: '192.0.2.77' }], phase: 'Running' },
  } as KubeObject
}

/** A router that is not there, and what is taken from it. */
function settings(): readonly (readonly [string, KubeObject])[] {
  const peer = { myASN: 64513, peerASN: 64512, peerAddress: '192.0.2.1' }
  return [
    ['/apis/metallb.io/v1beta2/bgppeers', { metadata: { namespace: 'default', name: 'tor' }, spec: peer } as KubeObject],
    [
      '/apis/fairway.dev/v1alpha1/bgprouteimports',
      { metadata: { name: 'far' }, spec: { prefixes: [{ cidr: '172.30.0.0/24' }] } } as KubeObject,
    ],
  ]
}

/** That of the agent's BIRD, once it has written it. */
async function pidOfBird(): Promise<number> {
  const file = join(dir, 'agent', 'bird', 'bird.pid')
  const read = () => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0)
  await until(() => Promise.resolve(read() > 0))
  return read()
}

/** Everything of a node that an agent could leave something in. */
async function dump(): Promise<string> {
  const script = `nft list ruleset
for place in ipv4 ipv6; do (cd /proc/sys/net/$place/conf && grep -r . . 2>/dev/null | sort); done
ip rule; { ip route show table all; ip addr show; } | grep -v -e valid_lft -e fe80; cat /proc/self/net/ip_tables_names 2>/dev/null
find ${join(dir, 'agent')} 2>/dev/null; true`
  return run(inNetns(NETNS, ['sh', '-c', script]))
}

function apiWith(endpoint: string): FakeApi {
  const made = new FakeApi()
  const service = {
    type: 'NodePort',
    clusterIPs: ['10.96.0.10'],
    ipFamilies: ['IPv4'],
    ports: [{ port: 80, nodePort: 30018, protocol: 'TCP' }],
  }
  made.store.put('/api/v1/nodes', node())
  made.store.put('/api/v1/services', { metadata: { namespace: 'default', name: 'web' }, spec: service } as KubeObject)
  made.store.put(SLICES, slice([endpoint]))
  return made
}

/** Starts an agent; `ready` resolves when it wrote READY, and rejects when it ended before. */
function startAgent(...more: string[]): { readonly child: ChildProcess; readonly ready: Promise<void> } {
  const flags = ['--node', 'n1', '--kubeconfig', kubeconfig(API_PORT), '--dir', join(dir, 'agent'), '--ready-fd', '3', ...more]
  const [program = '', ...args] = inNetns(NETNS, [
    'setpriv',
    '--pdeathsig',
    'KILL',
    process.execPath,
    'src/main.ts',
    'agent',
    ...flags,
  ])
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, FAIRWAY_LOG: 'info' },
  })
  children.add(child)
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ready = new Promise<void>((resolve, reject) => {
    child.stdio[3]?.on('data', (chunk: Buffer) =>
      chunk.toString() === 'READY\n' ? resolve() : reject(new Error(chunk.toString())),
    )
    child.on('close', (code) => reject(new Error(`the agent ended with ${code}: ${said}`)))
  })
  ready.catch(() => undefined)
  return { child, ready }
}

async function kill(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  child.kill(signal)
  return ended
}

async function state(): Promise<AgentState> {
  return JSON.parse((await askUnix(socket, '/state')).text) as AgentState
}

/** The rules as the kernel has them, with the handles that only a new load would change. */
function ruleset(): Promise<string> {
  return run(inNetns(NETNS, ['nft', '-a', 'list', 'table', 'ip', 'fairway']))
}

/** Waits for what only the kernel, or another process, can tell. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('the agent', () => {
  test('programs the kernel, survives kill -9 and an API server that is away, and cleans up', async () => {
    const first = startAgent()
    await first.ready
    const loaded = await ruleset()
    expect(loaded).toContain('10.244.1.2 . 8080')
    expect(await state()).toMatchObject({
      synced: true,
      connected: true,
      findings: [],
      services: [{ key: 'default/web', state: 'programmed' }],
    })
    expect((await askUnix(socket, '/metrics')).text).toMatch(/^fairway_ready_after_seconds \d+\.\d+$/m)

    // without the agent, and with the API server away: nothing is touched
    await kill(first.child)
    await api.close()
    const second = startAgent()
    await until(async () =>
      askUnix(socket, '/healthz').then(
        (answer) => answer.status === 503,
        () => false,
      ),
    )
    expect(await ruleset()).toBe(loaded)

    // the world is as it was: adopted, not loaded anew, which the handles of the rules tell
    openApi()
    await second.ready
    expect(await ruleset()).toBe(loaded)

    // and the next change is one to the same tables
    api.store.put(SLICES, slice(['10.244.1.7']))
    await until(async () => (await ruleset()).includes('10.244.1.7 . 8080'))
    expect(await ruleset()).not.toContain('10.244.1.2 . 8080')

    expect(await kill(second.child, 'SIGTERM')).toBe(0)
    expect(await ruleset()).toContain('10.244.1.7 . 8080')

    const [program = '', ...args] = inNetns(NETNS, [process.execPath, 'src/main.ts', 'agent', '--cleanup'])
    await run([program, ...args])
    expect((await run(inNetns(NETNS, ['nft', 'list', 'tables']))).trim()).toBe('')
  })

  test('hears of damage and repairs it at once', async () => {
    const { child, ready } = startAgent()
    await ready
    const nft = (...command: string[]) => run(inNetns(NETNS, ['nft', ...command]))
    const reader = createNftablesEngine({ netns: netnsPath(NETNS) })
    const installed = async () => {
      await reader.refresh(new AbortController().signal)
      return Object.fromEntries([...reader.observed].toSorted(([one], [other]) => (one < other ? -1 : 1)))
    }
    const whole = await installed()
    expect(Object.keys(whole)).toContain('node-port/ipv4/*/tcp/30018')
    const damages = [
      'delete element ip fairway node_port { tcp . 30018 }',
      'flush map ip fairway backend',
      'flush chain ip fairway translate',
      'insert rule ip fairway translate drop',
      'add rule ip fairway foreign accept',
      'delete chain ip fairway postrouting',
      'delete table ip fairway',
      'flush ruleset',
    ]
    for (const damage of damages) {
      await nft(damage)
      const startedAt = performance.now()
      await until(async () => isDeepStrictEqual(await installed(), whole))
      expect(performance.now() - startedAt, damage).toBeLessThan(5_000) // half of the shortest time after which an agent looks unasked
    }
    // one round each, and one for a change: neither our own writes nor other people's tables wake the agent
    const rounds = async () => Number(/fairway_rounds_total (\d+)/.exec((await askUnix(socket, '/metrics')).text)?.[1])
    await until(async () => (await rounds()) >= 1 + damages.length)
    await nft('add table ip somebody')
    await nft('delete table ip somebody')
    api.store.put(SLICES, slice(['10.244.1.8']))
    await until(async () => (await ruleset()).includes('10.244.1.8 . 8080'))
    await until(async () => (await rounds()) > 1 + damages.length)
    expect(await rounds()).toBe(2 + damages.length)
    await reader.close()
    await kill(child)
  })

  test('is one on each node: a second one ends before it touches anything, and so does a clean-up', async () => {
    const { child, ready } = startAgent()
    await ready
    const before = await ruleset()
    for (const more of [['--dir', join(dir, 'elsewhere')], ['--cleanup']]) {
      const second = startAgent(...more)
      await expect(second.ready).rejects.toThrow(/ended with 1: .*FW0854/)
      children.delete(second.child)
    }
    expect(await ruleset()).toBe(before)
    expect((await state()).synced).toBe(true)
    await kill(child) // killed, not ended: the kernel gives the lock back
    const next = startAgent()
    await next.ready
    await kill(next.child)
  })

  test('a clean-up leaves the node as it was before the first start', async () => {
    const made = new FakeApi()
    for (const path of ['/api/v1/nodes', '/api/v1/services', SLICES]) {
      for (const object of api.store.objects(path).values()) made.store.put(path, object)
    }
    made.store.put('/api/v1/pods', hostPortPod())
    for (const [path, object] of settings()) made.store.put(path, object)
    const path = kubeconfig(API_PORT + 1)
    const [program = '', ...args] = inNetns(NETNS, [
      process.execPath,
      'src/main.ts',
      'agent',
      '--cleanup',
      '--dir',
      join(dir, 'agent'),
    ])
    await run([program, ...args]) // what the tests before left
    const before = await dump()
    withNetns(netnsPath(NETNS), () => made.listenHere(API_PORT + 1))
    const { child, ready } = startAgent('--kubeconfig', path)
    await ready
    const meanwhile = await dump()
    expect(meanwhile).toContain('table ip fairway')
    expect(meanwhile).toContain('up0/route_localnet:1')
    expect(meanwhile).toContain('agent.sock')
    await until(async () => /^32765:.*lookup 20819/m.test(await dump()))
    const bird = await pidOfBird()
    await kill(child) // the harder end: what is there was left by a dead agent
    expect(identify(bird)).toBeDefined()
    await run([program, ...args])
    expect(identify(bird)).toBeUndefined()
    expect(await dump()).toBe(before)
    await made.close()
  })

  test('with --bgp none it takes back what an agent before it announced', async () => {
    for (const [path, object] of settings()) api.store.put(path, object)
    const first = startAgent()
    const bird = await pidOfBird()
    await kill(first.child)
    expect(identify(bird)).toBeDefined()
    const second = startAgent('--bgp', 'none')
    await second.ready
    expect(identify(bird)).toBeUndefined()
    expect(await dump()).not.toContain('20819')
    expect('bgp' in (await state())).toBe(false)
    for (const [path] of settings()) for (const key of [...api.store.objects(path).keys()]) api.store.remove(path, key)
    await kill(second.child)
  })

  test('answers load balancers: for the node, and for a Service with policy Local', async () => {
    const loadBalancer = {
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.11'],
      ipFamilies: ['IPv4'],
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31234,
      allocateLoadBalancerNodePorts: false,
      ports: [{ port: 80, protocol: 'TCP' }],
    }
    api.store.put('/api/v1/services', { metadata: { namespace: 'default', name: 'balanced' }, spec: loadBalancer } as KubeObject)
    const { child, ready } = startAgent()
    await ready
    const asks = async (port: number, path = '') => {
      const { stdout } = await tryRun(
        inNetns(NETNS, ['curl', '-s', '-m', '2', '-w', ' %{http_code}', `http://192.0.2.2:${port}/${path}`]),
      )
      return stdout.replaceAll(/\s+/g, ' ')
    }
    const body = (count: number) =>
      `{ "service": { "namespace": "default", "name": "balanced" }, "localEndpoints": ${count}, "serviceProxyHealthy": true }`
    expect(await asks(31234)).toBe(`${body(0)} 503`)
    api.store.put(SLICES, slice(['10.244.1.2'], 'balanced'))
    await until(async () => (await asks(31234)) === `${body(1)} 200`)
    const ends = { ready: false, serving: true, terminating: true }
    api.store.put(SLICES, slice(['10.244.1.2'], 'balanced', ends))
    await until(async () => (await asks(31234)) === `${body(0)} 503`)
    expect(await asks(10256, 'healthz')).toMatch(/"nodeEligible":true} 200$/)
    api.store.put('/api/v1/nodes', node([{ key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' }]))
    await until(async () => (await asks(10256, 'healthz')).endsWith(' 503'))
    expect(await asks(10256, 'livez')).toMatch(/ 200$/)
    api.store.put('/api/v1/nodes', node())
    api.store.remove('/api/v1/services', 'default/balanced')
    await until(async () => (await asks(31234)) === ' 000')
    await kill(child)
  })

  test('answers health checks on the machine’s addresses in chosen ranges, and on no other', async () => {
    await ipBatch(NETNS, ['addr add 198.51.100.5/32 dev up0'])
    const spec = {
      type: 'LoadBalancer',
      clusterIPs: ['10.96.0.12'],
      ipFamilies: ['IPv4'],
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: 31235,
      ports: [{ port: 80, protocol: 'TCP', nodePort: 31080 }],
    }
    api.store.put('/api/v1/services', { metadata: { namespace: 'default', name: 'chosen' }, spec } as KubeObject)
    const { child, ready } = startAgent('--node-port-addresses', '198.51.100.7/24,127.0.0.0/8')
    await ready
    const asks = async (address: string) => {
      const curl = ['curl', '-s', '-o', '/dev/null', '-m', '2', '-w', '%{http_code}', `http://${address}:31235/`]
      return (await tryRun(inNetns(NETNS, curl))).stdout
    }
    await until(async () => (await asks('198.51.100.5')) === '503')
    expect([await asks('192.0.2.2'), await asks('127.0.0.1')]).toEqual(['000', '000'])
    const range = await run(inNetns(NETNS, ['nft', 'list', 'set', 'ip', 'fairway', 'node_range']))
    expect(range).toContain('198.51.100.0/24')
    api.store.remove('/api/v1/services', 'default/chosen')
    await until(async () => (await asks('198.51.100.5')) === '000')
    await kill(child)
    await ipBatch(NETNS, ['addr del 198.51.100.5/32 dev up0'])
  })

  test('says what is wrong with its flags', async () => {
    const result = await tryRun([process.execPath, 'src/main.ts', 'agent', '--nodes', 'n1'])
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toBe('')
    expect(JSON.parse(result.stderr)).toMatchObject({ level: 'fatal', err: { code: 'FW0001' } })
  })
})
