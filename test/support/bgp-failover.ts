/** A lab with BGP in which two nodes announce one address, by our engine, and what flows to it notice of what is killed. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type BirdEngine, createBirdEngine } from '../../src/engine/bird/engine.ts'
import { ipBatch, netnsPath } from '../../src/linux/netns.ts'
import { tryRun } from '../../src/linux/run.ts'
import type { BfdTimers } from '../../src/model/bgp.ts'
import type { FlowsResult } from '../live/bgp/flows.ts'
import { route, SPEAKER, session } from './bgp-entries.ts'
import { NEVER } from './datapath.ts'
import { startAsking, startEcho } from './live-flows.ts'
import { bringUpLab, FAIRWAY, type LiveLab } from './live-lab.ts'

const ADDRESS = '198.51.100.1'
const PORT = 7007
/** Nodes that announce the address, and have it. */
const NODES = { 'optiplex-1': '192.168.0.240', 'optiplex-2': '192.168.0.161' } as const
type NodeName = keyof typeof NODES

/** 150 ms of silence. */
export const FAST_BFD: BfdTimers = { receiveInMs: 50, transmitInMs: 50, detectMultiplier: 3, passive: false }

/** Who the nodes announce to, and who asks: by the lab's FRR, or by a BIRD on the client, which is its own router. */
export const ROUTERS = {
  frr: { peerAddress: '192.168.0.1', peerAs: 64_512, host: 'tor', asks: 'far-client' },
  bird: { peerAddress: '192.168.0.10', peerAs: 64_520, host: 'client', asks: 'client' },
} as const

/** How the nodes announce. */
export interface Way {
  readonly router: (typeof ROUTERS)[keyof typeof ROUTERS]
  readonly bfd?: BfdTimers
  readonly gracefulRestart?: boolean
}

const soon = { timeout: 15_000, interval: 100 }

/** `up` first; `down` also after a failure. */
export class Failover {
  private readonly name: string
  private readonly dir = mkdtempSync(join(tmpdir(), 'fwt-fail-'))
  /** Nodes that echo; the programs end with their node. */
  private readonly echoes = new Set<string>()
  private readonly engines = new Map<string, BirdEngine>()
  private lab: LiveLab | undefined

  /** `name` is the lab's. */
  constructor(name: string) {
    this.name = name
  }

  async up(): Promise<void> {
    this.lab = await bringUpLab(this.name, '--with', 'bgp')
  }

  async down(): Promise<void> {
    for (const engine of this.engines.values()) await engine.close()
    await this.lab?.down()
    rmSync(this.dir, { recursive: true, force: true })
  }

  /** What flows notice of a node that loses its power while another announces the same. It is there again afterwards. */
  async afterDeath(way: Way): Promise<FlowsResult> {
    const victim = 'optiplex-2'
    for (const node of Object.keys(NODES) as NodeName[]) await this.announce(node, way)
    await expect.poll(() => this.paths(way), soon).toBe(2)
    if (way.bfd !== undefined) await Promise.all([...this.engines.values()].map(untilBfdIsUp))
    const asking = await startAsking(this.namespace(way.router.asks), ADDRESS, PORT)
    await this.engines.get(victim)?.close() // else it would start BIRD anew in a place that is gone
    this.engines.delete(victim)
    await this.nodeIs('stop', victim)
    this.echoes.delete(victim)
    await expect.poll(() => this.paths(way), soon).toBe(1)
    const result = await asking.end()
    await this.nodeIs('start', victim)
    return result
  }

  /** What flows notice when the BIRD of their only node is killed, and started anew. */
  async afterKill(way: Way): Promise<FlowsResult> {
    await this.engines.get('optiplex-2')?.cleanup()
    const announcing = await this.announce('optiplex-1', way)
    await expect.poll(() => this.paths(way), soon).toBe(1)
    if (way.bfd !== undefined) await untilBfdIsUp(announcing)
    const asking = await startAsking(this.namespace(way.router.asks), ADDRESS, PORT)
    process.kill(Number(readFileSync(join(this.dir, 'optiplex-1', 'bird.pid'), 'utf8')), 'SIGKILL')
    await expect.poll(() => announcing.findings.map(({ code }) => code.name), soon).toContain('BGP_DAEMON_DIED')
    const states = async () => (await announcing.sessions())[0]
    await expect.poll(states, soon).toMatchObject({ phase: 'established', prefixes: { ipv4: { sent: 1 } } })
    await expect.poll(() => this.paths(way), soon).toBe(1)
    return asking.end()
  }

  /** A BIRD on the client that takes what nodes announce, over all of their paths. */
  async startBirdRouter(): Promise<void> {
    const config = join(this.dir, 'router.conf')
    writeFileSync(config, ROUTER_CONFIG)
    const files = `-c ${config} -s ${join(this.dir, 'router.ctl')} -P ${join(this.dir, 'router.pid')}`
    const started = await this.lab?.on('client', `sysctl -qw net.ipv4.fib_multipath_hash_policy=1 && bird ${files}`)
    expect(started).toMatchObject({ exitCode: 0 })
  }

  /** The node has the address, echoes there, and announces it. */
  private async announce(node: NodeName, { router, bfd, gracefulRestart = false }: Way): Promise<BirdEngine> {
    const netns = this.namespace(node)
    await ipBatch(netns, [`addr replace ${ADDRESS}/32 dev lo`])
    if (!this.echoes.has(node)) await startEcho(netns, ADDRESS, PORT)
    this.echoes.add(node)
    await this.engines.get(node)?.close()
    const engine = createBirdEngine({ directory: join(this.dir, node), netns: netnsPath(netns) })
    this.engines.set(node, engine)
    const own = NODES[node]
    const { peerAddress, peerAs } = router
    const peer = session({
      ...{ localAs: 64_513, peerAs, peerAddress, sourceAddress: own, nextHops: { ipv4: own }, gracefulRestart },
      ...(bfd === undefined ? {} : { bfd }),
    })
    await engine.refresh(NEVER)
    await engine.apply({ upserts: [{ ...SPEAKER, routerId: own }, peer, route(`${ADDRESS}/32`)], removals: [] }, NEVER)
    return engine
  }

  private async paths({ router }: Way): Promise<number> {
    const shown = await this.lab?.on(router.host, `ip route show ${ADDRESS}`)
    return (shown?.stdout.match(/via 192\.168\.0\.\d+/g) ?? []).length
  }

  private nodeIs(verb: 'stop' | 'start', node: string) {
    return tryRun([FAIRWAY, 'lab', 'node', verb, '--name', this.name, node])
  }

  private namespace(host: string): string {
    return `fw-${this.name}-${host}`
  }
}

/** A session is up before its BFD is, which begins with a packet a second. */
async function untilBfdIsUp(engine: BirdEngine): Promise<void> {
  await expect.poll(async () => (await engine.sessions()).map(({ bfd }) => bfd), soon).toEqual(['up'])
}

const ROUTER_CONFIG = `router id 192.168.0.10;
protocol device {}
protocol bfd { interface "eth0" { interval 50 ms; multiplier 3; }; }
protocol kernel { merge paths on; learn off; ipv4 { import none; export where source = RTS_BGP; }; }
protocol bgp nodes {
  local 192.168.0.10 as 64520;
  neighbor range 192.168.0.0/16 as 64513;
  bfd;
  hold time 9; connect delay time 1; error wait time 1, 2;
  ipv4 { import all; export none; };
}
`

/** Figures of a run, for whoever reads its log. */
export function report(what: string, ...results: readonly FlowsResult[]): void {
  for (const result of results) process.stdout.write(`${what}: ${JSON.stringify(result)}\n`)
}
