/** A client, gateways and the pods behind them, in three namespaces of their own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { inNetns, ipBatch } from '../../src/linux/netns.ts'
import { run } from '../../src/linux/run.ts'

export const GATEWAY_ADDRESS = '192.168.0.154'
export const POD_PORT = 8080
/** Each answers with its own address. */
export const PODS = Array.from({ length: 10 }, (_, index) => `10.128.0.${index + 1}`)

const PROBER = fileURLToPath(new URL('./prober.ts', import.meta.url))

const PODS_CONFIG = `daemon off; worker_processes 1; pid nginx.pid; error_log stderr warn;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000; keepalive_timeout 600; default_type text/plain;
  client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  server { listen ${POD_PORT} backlog=4096; return 200 "$server_addr\\n"; }
}
`

export interface Load {
  readonly perSecond: number
  readonly p50InMs: number
  readonly p99InMs: number
}

/** When the wanted answer was there, in nanoseconds of the monotonic clock. */
export interface Seen {
  readonly at: bigint
  readonly before: number
}

/** Close it also when something failed. */
export class Site {
  readonly gateway: string
  /** For the files of whoever serves here; goes with the site. */
  readonly folder = mkdtempSync(join(tmpdir(), 'fwt-bench-gateway-'))
  private readonly client: string
  private readonly pods: string
  private readonly children: ChildProcess[] = []
  private answers: Interface | undefined
  private prober: ChildProcess | undefined
  private readonly sweep = () => this.remove()

  constructor() {
    const name = `fwt-bench-${randomBytes(4).toString('hex')}`
    this.client = `${name}-c`
    this.gateway = `${name}-g`
    this.pods = `${name}-p`
  }

  async open(): Promise<void> {
    process.once('exit', this.sweep) // an uncaught error ends the process without any `finally`
    for (const name of [this.client, this.gateway, this.pods]) await run(['ip', 'netns', 'add', name])
    await ipBatch(this.gateway, [
      `link add eth0 type veth peer name eth0 netns ${this.client}`,
      `link add pods type veth peer name eth0 netns ${this.pods}`,
      `addr add ${GATEWAY_ADDRESS}/24 dev eth0`,
      'addr add 172.31.0.1/30 dev pods',
      ...['lo', 'eth0', 'pods'].map((name) => `link set ${name} up`),
      'route add 10.128.0.0/9 via 172.31.0.2',
    ])
    await ipBatch(this.client, ['addr add 192.168.0.1/24 dev eth0', 'link set lo up', 'link set eth0 up'])
    await ipBatch(this.pods, [
      'addr add 172.31.0.2/30 dev eth0',
      'link set lo up',
      'link set eth0 up',
      'route add default via 172.31.0.1',
      ...PODS.map((address) => `addr add ${address}/32 dev lo`),
    ])
    for (const name of [this.client, this.gateway, this.pods]) {
      const settings = ['net.ipv4.ip_local_port_range=1024 65535', 'net.ipv4.tcp_tw_reuse=1', 'net.core.somaxconn=4096']
      await run(inNetns(name, ['sysctl', '-q', '-w', ...settings]))
    }
    writeFileSync(join(this.folder, 'pods.conf'), PODS_CONFIG)
    this.start(this.pods, ['nginx', '-p', this.folder, '-c', 'pods.conf', '-e', 'stderr'])
    await this.startProber()
  }

  /** Starts a program in a namespace; it ends with the site. Its standard error can be read, and is to be: HAProxy says a line for each proxy. */
  start(namespace: string, command: readonly string[]): ChildProcess {
    const [program = '', ...args] = inNetns(namespace, command)
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr?.resume()
    this.children.push(child)
    return child
  }

  /** What 32 clients at once, on connections that stay, get through a gateway in so many seconds. @throws {Error} when some failed */
  async load(port: number, host: string, seconds: number): Promise<Load> {
    const to = `http://${GATEWAY_ADDRESS}:${port}/`
    const text = await run(inNetns(this.client, ['wrk', '-t1', '-c32', `-d${seconds}s`, '--latency', '-H', `Host: ${host}`, to]))
    if (/Socket errors:|Non-2xx/.test(text)) throw new Error(`requests failed: ${text}`)
    const share = (of: number) => inMs(new RegExp(`^\\s+${of}%\\s+([\\d.]+)(us|ms|s)`, 'm').exec(text))
    return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]), p50InMs: share(50), p99InMs: share(99) }
  }

  /** Begins to ask, again and again, until the answer is the wanted one. One at a time. */
  until(question: { readonly port: number; readonly host: string; readonly want: string }) {
    const answer = new Promise<Seen>((resolve) =>
      this.answers?.once('line', (line) => {
        const { at, before } = JSON.parse(line) as { at: string; before: number }
        resolve({ at: BigInt(at), before })
      }),
    )
    this.prober?.stdin?.write(`${JSON.stringify({ address: GATEWAY_ADDRESS, ...question })}\n`)
    const timeout = AbortSignal.timeout(60_000)
    const late = new Promise<never>((_, reject) =>
      timeout.addEventListener('abort', () => reject(new Error(`no such answer in a minute: ${JSON.stringify(question)}`))),
    )
    return { promise: Promise.race([answer, late]) }
  }

  async close(): Promise<void> {
    process.off('exit', this.sweep)
    const living = this.children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    const ended = living.map((child) => new Promise((resolve) => child.once('exit', resolve)))
    for (const child of living) child.kill('SIGTERM')
    await Promise.all(ended)
    this.remove()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private async startProber(): Promise<void> {
    const [program = '', ...args] = inNetns(this.client, [process.execPath, PROBER])
    this.prober = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    this.children.push(this.prober)
    if (this.prober.stdout === null) throw new Error('the prober has no output')
    this.answers = createInterface({ input: this.prober.stdout })
  }

  private remove(): void {
    for (const child of this.children) child.kill('SIGKILL')
    for (const name of [this.client, this.gateway, this.pods]) {
      try {
        execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' })
      } catch {
        // not made yet
      }
    }
  }
}

const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 }

function inMs(match: RegExpExecArray | null): number {
  const [, value = 'NaN', unit = ''] = match ?? []
  return Number(value) * (UNITS[unit] ?? Number.NaN)
}
