/** Where a user sits: a shell with one kubectl, a namespace and a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ExpectStatic } from 'vitest'
import { type RunResult, tryRun } from '../../../src/linux/run.ts'

/** A test of a table. */
export type Deed = (desk: Desk, expect: ExpectStatic) => Promise<void>
export type Deeds = Readonly<Record<string, Deed>>

export interface DeskPlace {
  /** The program `kubectl`. */
  readonly kubectl: string
  /** The kubeconfig of the lab's administrator. */
  readonly kubeconfig: string
  /** Shared by desks: kubectl keeps there what it learned about the server. */
  readonly home: string
}

let serial = 0

export class Desk implements AsyncDisposable {
  readonly namespace: string
  /** The folder in which lines are typed. */
  readonly dir: string
  readonly #env: Readonly<Record<string, string>>

  private constructor(namespace: string, dir: string, place: DeskPlace) {
    this.namespace = namespace
    this.dir = dir
    const path = `${join(dir, '.bin')}:${process.env.PATH}`
    this.#env = { PATH: path, HOME: place.home, KUBECONFIG: join(dir, '.kubeconfig') }
  }

  static async sitDown(place: DeskPlace): Promise<Desk> {
    const dir = mkdtempSync(join(tmpdir(), 'fwt-kubectl-'))
    const desk = new Desk(`desk-${++serial}`, dir, place)
    mkdirSync(join(dir, '.bin'))
    desk.script('.bin/kubectl', `exec ${place.kubectl} "$@"`)
    await desk.does(`KUBECONFIG=${place.kubeconfig} kubectl config view --raw --flatten > .kubeconfig`)
    await desk.does(`kubectl create namespace ${desk.namespace}`)
    await desk.does(`kubectl config set-context --current --namespace=${desk.namespace}`)
    return desk
  }

  /** Runs a shell line. */
  types(line: string, input = ''): Promise<RunResult> {
    return tryRun(['sh', '-c', 'cd "$0" && eval "$1"', this.dir, line], { env: this.#env, input })
  }

  /** Runs a shell line that must work, and returns what it printed, standard output alone. */
  async does(line: string, input = ''): Promise<string> {
    const { exitCode, stdout, stderr } = await this.types(line, input)
    if (exitCode !== 0) throw new Error(`${line}\n${stdout}${stderr}exit code ${exitCode}`)
    return stdout.trim()
  }

  /** What a user sees of a line: output, errors, and the exit code if it is not 0. */
  async sees(line: string, input = ''): Promise<string> {
    const { exitCode, stdout, stderr } = await this.types(line, input)
    return `${stdout}${stderr}${exitCode === 0 ? '' : `exit ${exitCode}`}`.trim()
  }

  apply(manifest: string): Promise<string> {
    return this.does('kubectl apply -f -', manifest)
  }

  /** Starts a line that goes on until it is stopped. */
  starts(line: string): Ongoing {
    return new Ongoing(
      spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'sh', '-c', `exec ${line}`], {
        env: { ...process.env, ...this.#env },
        cwd: this.dir,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    )
  }

  file(name: string, text: string): void {
    writeFileSync(join(this.dir, name), text)
  }

  /** An executable shell script; returns its path. */
  script(name: string, text: string): string {
    this.file(name, `#!/bin/sh\n${text}\n`)
    chmodSync(join(this.dir, name), 0o755)
    return join(this.dir, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.types(`kubectl delete namespace ${this.namespace} --wait=false`)
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** A command that runs on: `kubectl get -w`, `port-forward`, `logs -f`. */
export class Ongoing implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #gone: Promise<unknown>
  /** All lines so far, of both streams. */
  readonly lines: string[] = []
  #heard: () => void = () => undefined

  constructor(child: ChildProcess) {
    this.#child = child
    this.#gone = new Promise((resolve) => child.once('close', resolve))
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null)
        createInterface({ input: stream }).on('line', (line) => {
          this.lines.push(line)
          this.#heard()
        })
    void this.#gone.then(() => this.#heard())
  }

  /** Resolves with the first line that matches; rejects when the command ends without one. */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line))
      if (found !== undefined) return found
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`it ended without ${pattern}:\n${this.lines.join('\n')}`)
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  /** Its exit code, once it ends by itself. */
  async ends(): Promise<number | null> {
    await this.#gone
    return this.#child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.#gone
  }
}
