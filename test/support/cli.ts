/** The command line against a fake cluster: what it prints, and its exit code. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { FakeApi } from '../../src/kube/fake/fake-api.ts'

/** What one command said. */
export interface Said {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number | null
}

/** A fake cluster, and the kubeconfig that leads to it; its context `elsewhere` leads to nobody. */
export class CliCluster {
  readonly api = new FakeApi()
  readonly #dir = mkdtempSync(join(tmpdir(), 'fwt-cli-'))
  kubeconfig = join(this.#dir, 'config')
  readonly #running = new Set<ChildProcess>()

  async open(): Promise<void> {
    await this.api.listen()
    const servers = { here: this.api.config.server, elsewhere: 'http://127.0.0.1:9' }
    const contexts = Object.keys(servers).map((name) => ({ name, context: { cluster: name } }))
    const clusters = Object.entries(servers).map(([name, server]) => ({ name, cluster: { server } }))
    writeFileSync(this.kubeconfig, JSON.stringify({ 'current-context': 'here', contexts, clusters, users: [] }))
  }

  async close(): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL')
    await this.api.close()
    rmSync(this.#dir, { recursive: true, force: true })
  }

  /** Runs a command in this process, one at a time: a process has one standard output. */
  async run(...args: readonly string[]): Promise<Said> {
    const said = { stdout: '', stderr: '' }
    const take = (stream: 'stdout' | 'stderr') =>
      vi.spyOn(process[stream], 'write').mockImplementation((text) => {
        said[stream] += String(text)
        return true
      })
    const spies = [take('stdout'), take('stderr')]
    const before = process.exitCode
    process.exitCode = 0
    const listeners = process.stdout.listeners('error')
    await main([...args, '--kubeconfig', this.kubeconfig])
    for (const listener of process.stdout.listeners('error'))
      if (!listeners.includes(listener)) process.stdout.off('error', listener as () => void)
    const exitCode = Number(process.exitCode)
    process.exitCode = before
    for (const spy of spies) spy.mockRestore()
    return { ...said, exitCode }
  }

  /** Starts a command that goes on, in a process of its own. */
  start(...args: readonly string[]): Running {
    const child = spawn(resolve('bin/fairway'), [...args, '--kubeconfig', this.kubeconfig], { stdio: 'pipe' })
    this.#running.add(child)
    return new Running(child)
  }
}

/** A command that goes on. */
export class Running {
  stdout = ''
  stderr = ''
  readonly ended: Promise<Said>
  readonly #child: ChildProcess
  readonly #waiting = new Set<() => void>()

  constructor(child: ChildProcess) {
    this.#child = child
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        this[stream] += text
        for (const look of [...this.#waiting]) look()
      })
    this.ended = new Promise((done) => {
      child.once('close', (exitCode) => done({ stdout: this.stdout, stderr: this.stderr, exitCode }))
    })
  }

  /** Resolves once what it printed matches. */
  async says(what: RegExp, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    const heard = Promise.withResolvers<void>()
    const look = () => {
      if (what.test(this[stream])) heard.resolve()
    }
    this.#waiting.add(look)
    look()
    const over = this.ended.then((said) => {
      if (!what.test(said[stream])) throw new Error(`it ended without saying ${what}: ${said.stdout}${said.stderr}`)
    })
    await Promise.race([heard.promise, over]).finally(() => this.#waiting.delete(look))
  }

  /** All of its standard input. */
  type(text: string): void {
    this.#child.stdin?.end(text)
  }

  interrupt(): void {
    this.#child.kill('SIGINT')
  }
}
