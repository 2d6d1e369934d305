/** Runs the role `lab-apiserver` as the supervisor does, with certificates of its own, and asks it over TLS. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { certificateFiles, makeCertificates, readCertificate } from '../../../src/lab/pki.ts'
import { DEFAULT_TOPOLOGY } from '../../../src/lab/topology.ts'

/** A folder with certificates, for the servers of one test file. */
export class Site implements Disposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'fwt-apiserver-'))
  readonly pki = join(this.dir, 'pki')

  static async make(): Promise<Site> {
    const site = new Site()
    mkdirSync(site.pki)
    await makeCertificates(site.pki, DEFAULT_TOPOLOGY)
    return site
  }

  flags(store: string, listen: readonly string[]): readonly string[] {
    const server = certificateFiles(this.pki, 'apiserver')
    const kubelet = certificateFiles(this.pki, 'apiserver-kubelet-client')
    return [
      ...['--dir', store, '--tls-cert', server.certificate, '--tls-key', server.key, '--client-ca', join(this.pki, 'ca.crt')],
      ...['--kubelet-client-cert', kubelet.certificate, '--kubelet-client-key', kubelet.key],
      ...listen.flatMap((address) => ['--listen', address]),
      ...['--service-ranges', '10.96.0.0/12,fd00:10:96::/112', '--advertise', '192.168.0.154:6443', '--ready-fd', '3'],
    ]
  }

  /** One request as `user`; without one, as nobody. */
  call(
    port: number,
    method: string,
    path: string,
    options: { readonly user?: string; readonly token?: string; readonly body?: unknown } = {},
  ) {
    const { certificate: ca } = readCertificate(this.pki, 'ca')
    const user = options.user === undefined ? undefined : readCertificate(this.pki, options.user)
    const client = user === undefined ? {} : { cert: user.certificate, key: user.key }
    const text = options.body === undefined ? undefined : JSON.stringify(options.body)
    const bearer = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }
    const headers = { ...bearer, ...(text === undefined ? {} : { 'content-type': 'application/json' }) }
    const answer = Promise.withResolvers<{ readonly status: number; readonly body: string }>()
    const agent = new Agent({ ca, ...client })
    request({ host: '127.0.0.1', port, method, path, agent, headers }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
      answer.resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() })
    })
      .on('error', answer.reject)
      .end(text)
    return answer.promise.finally(() => agent.destroy())
  }

  [Symbol.dispose](): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** The role as a process. */
export class Role implements AsyncDisposable {
  readonly child: ChildProcess
  readonly exit: Promise<number | NodeJS.Signals>
  /** What it wrote to the readiness descriptor. */
  readonly said: Promise<string>

  constructor(flags: readonly string[], prefix: readonly string[] = []) {
    const guard = ['setpriv', '--pdeathsig', 'KILL', '--'] // it goes with its parent, also when that is killed
    const [program = '', ...args] = [...prefix, ...guard, process.execPath, 'src/main.ts', 'lab-apiserver', ...flags]
    this.child = spawn(program, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    this.exit = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve(signal ?? code ?? 1)))
    this.said = readAll(this.child.stdio[3] as Readable)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exit
  }
}

async function readAll(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

/** A loopback port that nobody has, for the moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
