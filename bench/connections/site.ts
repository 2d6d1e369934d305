/** A client, a node and the pods behind it, in three namespaces of their own: the way that each new connection of the benchmark takes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inNetns, ipBatch } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { HERE } from '../datapath/services.ts'

const [NODE_ADDRESS = ''] = HERE.addresses
export const TARGET_PORT = 30_000
/** Where the first NodePort Service of the benchmark's world has its ten endpoints. */
const PODS = Array.from({ length: 10 }, (_, index) => `10.${128 + index}.0.1`)
const POD_PORT = 8080
const PROBE = join(import.meta.dirname, 'probe.ts')

const NGINX = `daemon off; master_process off; pid nginx.pid; error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off; keepalive_timeout 0; default_type text/plain;
  client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server { listen ${POD_PORT} backlog=4096; return 200 "ok\\n"; }
}
`

/** One way through its own node; close it also when something failed. */
export class Site {
  /** The node's namespace: what translates goes there. */
  readonly node: string
  private readonly client: string
  private readonly pods: string
  private readonly folder = mkdtempSync(join(tmpdir(), 'fwt-bench-'))
  private server: ChildProcess | undefined
  private readonly sweep = () => this.removeNamespaces()

  constructor() {
    const name = `fwt-bench-${randomBytes(4).toString('hex')}`
    this.client = `${name}-c`
    this.node = `${name}-n`
    this.pods = `${name}-p`
  }

  async open(): Promise<void> {
    process.once('exit', this.sweep) // an uncaught error ends the process without any `finally`
    for (const name of [this.client, this.node, this.pods]) await run(['ip', 'netns', 'add', name])
    await ipBatch(this.node, [
      `link add eth0 type veth peer name eth0 netns ${this.client}`,
      `link add pods type veth peer name eth0 netns ${this.pods}`,
      `addr add ${NODE_ADDRESS}/24 dev eth0`,
      'addr add 172.31.0.1/30 dev pods',
      ...['lo', 'eth0', 'pods'].map((name) => `link set ${name} up`),
      'route add 10.128.0.0/9 via 172.31.0.2',
      'route add default via 192.168.0.1',
    ])
    await ipBatch(this.client, [
      'addr add 192.168.0.1/24 dev eth0',
      'link set lo up',
      'link set eth0 up',
      `route add 10.128.0.0/9 via ${NODE_ADDRESS}`,
    ])
    await ipBatch(this.pods, [
      'addr add 172.31.0.2/30 dev eth0',
      'link set lo up',
      'link set eth0 up',
      'route add default via 172.31.0.1',
      ...PODS.map((address) => `addr add ${address}/32 dev lo`),
    ])
    await sysctl(this.node, ['net.ipv4.ip_forward=1', 'net.ipv4.conf.all.rp_filter=0'])
    // Ports of closed connections are free again at once on all sides, else the third second measures the lack of ports.
    await sysctl(this.client, ['net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_tw_reuse=1'])
    await sysctl(this.pods, ['net.core.somaxconn=4096'])
    await this.serve()
  }

  /** Lets closed connections leave the table of flows at once; the module is there once rules track connections. */
  async shortenClosed(): Promise<void> {
    await tryRun(inNetns(this.node, ['sysctl', '-q', '-w', 'net.netfilter.nf_conntrack_tcp_timeout_time_wait=1']))
  }

  /** Where a connection goes: through the node's translation, or straight to a pod. */
  static target(translated: boolean): { readonly address: string; readonly port: number } {
    return translated ? { address: NODE_ADDRESS, port: TARGET_PORT } : { address: PODS[1] ?? '', port: POD_PORT }
  }

  /** New connections a second with 64 clients at once, each asking once. @throws {Error} when some failed */
  async connectionsPerSecond(translated: boolean, seconds: number): Promise<number> {
    const { address, port } = Site.target(translated)
    const command = ['wrk', '-t1', '-c64', `-d${seconds}s`, '-H', 'Connection: close', `http://${address}:${port}/`]
    const text = await run(inNetns(this.client, command))
    if (/Socket errors:|Non-2xx/.test(text)) throw new Error(`connections failed: ${text}`)
    return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1])
  }

  /** The times in milliseconds of so many connections one after the other, each from connect to the end of its answer. */
  async latencies(translated: boolean, count: number): Promise<readonly number[]> {
    const { address, port } = Site.target(translated)
    const text = await run(inNetns(this.client, [process.execPath, PROBE, address, String(port), String(count)]))
    return JSON.parse(text) as number[]
  }

  async close(): Promise<void> {
    process.off('exit', this.sweep)
    const { server } = this
    if (server !== undefined && server.exitCode === null) {
      const ended = new Promise((resolve) => server.once('exit', resolve))
      server.kill('SIGKILL')
      await ended
    }
    this.removeNamespaces()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private async serve(): Promise<void> {
    writeFileSync(join(this.folder, 'nginx.conf'), NGINX)
    const [program = '', ...args] = inNetns(this.pods, ['nginx', '-p', this.folder, '-c', 'nginx.conf', '-e', 'stderr'])
    this.server = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const probe = inNetns(this.pods, [
      'curl',
      '-s',
      '--retry',
      '50',
      '--retry-connrefused',
      '--retry-delay',
      '0',
      '--max-time',
      '10',
    ])
    await run([...probe, `http://127.0.0.1:${POD_PORT}/`])
  }

  private removeNamespaces(): void {
    this.server?.kill('SIGKILL')
    for (const name of [this.client, this.node, this.pods]) {
      try {
        execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
      } catch {
        // not made yet
      }
    }
  }
}

async function sysctl(namespace: string, settings: readonly string[]): Promise<void> {
  await run(inNetns(namespace, ['sysctl', '-q', '-w', ...settings]))
}
