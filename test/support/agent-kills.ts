/** An agent that is killed at random moments while its world changes all the time and a client asks through the node. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { AgentState } from '../../src/agent/state.ts'
import { createNftablesEngine } from '../../src/engine/nftables/engine.ts'
import { askUnix } from '../../src/http/unix-server.ts'
import { FakeApi } from '../../src/kube/fake/fake-api.ts'
import type { EndpointSlice, KubeObject, Node, Service } from '../../src/kube/types.ts'
import { convertEndpointSlice, convertNode, convertService } from '../../src/kube/world-objects.ts'
import { inNetns, netnsPath, withNetns } from '../../src/linux/netns.ts'
import type { DataPathEntry } from '../../src/model/datapath.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { type TestHost, TestNet } from '../live/datapath/net.ts'
import { aWorld } from './world.ts'

const SERVICES = '/api/v1/services'
const SLICES = '/apis/discovery.k8s.io/v1/endpointslices'
const NODES = '/api/v1/nodes'
const LOAD = fileURLToPath(new URL('../live/traffic/load.ts', import.meta.url))
const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const PORT = 6443
const CHURNED = 60
/** Up to so long an agent lives: some die before they are ready, some in the middle of a change. */
const LIFE_IN_MS = 800
const PAGE = "require('http').createServer((q, r) => r.end('ok')).listen(8080, () => process.stdout.write('ready'))"

export interface KillsResult {
  readonly asked: number
  readonly failed: readonly object[]
  readonly changes: number
  /** What the kernel has and what the plan says, each as `KEY JSON`, sorted. */
  readonly installed: readonly string[]
  readonly planned: readonly string[]
}

/** `prefix` begins the names of its namespaces. */
export class AgentKills {
  private readonly net: TestNet
  private readonly api = new FakeApi()
  private readonly dir = mkdtempSync(join(tmpdir(), 'fwt-kill-'))
  private readonly children = new Set<ChildProcess>()
  private readonly node: TestHost
  private changes = 0

  constructor(prefix: string) {
    this.net = new TestNet(prefix)
    this.node = this.net.nodes[0] as TestHost
  }

  async up(): Promise<void> {
    await this.net.up()
    for (const id of [10, 11]) {
      const pod = await this.net.addPod(0, id)
      const server = this.spawn(inNetns(pod.ns, [process.execPath, '-e', PAGE]))
      await once(server.stdout as NodeJS.ReadableStream, 'data')
    }
    const addresses = [{ type: 'InternalIP', address: this.node.ipv4 }]
    const node = { metadata: { name: 'n1' }, spec: { podCIDRs: ['10.244.1.0/24'] }, status: { addresses } }
    this.api.store.put(NODES, node as KubeObject)
    this.put('web', 0, ['10.244.1.10'])
    withNetns(netnsPath(this.node.ns), () => this.api.listenHere(PORT))
    const lines = [
      'current-context: c',
      'contexts: [{ name: c, context: { cluster: c, user: u } }]',
      `clusters: [{ name: c, cluster: { server: 'http://127.0.0.1:${PORT}' } }]`,
      'users: [{ name: u, user: { token: secret } }]',
    ]
    writeFileSync(join(this.dir, 'kubeconfig'), lines.join('\n'))
  }

  async down(): Promise<void> {
    for (const child of this.children) await this.end(child)
    await this.api.close().catch(() => undefined)
    await this.net.down()
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** Kills `kills` agents; then lets one live until it has done everything. */
  async run(kills: number): Promise<KillsResult> {
    const first = this.agent()
    await this.settled()
    const load = this.spawn(inNetns(this.net.client.ns, [process.execPath, LOAD, `http://${this.node.ipv4}:30000/`]))
    const said = text(load.stdout as NodeJS.ReadableStream)
    const churn = setInterval(() => this.change(), 3)
    let agent = first
    for (let kill = 0; kill < kills; kill++) {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * LIFE_IN_MS)) // the moment is the test
      await this.end(agent)
      agent = this.agent()
    }
    await this.settled()
    clearInterval(churn)
    await this.settled()
    load.stdin?.end()
    await once(load, 'close')
    const { asked, failed } = JSON.parse(await said) as Pick<KillsResult, 'asked' | 'failed'>
    const result = { asked, failed, changes: this.changes, installed: await this.installed(), planned: this.planned() }
    await this.end(agent)
    return result
  }

  private agent(): ChildProcess {
    const flags = ['--node', 'n1', '--kubeconfig', join(this.dir, 'kubeconfig'), '--dir', this.dir]
    return this.spawn(inNetns(this.node.ns, ['setpriv', '--pdeathsig', 'KILL', process.execPath, MAIN, 'agent', ...flags]))
  }

  private spawn([program = '', ...args]: readonly string[]): ChildProcess {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] })
    this.children.add(child)
    return child
  }

  private async end(child: ChildProcess): Promise<void> {
    this.children.delete(child)
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** One object of the world becomes another; the Service that is asked always has an endpoint that answers. */
  private change(): void {
    this.changes++
    if (this.changes % 10 === 0) {
      this.put('web', 0, [['10.244.1.10'], ['10.244.1.10', '10.244.1.11'], ['10.244.1.11']][Math.floor(Math.random() * 3)] ?? [])
      return
    }
    const id = 1 + Math.floor(Math.random() * CHURNED)
    const count = Math.floor(Math.random() * 6)
    const addresses = Array.from({ length: count }, () => `10.244.1.${20 + Math.floor(Math.random() * 200)}`)
    if (Math.random() < 0.1) this.api.store.remove(SERVICES, `default/s-${id}`)
    else this.put(`s-${id}`, id, [...new Set(addresses)])
  }

  private put(name: string, id: number, addresses: readonly string[]): void {
    const { store } = this.api
    const spec = {
      type: 'NodePort',
      clusterIPs: [`10.96.1.${id}`],
      ipFamilies: ['IPv4'],
      ...(id % 3 === 1 ? { externalTrafficPolicy: 'Local' } : {}),
      ...(id % 4 === 1 ? { sessionAffinity: 'ClientIP' } : {}),
      ports: [
        { name: 'tcp', port: 80, nodePort: 30_000 + id, protocol: 'TCP' },
        { name: 'udp', port: 80, nodePort: 30_000 + id, protocol: 'UDP' },
      ],
    }
    const metadata = { namespace: 'default', name }
    if (!store.objects(SERVICES).has(`default/${name}`)) store.put(SERVICES, { metadata, spec } as KubeObject)
    store.put(SLICES, {
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: addresses.map((address) => ({ addresses: [address], nodeName: id % 5 === 1 ? 'n2' : 'n1' })),
      ports: ['TCP', 'UDP'].map((protocol) => ({ name: protocol.toLowerCase(), port: 8080, protocol })),
    } as KubeObject)
  }

  /** Waits until an agent says that it has heard everything and done it, twice in a row. */
  private async settled(): Promise<void> {
    for (let good = 0; good < 2; ) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      const state = await askUnix(join(this.dir, 'agent.sock'), '/state').then(
        ({ text: page }) => JSON.parse(page) as AgentState,
        () => undefined,
      )
      good = state?.synced && state.connected && state.pending === 0 && state.error === undefined ? good + 1 : 0
    }
  }

  private async installed(): Promise<readonly string[]> {
    const engine = createNftablesEngine({ netns: netnsPath(this.node.ns) })
    await engine.refresh(new AbortController().signal)
    const lines = linesOf(engine.observed)
    await engine.close()
    return lines
  }

  /** Planned from scratch, from the objects as they are now. */
  private planned(): readonly string[] {
    const objects = <T>(collection: string) => [...this.api.store.objects(collection).values()] as unknown as readonly T[]
    const world = aWorld({
      services: objects<Service>(SERVICES).flatMap((one) => convertService(one).value ?? []),
      slices: objects<EndpointSlice>(SLICES).flatMap((one) => convertEndpointSlice(one).value ?? []),
      nodes: objects<Node>(NODES).flatMap((one) => convertNode(one).value ?? []),
    })
    const planner = createPlanner('n1')
    planner.update(world, changesOf(world))
    return linesOf(planner.entries)
  }
}

function linesOf(entries: ReadonlyMap<string, DataPathEntry>): readonly string[] {
  const sorted = (entry: DataPathEntry) => Object.fromEntries(Object.entries(entry).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  return [...entries].map(([key, entry]) => `${key} ${JSON.stringify(sorted(entry))}`).toSorted()
}
