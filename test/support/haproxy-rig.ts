/** A real HAProxy in a network namespace of its own, what is told to it, and servers behind it that say their names. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { haproxyArgs } from '../../src/engine/haproxy/directory.ts'
import { createHaproxyEngine, type HaproxyEngine } from '../../src/engine/haproxy/engine.ts'
import { prepareDirectory } from '../../src/engine/haproxy/prepare.ts'
import { createReconciler, type Reconciler } from '../../src/engine/reconcile.ts'
import { inNetns } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import type { IngressChange, IngressWorld } from '../../src/model/ingress.ts'
import type { L7Entry } from '../../src/model/l7.ts'
import { createIngressPlanner, type IngressPlanner, type IngressPlannerOptions } from '../../src/plan/ingress.ts'
import { until } from './until.ts'

const OPTIONS: IngressPlannerOptions = { httpPort: 80, httpsPort: 443, takesProxyProtocol: false, defaultCertificate: '' }

export class HaproxyRig {
  readonly netns: string
  readonly dir = mkdtempSync(join(tmpdir(), 'fwt-haproxy-'))
  /** Its access log. */
  readonly logLines: Readonly<Record<string, unknown>>[] = []
  engine: HaproxyEngine
  planner: IngressPlanner
  private reconciler: Reconciler<L7Entry>
  private readonly children: ChildProcess[] = []
  private error: Error | undefined
  private proxy: ChildProcess | undefined
  /** Before `up`, a file of `NAME ADDRESS` a line: HAProxy then asks a server of the namespace for names, which knows these. */
  records: string | undefined
  private withNames: readonly string[] = []
  private readonly options: IngressPlannerOptions

  constructor(name: string, options: Partial<IngressPlannerOptions> = {}) {
    this.netns = `fwt-${name}-${process.pid}`
    this.options = { ...OPTIONS, ...options }
    this.engine = createHaproxyEngine(this.dir)
    this.planner = createIngressPlanner(this.options)
    this.reconciler = this.reconcile()
  }

  async up(): Promise<void> {
    await run(['ip', 'netns', 'add', this.netns])
    await run(inNetns(this.netns, ['ip', 'link', 'set', 'lo', 'up']))
    await prepareDirectory(this.dir)
    if (this.records !== undefined) this.serveNames(this.records)
    await this.startProxy()
  }

  /** Resolves once it answers. */
  async startProxy(): Promise<void> {
    this.proxy = this.start([...this.withNames, 'haproxy', ...haproxyArgs(this.dir)])
    if (this.proxy.stdout !== null)
      createInterface({ input: this.proxy.stdout }).on('line', (line) => {
        if (line.startsWith('{')) this.logLines.push(JSON.parse(line) as Readonly<Record<string, unknown>>)
      })
    const command = ['curl', '-s', '-o', '/dev/null', '--unix-socket', join(this.dir, 'health.sock'), 'http://h/']
    await until(
      () => tryRun(command),
      ({ exitCode }) => exitCode === 0,
    )
  }

  private serveNames(records: string): void {
    const own = join(this.dir, 'resolv.conf')
    writeFileSync(own, 'nameserver 127.0.0.1\n')
    // a file of its own in the place of the machine's, seen by this process alone
    this.withNames = ['unshare', '--mount', 'sh', '-c', `mount --bind ${own} /etc/resolv.conf && exec "$@"`, 'sh']
    this.start([process.execPath, join(import.meta.dirname, 'dns-server.ts'), records])
  }

  async killProxy(): Promise<void> {
    if (this.proxy !== undefined) await stop(this.proxy)
  }

  /** Another controller over the same HAProxy, as after a kill -9: it knows nothing but the folder. */
  forget(): void {
    this.engine.close()
    void this.reconciler.stop()
    this.engine = createHaproxyEngine(this.dir)
    this.planner = createIngressPlanner(this.options)
    this.reconciler = this.reconcile()
  }

  /** Plans, tells, and waits until all is done. */
  async serve(world: IngressWorld, changes: readonly IngressChange[] = []): Promise<void> {
    this.reconciler.want(this.planner.update(world, changes))
    await this.settled()
  }

  async verify(): Promise<void> {
    this.reconciler.verify()
    await this.settled()
  }

  private reconcile(): Reconciler<L7Entry> {
    return createReconciler({
      engine: this.engine,
      onRound: ({ error }) => {
        this.error = error
      },
    })
  }

  private async settled(): Promise<void> {
    await this.reconciler.settled(AbortSignal.timeout(10_000)).catch((error: unknown) => {
      throw this.error ?? error
    })
  }

  /** Starts what says a Service's name at each of its endpoints, and in headers who it is and by which method it was asked. */
  async backends({ endpointSlices }: IngressWorld): Promise<void> {
    const all = [...endpointSlices.values()].flatMap(({ service, endpoints }) =>
      endpoints.map(({ address }) => ({ address, name: service.split('/')[1] ?? '' })),
    )
    const fronts = all.map(({ address, name }, at) => {
      const told = `hdr X-Server ${address} hdr X-Method %[method]`
      const answer = `http-request return status 200 content-type text/plain ${told} string ${name}`
      return `frontend f${at}\n  bind ${address}:8080\n  ${answer}\n`
    })
    for (const { address } of all) await this.address(address)
    const config = join(mkdir(this.dir, 'servers'), `${this.children.length}.cfg`)
    writeFileSync(config, `defaults\n  mode http\n  timeout client 5s\n${fronts.join('')}`)
    this.start(['haproxy', '-db', '-f', config])
  }

  async address(address: string): Promise<void> {
    await run(inNetns(this.netns, ['ip', 'address', 'replace', `${address}/32`, 'dev', 'lo']))
  }

  /** Starts a program in the namespace, which ends with the rig. */
  start(command: readonly string[]): ChildProcess {
    const [program = '', ...args] = inNetns(this.netns, command)
    const child = spawn(program, args, { stdio: 'pipe' })
    child.stdout?.resume()
    child.stderr?.resume()
    this.children.push(child)
    return child
  }

  async curl(...args: readonly string[]): Promise<string> {
    return (await tryRun(inNetns(this.netns, ['curl', '-s', '-m', '3', ...args]))).stdout
  }

  /** The body of a 200, or another status; 000 for none. */
  async answerTo(host: string, path: string, ...flags: readonly string[]): Promise<string> {
    const header = host === '' ? 'Host;' : `Host: ${host}`
    const stdout = await this.curl('-w', '%{http_code}', '--http1.1', '-H', header, ...flags, `http://127.0.0.1${path}`)
    const [, body = '', status = ''] = /^([\s\S]*)(\d{3})$/.exec(stdout) ?? []
    return status === '200' ? body : status
  }

  read(file: string): string {
    return readFileSync(join(this.dir, file), 'utf8')
  }

  async down(): Promise<void> {
    this.engine.close()
    await this.reconciler.stop()
    await Promise.all(this.children.map(stop))
    await tryRun(['ip', 'netns', 'del', this.netns])
    rmSync(this.dir, { recursive: true, force: true })
  }
}

function mkdir(...parts: readonly string[]): string {
  const path = join(...parts)
  mkdirSync(path, { recursive: true })
  return path
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const over = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await over
}
