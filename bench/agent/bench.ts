/** What an agent costs its node: memory and processor, idle and at 10,000 Services of ten endpoints, and while endpoints change. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { askUnix } from '../../src/http/unix-server.ts'
import { FakeApi } from '../../src/kube/fake/fake-api.ts'
import type { KubeObject } from '../../src/kube/types.ts'
import { netnsPath, withNetns } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'
import { inFreshNamespace } from '../namespace.ts'
import { machine } from '../results.ts'
import { table } from '../statistics.ts'
import { Measured } from './process.ts'

const ROOT = join(import.meta.dirname, '../..')
const PORT = 6443
const SERVICES = 10_000
const ENDPOINTS_EACH = 10
const REST_IN_MS = 10_000
const CHURN_IN_MS = 20_000
const CHANGES_A_SECOND = 100
const AIM = { emptyInMiB: 120, fullInMiB: 300 }
const SLICES = '/apis/discovery.k8s.io/v1/endpointslices'

interface Costs {
  readonly restInBytes: number
  readonly highestInBytes: number
  /** Of one core. */
  readonly processor: number
}

interface Churn extends Costs {
  /** Seconds, the bound of the histogram's bucket that holds the share. */
  readonly p50InS: number
  readonly p99InS: number
  readonly changes: number
}

/** Measures, and returns the section of RESULTS.md. */
export async function measure(say: (text: string) => void): Promise<string> {
  // in the checkout, so that the bundle finds what it is shipped with
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const dist = mkdtempSync(join(ROOT, '.cache/bench-agent-'))
  try {
    await run([process.execPath, join(ROOT, 'scripts/bundle.ts'), dist])
    return await measureBundle(join(dist, 'main.js'), say)
  } finally {
    rmSync(dist, { recursive: true, force: true })
  }
}

async function measureBundle(main: string, say: (text: string) => void): Promise<string> {
  const bare = await inFreshNamespace(async (name) => {
    await using node = new Measured(name, ['-e', "require('fs').writeSync(3, 'READY'); setInterval(() => {}, 1e6)"])
    await node.ready()
    return await rest(node)
  })
  say(`bare Node: ${mebibytes(bare.restInBytes)}`)
  const empty = await withAgent(main, 1, (agent) => rest(agent))
  say(`an agent of an empty cluster: ${mebibytes(empty.restInBytes)}`)
  const full = await withAgent(main, SERVICES, async (agent, { api, socket, startedInMs }) => {
    const idle = await rest(agent)
    say(`at size: ${mebibytes(idle.restInBytes)}, highest ${mebibytes(idle.highestInBytes)}`)
    return { idle, startedInMs, churn: await churn(agent, api, socket) }
  })
  say(`changing: ${percent(full.churn.processor)} of a core, p99 ${full.churn.p99InS * 1000} ms`)
  return section(bare, empty, full, await machine([['nft', '--version']]))
}

interface Around {
  readonly api: FakeApi
  readonly socket: string
  readonly startedInMs: number
}

async function withAgent<T>(main: string, services: number, action: (agent: Measured, around: Around) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'fwt-bench-agent-'))
  const api = apiWith(services)
  try {
    return await inFreshNamespace(async (name) => {
      withNetns(netnsPath(name), () => api.listenHere(PORT))
      writeFileSync(join(dir, 'kubeconfig'), KUBECONFIG)
      const startedAt = performance.now()
      await using agent = new Measured(name, [
        main,
        'agent',
        ...['--node', 'n1', '--kubeconfig', join(dir, 'kubeconfig'), '--dir', dir, '--ready-fd', '3'],
      ])
      await agent.ready()
      return await action(agent, { api, socket: join(dir, 'agent.sock'), startedInMs: performance.now() - startedAt })
    })
  } finally {
    await api.close().catch(() => undefined)
    rmSync(dir, { recursive: true, force: true })
  }
}

const KUBECONFIG = `current-context: c
contexts: [{ name: c, context: { cluster: c, user: u } }]
clusters: [{ name: c, cluster: { server: 'http://127.0.0.1:${PORT}' } }]
users: [{ name: u, user: { token: secret } }]
`

function apiWith(services: number): FakeApi {
  const api = new FakeApi()
  const addresses = [{ type: 'InternalIP', address: '192.168.0.154' }]
  api.store.put('/api/v1/nodes', {
    metadata: { name: 'n1' },
    spec: { podCIDRs: ['10.244.0.0/24'] },
    status: { addresses },
  } as KubeObject)
  for (let index = 0; index < services; index++) {
    const spec = {
      type: index % 10 === 0 ? 'NodePort' : 'ClusterIP',
      clusterIPs: [`10.${96 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`],
      ipFamilies: ['IPv4'],
      ports: [{ port: 80, protocol: 'TCP', ...(index % 10 === 0 ? { nodePort: 30_000 + index / 10 } : {}) }],
    }
    api.store.put('/api/v1/services', { metadata: { namespace: 'bench', name: `s-${index}` }, spec } as KubeObject)
    api.store.put(SLICES, slice(index, 0))
  }
  return api
}

/** `turn` makes the first endpoint another one. */
function slice(index: number, turn: number): KubeObject {
  const address = (offset: number) => {
    const number = index * ENDPOINTS_EACH + offset
    return `10.${128 + (number >> 16) + (offset === 0 ? 64 * (turn % 2) : 0)}.${(number >> 8) & 255}.${number & 255}`
  }
  return {
    metadata: { namespace: 'bench', name: `s-${index}`, labels: { 'kubernetes.io/service-name': `s-${index}` } },
    addressType: 'IPv4',
    endpoints: Array.from({ length: ENDPOINTS_EACH }, (_, offset) => ({
      addresses: [address(offset)],
      nodeName: `n${offset}`,
      conditions: { ready: true, serving: true, terminating: false },
      targetRef: { kind: 'Pod', namespace: 'bench', name: `s-${index}-${offset}` },
    })),
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  } as KubeObject
}

/** Lets it come to rest, then watches it do nothing. */
async function rest(one: Measured): Promise<Costs> {
  await setTimeout(REST_IN_MS / 2)
  const before = one.processorInS
  await setTimeout(REST_IN_MS)
  const { now, highest } = one.memory
  return { restInBytes: now, highestInBytes: highest, processor: ((one.processorInS - before) * 1000) / REST_IN_MS }
}

async function churn(agent: Measured, api: FakeApi, socket: string): Promise<Churn> {
  const before = { processorInS: agent.processorInS, latency: await latencies(socket) }
  const startedAt = performance.now()
  let changes = 0
  while (performance.now() - startedAt < CHURN_IN_MS) {
    const due = ((performance.now() - startedAt) * CHANGES_A_SECOND) / 1000
    for (; changes < due; changes++) api.store.put(SLICES, slice((changes * 7919) % SERVICES, 1 + Math.floor(changes / SERVICES)))
    await setTimeout(5)
  }
  const tookInS = (performance.now() - startedAt) / 1000
  const { now, highest } = agent.memory
  const after = await latencies(socket)
  const counts = [...after].map(([bound, count]) => [bound, count - (before.latency.get(bound) ?? 0)] as const)
  return {
    restInBytes: now,
    highestInBytes: highest,
    processor: (agent.processorInS - before.processorInS) / tookInS,
    p50InS: share(counts, 0.5),
    p99InS: share(counts, 0.99),
    changes,
  }
}

/** Bounds in seconds with how many observations are not above them. */
async function latencies(socket: string): Promise<ReadonlyMap<number, number>> {
  const { text } = await askUnix(socket, '/metrics')
  const lines = text.matchAll(/^fairway_programming_duration_seconds_bucket\{le="([^"]+)"\} (\d+)$/gm)
  return new Map(
    [...lines].map(([, bound, count]) => [bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound), Number(count)]),
  )
}

function share(counts: readonly (readonly [number, number])[], part: number): number {
  const all = counts.at(-1)?.[1] ?? 0
  return counts.find(([, count]) => count >= all * part)?.[0] ?? Number.NaN
}

const mebibytes = (value: number) => `${Math.round(value / 2 ** 20)} MiB`
const percent = (value: number) => `${(value * 100).toFixed(1)} %`
const bound = (seconds: number) => `at most ${seconds * 1000} ms`
const met = (bytes: number, aim: number) => `${aim} MiB, ${bytes / 2 ** 20 <= aim ? 'met' : 'missed'}`

interface Full {
  readonly idle: Costs
  readonly startedInMs: number
  readonly churn: Churn
}

function section(bare: Costs, empty: Costs, full: Full, where: string): string {
  const row = (name: string, { restInBytes, highestInBytes, processor }: Costs, aim: string) => [
    name,
    `${(restInBytes / bare.restInBytes).toFixed(1)}x`,
    mebibytes(restInBytes),
    mebibytes(highestInBytes),
    percent(processor),
    aim,
  ]
  return [
    '## The agent: what it costs its node',
    '',
    `The agent as a process, bundled as it ships, with an API server in memory that holds ${SERVICES.toLocaleString('en-US')} Services of ${ENDPOINTS_EACH} endpoints. Memory is what is resident, beside that of a Node`,
    'process that does nothing; processor time is of all threads and of programs that it started, in percent of one core.',
    '',
    table(
      ['', 'times bare Node', 'resident', 'highest', 'processor', 'aim'],
      [
        row('bare Node', bare, '-'),
        row('agent, one Service', empty, met(empty.restInBytes, AIM.emptyInMiB)),
        row('agent, all Services, nothing happens', full.idle, met(full.idle.restInBytes, AIM.fullInMiB)),
        row(`the same, ${CHANGES_A_SECOND} endpoint changes a second`, full.churn, met(full.churn.restInBytes, AIM.fullInMiB)),
      ],
    ),
    '',
    `From the start of the process to the first whole state in the kernel: ${(full.startedInMs / 1000).toFixed(1)} s. Of ${full.churn.changes.toLocaleString('en-US')} changes, from the bytes of the watch event to the kernel:`,
    `half ${bound(full.churn.p50InS)}, 99 of 100 ${bound(full.churn.p99InS)}.`,
    '',
    where,
  ].join('\n')
}
