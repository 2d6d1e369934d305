/** The agent as a process, with the kernel's nftables, in a namespace of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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
  writeFileSync(
    join(dir, 'kubeconfig'),
    `current-context: c
contexts: [{ name: c, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: 'http://127.0.0.1:${API_PORT}' } }]
users: [{ name: u, user: { token: secret } }]
`,
  )
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

function openApi(): void {
  withNetns(netnsPath(NETNS), () => api.listenHere(API_PORT))
}

function slice(...addresses: string[]): KubeObject {
  const endpoints = addresses.map((address) => ({ addresses: [address], nodeName: 'n1' }))
  const metadata = { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } }
  return { metadata, addressType: 'IPv4', endpoints, ports: [{ name: '', port: 8080, protocol: 'TCP' }] } as KubeObject
}

function apiWith(endpoint: string): FakeApi {
  const made = new FakeApi()
  const service = {
    type: 'NodePort',
    clusterIPs: ['10.96.0.10'],
    ipFamilies: ['IPv4'],
    ports: [{ port: 80, nodePort: 30018, protocol: 'TCP' }],
  }
  const status = { addresses: [{ type: 'InternalIP', address: '192.0.2.2' }] }
  made.store.put('/api/v1/nodes', { metadata: { name: 'n1' }, spec: { podCIDRs: ['10.244.1.0/24'] }, status } as KubeObject)
  made.store.put('/api/v1/services', { metadata: { namespace: 'default', name: 'web' }, spec: service } as KubeObject)
  made.store.put(SLICES, slice(endpoint))
  return made
}

/** Starts an agent; `ready` resolves when it wrote READY, and rejects when it ended before. */
function startAgent(...more: string[]): { readonly child: ChildProcess; readonly ready: Promise<void> } {
  const flags = ['--node', 'n1', '--kubeconfig', join(dir, 'kubeconfig'), '--dir', join(dir, 'agent'), '--ready-fd', '3', ...more]
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
    api.store.put(SLICES, slice('10.244.1.7'))
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
      expect(performance.now() - startedAt, damage).toBeLessThan(1_000)
    }
    // one round each, and one for a change: neither our own writes nor other people's tables wake the agent
    const rounds = async () => Number(/fairway_rounds_total (\d+)/.exec((await askUnix(socket, '/metrics')).text)?.[1])
    await until(async () => (await rounds()) >= 1 + damages.length)
    await nft('add table ip somebody')
    await nft('delete table ip somebody')
    api.store.put(SLICES, slice('10.244.1.8'))
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

  test('says what is wrong with its flags', async () => {
    const result = await tryRun([process.execPath, 'src/main.ts', 'agent', '--nodes', 'n1'])
    expect(result.exitCode).toBe(1)
    expect(result.stdout).toBe('')
    expect(JSON.parse(result.stderr)).toMatchObject({ level: 'fatal', err: { code: 'FW0001' } })
  })
})
