/** `fairway controller` as a process, against a server on loopback. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export class ControllerProcess implements Disposable {
  private readonly dir = mkdtempSync(join(tmpdir(), 'fwt-controller-'))
  private readonly kubeconfig = join(this.dir, 'kubeconfig')
  private running: ChildProcess | undefined

  constructor(server: string) {
    const lines = [
      'current-context: c',
      'contexts: [{ name: c, context: { cluster: c, user: u } }]',
      `clusters: [{ name: c, cluster: { server: '${server}' } }]`,
      'users: [{ name: u, user: { token: secret } }]',
    ]
    writeFileSync(this.kubeconfig, lines.join('\n'))
  }

  /** Starts it; resolves once it follows the cluster. Always the same identity, as after a crash. */
  async start(): Promise<void> {
    const child = this.spawn()
    child.stderr?.resume()
    const [line] = await once(child.stdio[3] as NodeJS.ReadableStream, 'data')
    if (!String(line).startsWith('READY')) throw new Error(`it said ${line}`)
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    const { running } = this
    if (running === undefined) return
    const gone = once(running, 'exit')
    running.kill('SIGKILL')
    await gone
  }

  /** Starts one that is to end by itself. */
  async runToTheEnd(): Promise<{ readonly exitCode: number; readonly log: string }> {
    const child = this.spawn()
    const [log, [exitCode]] = await Promise.all([text(child.stderr as NodeJS.ReadableStream), once(child, 'exit')])
    return { exitCode: Number(exitCode), log }
  }

  [Symbol.dispose](): void {
    this.running?.kill('SIGKILL')
    rmSync(this.dir, { recursive: true, force: true })
  }

  private spawn(): ChildProcess {
    const flags = [
      '--kubeconfig',
      this.kubeconfig,
      '--dir',
      this.dir,
      '--identity',
      'one',
      '--lease-seconds',
      '2',
      '--ready-fd',
      '3',
    ]
    const env = { ...process.env, FAIRWAY_LOG: 'info' }
    const child = spawn(process.execPath, [MAIN, 'controller', ...flags], { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
    this.running = child
    return child
  }
}
