/** A small network for data path tests: hosts in namespaces on one switch, pods behind the nodes as CNI's ptp wires them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { on } from 'node:events'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { inNetns, ipBatch } from '../../../src/linux/netns.ts'
import { run, tryRun } from '../../../src/linux/run.ts'
import { type Packet, readPacket } from './packet.ts'

export interface TestHost {
  readonly name: string
  readonly ns: string
  readonly ipv4: string
  readonly ipv6: string
}

export interface TestPod extends TestHost {
  readonly node: string
}

export interface Capture {
  /** The next packet of those that are asked for; rejects after a time without one. */
  next(matches: (packet: Packet) => boolean, timeoutInMs?: number): Promise<Packet>
}

export interface HeldConnection {
  /** Sends a line, and resolves with what comes back, or with `closed` when the connection is no more. */
  say(line: string): Promise<string>
  end(): void
}

const SERVER = fileURLToPath(new URL('./server.ts', import.meta.url))
const HOLD = fileURLToPath(new URL('./hold.ts', import.meta.url))
const RAW = fileURLToPath(new URL('./raw.ts', import.meta.url))
const PROBE = fileURLToPath(new URL('./probe.ts', import.meta.url))

/** Addresses of Services are at the first node. */
const TO_SERVICES: readonly string[] = [
  'route add 10.96.0.0/16 via 192.168.77.11',
  'route add 203.0.113.0/24 via 192.168.77.11',
  'route add fd00:96::/112 via fd00:77::11',
  'route add 2001:db8:113::/64 via fd00:77::11',
]

/** Hosts `client`, `n1`, `n2` at 192.168.77.1, .11, .12; pods of node K at 10.244.K.x. Routed between nodes without an overlay. */
export class TestNet {
  readonly client: TestHost
  readonly nodes: readonly TestHost[]
  readonly pods: TestPod[] = []
  private readonly children: ChildProcess[] = []
  private readonly prefix: string

  /** `prefix` and the number of this process begin the names of its namespaces, so that runs side by side do not meet. */
  constructor(prefix = 'fwt-dp') {
    this.prefix = `${prefix}-${process.pid}`
    this.client = host(this.prefix, 'client', 1)
    this.nodes = [host(this.prefix, 'n1', 11), host(this.prefix, 'n2', 12)]
  }

  async up(): Promise<void> {
    await this.down()
    await removeLeftovers()
    const hosts = [this.client, ...this.nodes]
    for (const ns of [`${this.prefix}-switch`, ...hosts.map((one) => one.ns)]) await run(['ip', 'netns', 'add', ns])
    await ipBatch(`${this.prefix}-switch`, ['link add br0 type bridge', 'link set br0 up'])
    for (const one of hosts) {
      await ipBatch(`${this.prefix}-switch`, [
        `link add v-${one.name} type veth peer name eth0 netns ${one.ns}`,
        `link set v-${one.name} master br0 up`,
      ])
      await ipBatch(one.ns, [
        'link set lo up',
        'link set eth0 up',
        `addr add ${one.ipv4}/24 dev eth0`,
        `addr add ${one.ipv6}/64 dev eth0 nodad`,
        // pods are not reachable from the client
        ...(one === this.client ? TO_SERVICES : ['route add default via 192.168.77.1', 'route add default via fd00:77::1']),
      ])
    }
    for (const [index, node] of this.nodes.entries()) await this.wireNode(index, node)
  }

  private async wireNode(index: number, node: TestHost): Promise<void> {
    // The kernel sends one host six ICMP errors at once, then one a second: these tests want more refusals than that.
    const forward = [
      'net.ipv4.icmp_ratelimit=0',
      'net.ipv6.icmp.ratelimit=0',
      'net.ipv4.ip_forward=1',
      'net.ipv6.conf.all.forwarding=1',
      'net.ipv4.conf.all.rp_filter=0',
    ]
    await run(inNetns(node.ns, ['sysctl', '-q', '-w', ...forward]))
    const other = this.nodes[1 - index] as TestHost
    await ipBatch(node.ns, [
      `route add 10.244.${2 - index}.0/24 via ${other.ipv4}`,
      `route add fd00:244:${2 - index}::/64 via ${other.ipv6}`,
    ])
  }

  /** A pod on a node; `id` is the last part of its addresses. */
  async addPod(nodeIndex: number, id: number): Promise<TestPod> {
    const node = this.nodes[nodeIndex] as TestHost
    const k = nodeIndex + 1
    const name = `p${k}-${id}`
    const pod = { name, ns: `${this.prefix}-${name}`, node: node.name, ipv4: `10.244.${k}.${id}`, ipv6: `fd00:244:${k}::${id}` }
    await run(['ip', 'netns', 'add', pod.ns])
    await this.wirePod(pod)
    this.pods.push(pod)
    return pod
  }

  /** Wires a pod, for the first time or after its interface was deleted. */
  async wirePod(pod: TestPod): Promise<void> {
    const { name } = pod
    const node = this.nodes.find((one) => one.name === pod.node) as TestHost
    const k = node.name.slice(1)
    await ipBatch(node.ns, [
      `link add h-${name} type veth peer name eth0 netns ${pod.ns}`,
      `link set h-${name} up`,
      `addr add 10.244.${k}.1/32 dev h-${name}`,
      `addr add fe80::1/64 dev h-${name} nodad`,
      `route add ${pod.ipv4}/32 dev h-${name}`,
      `route add ${pod.ipv6}/128 dev h-${name}`,
    ])
    await ipBatch(pod.ns, [
      'link set lo up',
      'link set eth0 up',
      `addr add ${pod.ipv4}/32 dev eth0`,
      `addr add ${pod.ipv6}/128 dev eth0 nodad`,
      `route add 10.244.${k}.1/32 dev eth0`,
      `route add default via 10.244.${k}.1 src ${pod.ipv4}`,
      'route add default via fe80::1 dev eth0',
    ])
  }

  /** Starts an echo server on a TCP and UDP port of a host; it answers `NAME SOURCE-ADDRESS`. */
  async serve(at: TestHost, port: number): Promise<void> {
    const [program = '', ...args] = inNetns(at.ns, [process.execPath, SERVER, at.name, String(port)])
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.children.push(child)
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('exit', (code) => reject(new Error(`the server of ${at.name} ended with ${code}`)))
    })
  }

  /**
   * Sends from a host: one flow each line, `PROTOCOL ADDRESS PORT [SOURCE-PORT [SOURCE-ADDRESS]]`, all at once.
   * Returns for each the answer, or `refused`, `timeout`, or the errno.
   */
  async probe(from: TestHost, lines: readonly string[]): Promise<readonly string[]> {
    const output = await run(inNetns(from.ns, [process.execPath, PROBE]), { input: lines.join('\n') })
    return JSON.parse(output) as readonly string[]
  }

  /** Opens a TCP connection and holds it: `say` sends a line and resolves with the line that comes back. */
  async hold(from: TestHost, address: string, port: number): Promise<HeldConnection> {
    const [program = '', ...args] = inNetns(from.ns, [process.execPath, HOLD, address, String(port)])
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.children.push(child)
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    await lines.next() // the server's greeting
    return {
      async say(line) {
        child.stdin.write(`${line}\n`)
        const { value, done } = await lines.next()
        return done === true ? 'closed' : value
      },
      end: () => child.stdin.end(),
    }
  }

  /** Sends IP packets as they are. */
  async sendRaw(from: TestHost, ...packets: readonly Buffer[]): Promise<void> {
    const family = (packets[0]?.[0] ?? 0) >> 4 === 4 ? 'ipv4' : 'ipv6'
    await run(inNetns(from.ns, [process.execPath, RAW, 'send', family, ...packets.map((one) => one.toString('hex'))]))
  }

  /** Sees what passes a host's interfaces from now on, both ways. */
  async capture(at: TestHost): Promise<Capture> {
    const [program = '', ...args] = inNetns(at.ns, [process.execPath, RAW, 'capture'])
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    this.children.push(child)
    const lines = on(createInterface({ input: child.stdout }), 'line')
    await lines.next() // ready
    const find = async (matches: (packet: Packet) => boolean): Promise<Packet> => {
      for (;;) {
        const [line] = (await lines.next()).value as [string]
        const packet = readPacket(Buffer.from(line, 'hex'))
        if (packet !== undefined && matches(packet)) return packet
      }
    }
    return {
      next: (matches, timeoutInMs = 2_000) => {
        const late = setTimeout(timeoutInMs, undefined, { ref: false }).then(() => Promise.reject(new Error('no such packet')))
        return Promise.race([find(matches), late])
      },
    }
  }

  async down(): Promise<void> {
    for (const child of this.children.splice(0)) child.kill('SIGKILL')
    for (const name of await namespaces()) if (name.startsWith(`${this.prefix}-`)) await tryRun(['ip', 'netns', 'del', name])
    this.pods.splice(0)
  }
}

async function namespaces(): Promise<readonly string[]> {
  const { stdout } = await tryRun(['ip', '-j', 'netns', 'list'])
  return stdout.trim() === '' ? [] : (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name)
}

/** Namespaces of runs that were killed. */
async function removeLeftovers(): Promise<void> {
  for (const name of await namespaces()) {
    const [, process] = /^fwt-[a-z]+-(\d+)-/.exec(name) ?? []
    if (process !== undefined && !existsSync(`/proc/${process}`)) await tryRun(['ip', 'netns', 'del', name])
  }
}

function host(prefix: string, name: string, id: number): TestHost {
  return { name, ns: `${prefix}-${name}`, ipv4: `192.168.77.${id}`, ipv6: `fd00:77::${id}` }
}
