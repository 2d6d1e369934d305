/** A child process that is kept running: started again when it ends, with growing delays. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { identify, type ProcessIdentity } from './process.ts'

export interface ChildSpec {
  readonly name: string
  /** The program and its arguments. It gets a pipe as descriptor 3, and writes `READY\n` there once it serves. */
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Standard output and error are appended here. */
  readonly logFile: string
  /** A child that is not ready by then is killed, and started again; 30 s by default. */
  readonly readyTimeoutInMs?: number
}

/** `waiting`: it ended, and will be started again after a delay. */
export type ChildPhase = 'starting' | 'ready' | 'waiting' | 'stopped'

/** What is true of a child now. `startedAtInMs` is 0 before the first start; `lastExit` is '' before the first end. */
export interface ChildStatus {
  readonly phase: ChildPhase
  readonly identity?: ProcessIdentity
  readonly startedAtInMs: number
  readonly restarts: number
  readonly lastExit: string
}

const READY_TIMEOUT_IN_MS = 30_000
const FIRST_DELAY_IN_MS = 50
const LONGEST_DELAY_IN_MS = 10_000
/** A child that was ready for so long has proved itself: its next end is a first one. */
const CALM_IN_MS = 10_000
/** A log that is larger than this when its child starts becomes `FILE.1`. */
const LARGEST_LOG_IN_BYTES = 10 << 20

/**
 * Keeps one child running until it is stopped. `onChange` is called after every change of `status`.
 *
 * The child inherits nothing but its log and the readiness pipe. That it dies with its parent is the command's own business
 * (`setpriv --pdeathsig`).
 */
export class SupervisedChild {
  readonly spec: ChildSpec
  #status: ChildStatus = { phase: 'stopped', startedAtInMs: 0, restarts: 0, lastExit: '' }
  readonly #onChange: (child: SupervisedChild) => void
  #child: ChildProcess | undefined
  #delayInMs = FIRST_DELAY_IN_MS
  #restart: NodeJS.Timeout | undefined
  #readyDeadline: NodeJS.Timeout | undefined
  #stopping = false
  #readyAtInMs = 0
  #gone: Promise<void> = Promise.resolve()

  constructor(spec: ChildSpec, onChange: (child: SupervisedChild) => void = () => undefined) {
    this.spec = spec
    this.#onChange = onChange
  }

  get status(): ChildStatus {
    return this.#status
  }

  /** Starts it, unless it runs or is going to; also after `stop`, once that has resolved. */
  start(): void {
    if (this.#child !== undefined || this.#restart !== undefined) return
    if (this.#stopping) this.#delayInMs = FIRST_DELAY_IN_MS
    this.#stopping = false
    this.#spawn()
  }

  /** SIGTERM, then SIGKILL after the grace (SIGKILL at once for 0); resolves when it has ended. It is not started again. */
  async stop(graceInMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#restart)
    this.#restart = undefined
    const child = this.#child
    if (child === undefined) return this.#change({ phase: 'stopped' })
    child.kill(graceInMs > 0 ? 'SIGTERM' : 'SIGKILL')
    const kill = setTimeout(() => child.kill('SIGKILL'), graceInMs)
    await this.#gone
    clearTimeout(kill)
  }

  #spawn(): void {
    const [program = '', ...args] = this.spec.command
    const log = openLog(this.spec.logFile)
    try {
      const child = spawn(program, args, {
        stdio: ['ignore', log, log, 'pipe'],
        env: { ...process.env, ...this.spec.env },
        cwd: '/',
      })
      this.#child = child
      this.#gone = new Promise((resolve) => {
        child.once('error', (error) => this.#ended(`cannot be started: ${error.message}`, resolve))
        child.once('exit', (code, signal) => this.#ended(signal === null ? `exit code ${code}` : `signal ${signal}`, resolve))
      })
      this.#awaitReady(child)
      const identity = child.pid === undefined ? undefined : identify(child.pid)
      this.#change({ phase: 'starting', startedAtInMs: Date.now(), ...(identity === undefined ? {} : { identity }) })
    } finally {
      closeSync(log)
    }
  }

  #awaitReady(child: ChildProcess): void {
    this.#readyDeadline = setTimeout(() => child.kill('SIGKILL'), this.spec.readyTimeoutInMs ?? READY_TIMEOUT_IN_MS)
    const pipe = child.stdio[3] as Readable | null | undefined
    let text = ''
    pipe?.on('error', () => undefined) // its other end is gone: then the child's end is what counts
    pipe?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (!text.includes('READY\n') || this.#child !== child || this.#status.phase !== 'starting') return
      clearTimeout(this.#readyDeadline)
      this.#readyAtInMs = performance.now()
      this.#change({ phase: 'ready' })
    })
  }

  #ended(how: string, resolve: () => void): void {
    if (this.#child === undefined) return
    this.#child = undefined
    clearTimeout(this.#readyDeadline)
    const { identity: _gone, ...status } = this.#status
    if (this.#stopping) {
      this.#set({ ...status, phase: 'stopped', lastExit: how })
      resolve()
      return
    }
    if (status.phase === 'ready' && performance.now() - this.#readyAtInMs >= CALM_IN_MS) this.#delayInMs = FIRST_DELAY_IN_MS
    this.#restart = setTimeout(() => {
      this.#restart = undefined
      this.#spawn()
    }, this.#delayInMs)
    this.#delayInMs = Math.min(this.#delayInMs * 2, LONGEST_DELAY_IN_MS)
    this.#set({ ...status, phase: 'waiting', restarts: status.restarts + 1, lastExit: how })
    resolve()
  }

  #change(part: Partial<ChildStatus>): void {
    this.#set({ ...this.#status, ...part })
  }

  #set(status: ChildStatus): void {
    this.#status = status
    this.#onChange(this)
  }
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LARGEST_LOG_IN_BYTES) renameSync(path, `${path}.1`)
  return openSync(path, 'a', 0o600)
}
