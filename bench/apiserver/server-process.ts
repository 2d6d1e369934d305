/** The API server as a process of its own, with certificates, and a client of a few lines: nothing of the client is in its memory. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { certificateFiles, makeCertificates, readCertificate } from '../../src/lab/pki.ts'
import { NODE_FLAGS } from '../../src/lab/supervisor/specs.ts'
import { DEFAULT_TOPOLOGY } from '../../src/lab/topology.ts'

const PROGRAMS = {
  'lab-apiserver': [join(import.meta.dirname, '../../src/main.ts'), 'lab-apiserver'],
  floor: [join(import.meta.dirname, 'floor/main.ts')],
} as const
const POLL_IN_MS = 10

export interface Answer {
  readonly status: number
  readonly body: string
}

export class ServerProcess implements AsyncDisposable {
  readonly #dir = mkdtempSync(join(tmpdir(), 'fwt-bench-apiserver-'))
  readonly #pki = join(this.#dir, 'pki')
  #child: ChildProcess | undefined
  readonly #program: keyof typeof PROGRAMS
  #agent = new Agent()
  #port = 0

  private constructor(program: keyof typeof PROGRAMS) {
    this.#program = program
  }

  /** Makes certificates, and starts the server on a free loopback port. @throws {Error} when it does not get ready */
  static async start(program: keyof typeof PROGRAMS = 'lab-apiserver'): Promise<ServerProcess> {
    const server = new ServerProcess(program)
    mkdirSync(server.#pki)
    await makeCertificates(server.#pki, DEFAULT_TOPOLOGY)
    const { certificate: ca } = readCertificate(server.#pki, 'ca')
    const { certificate: cert, key } = readCertificate(server.#pki, 'admin')
    server.#agent = new Agent({ ca, cert, key, keepAlive: true })
    await server.restart()
    return server
  }

  /** Starts it over the same store; after `kill`. */
  async restart(): Promise<void> {
    this.#port = await freePort()
    const own = certificateFiles(this.#pki, 'apiserver')
    const kubelet = certificateFiles(this.#pki, 'apiserver-kubelet-client')
    const flags = [
      ...['--dir', join(this.#dir, 'store'), '--listen', `127.0.0.1:${this.#port}`],
      ...['--tls-cert', own.certificate, '--tls-key', own.key, '--client-ca', join(this.#pki, 'ca.crt')],
      ...['--kubelet-client-cert', kubelet.certificate, '--kubelet-client-key', kubelet.key],
      ...['--service-ranges', '10.96.0.0/12', '--advertise', '192.168.0.154:6443'],
    ]
    const command = [process.execPath, ...NODE_FLAGS, ...PROGRAMS[this.#program], ...flags]
    // It goes with its parent, also when that is killed. setpriv becomes the server: the process stays the same.
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, FAIRWAY_LOG: 'error' },
    })
    while (!(await this.#answers())) {
      if (this.#child.exitCode !== null) throw new Error('the server ended before it was ready')
      await setTimeout(POLL_IN_MS)
    }
  }

  async #answers(): Promise<boolean> {
    return this.call('GET', '/readyz').then(
      () => true,
      () => false,
    )
  }

  /** Ends it as a crash does; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  /** Resident memory now and at its highest, in bytes. */
  memory(): { readonly now: number; readonly highest: number } {
    const status = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8')
    const inBytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024
    return { now: inBytes('VmRSS'), highest: inBytes('VmHWM') }
  }

  async call(method: string, path: string, body?: unknown, type = 'application/json'): Promise<Answer> {
    const response = await this.open(method, path, body, type)
    const chunks: Buffer[] = []
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
    return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }
  }

  /** The answer as it comes, for watches. */
  open(method: string, path: string, body?: unknown, type = 'application/json'): Promise<IncomingMessage> {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) }
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: this.#port, method, path, agent: this.#agent, headers }, resolve)
        .on('error', reject)
        .end(text)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy()
    await this.kill()
    rmSync(this.#dir, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
