/** The node's BIRD: started, found again, watched, and started anew when it ends or hangs. */
import { existsSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { endProcesses, identify, isAlive, type ProcessIdentity, signalProcess, untilGone } from '../../linux/process.ts'
import { tryRun } from '../../linux/run.ts'
import { logger } from '../../log/log.ts'
import { type Code, FairwayError, type Finding } from '../../model/code.ts'
import { BGP_CONTROL_FAILED, BGP_DAEMON_DIED, BGP_DAEMON_HUNG, BGP_DAEMON_NOT_STARTED } from '../../model/codes/bgp.ts'
import { BirdControl, type BirdReply } from './control.ts'

const log = logger('bird')

export interface DaemonOptions {
  /** Holds the files, the socket, the pid file and the log; its path is at most some 90 characters (a socket's limit). */
  readonly directory: string
  /** A network namespace file to run in; the process's own by default. */
  readonly netns?: string
  /** How long BIRD may take to answer before it counts as hung; 5 s by default. */
  readonly answerTimeoutInMs?: number
  /** How often it is asked whether it lives; 2 s by default. */
  readonly heartbeatInMs?: number
}

const FIRST_DELAY_IN_MS = 50
const LONGEST_DELAY_IN_MS = 10_000
/** A daemon's misfortune is told for so long. */
const REMEMBERED_IN_MS = 600_000

export class BirdDaemon {
  readonly logFile: string
  private readonly options: DaemonOptions
  private readonly config: () => string
  private readonly socketFile: string
  private readonly pidFile: string
  private readonly listeners: (() => void)[] = []
  private readonly connectionListeners: ((isConnected: boolean) => void)[] = []
  private control: BirdControl | undefined
  private connecting: Promise<BirdControl> | undefined
  private heartbeat: NodeJS.Timeout | undefined
  private retry: NodeJS.Timeout | undefined
  private delayInMs = FIRST_DELAY_IN_MS
  private wanted = false
  private told: { readonly finding: Finding; readonly untilInMs: number }[] = []

  /** `config` is asked for the file to start with. */
  constructor(options: DaemonOptions, config: () => string) {
    this.options = options
    this.config = config
    this.logFile = join(options.directory, 'bird.log')
    this.socketFile = join(options.directory, 'bird.ctl')
    this.pidFile = join(options.directory, 'bird.pid')
  }

  get findings(): readonly Finding[] {
    this.told = this.told.filter(({ untilInMs }) => untilInMs > Date.now())
    return this.told.map(({ finding }) => finding)
  }

  /** The process that the pid file names, if it is a BIRD of this folder and lives. */
  get identity(): ProcessIdentity | undefined {
    try {
      const pid = Number(readFileSync(this.pidFile, 'utf8').trim())
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return command.includes(this.socketFile) ? identify(pid) : undefined
    } catch {
      return undefined
    }
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener)
  }

  get isConnected(): boolean {
    return this.control !== undefined
  }

  /** Calls back at once when it is there to be asked, and when it no longer is. */
  onConnection(listener: (isConnected: boolean) => void): void {
    this.connectionListeners.push(listener)
  }

  /** Makes sure that it runs: the one that is there, or a new one. @throws {FairwayError} */
  async run(): Promise<void> {
    this.wanted = true
    await this.connected()
  }

  /** @throws {FairwayError} BGP_CONTROL_FAILED */
  async ask(line: string): Promise<BirdReply> {
    const control = await this.connected()
    return control.ask(line, this.timeoutInMs)
  }

  /** What `bird -p` says about a file: '' when it is good. @throws {FairwayError} when there is no bird */
  async check(file: string): Promise<string> {
    const { exitCode, stderr, stdout } = await tryRun(['bird', '-p', '-c', file]).catch((cause: unknown) => {
      throw notStarted(cause instanceof Error ? cause.message : String(cause))
    })
    return exitCode === 0 ? '' : stderr.trim() || stdout.trim() || `exit code ${exitCode}`
  }

  /** Closes all sessions and ends it. */
  async end(): Promise<void> {
    this.release()
    const identity = this.identity
    if (identity !== undefined) await endProcesses([identity], 2_000)
    await Promise.all([this.socketFile, this.pidFile].map((path) => rm(path, { force: true })))
  }

  /** Lets go of it; it goes on. */
  release(): void {
    this.wanted = false
    clearTimeout(this.retry)
    clearInterval(this.heartbeat)
    this.control?.close()
    this.control = undefined
    this.tellConnection()
  }

  private get timeoutInMs(): number {
    return this.options.answerTimeoutInMs ?? 5_000
  }

  private connected(): Promise<BirdControl> {
    if (this.control !== undefined) return Promise.resolve(this.control)
    this.connecting ??= this.connect().finally(() => {
      this.connecting = undefined
    })
    return this.connecting
  }

  private async connect(): Promise<BirdControl> {
    const there = this.identity
    if (there !== undefined) {
      const control = await BirdControl.connect(this.socketFile, this.timeoutInMs).catch(() => undefined)
      if (control !== undefined) return this.attach(control)
      if (isAlive(there)) await this.killHung(there)
    }
    if (!this.wanted) throw new FairwayError(BGP_CONTROL_FAILED, 'BIRD cannot be asked: it is not running.')
    await this.start()
    return this.attach(await BirdControl.connect(this.socketFile, this.timeoutInMs))
  }

  /**
   * A pid file that was left behind means that BIRD ended without closing its sessions: then neighbours may still hold its routes, and
   * it recovers (-R). After a clean end it does not: recovery holds routes back until every neighbour has answered.
   */
  private async start(): Promise<void> {
    const recover = existsSync(this.pidFile) ? ['-R'] : []
    const enter = this.options.netns === undefined ? [] : ['nsenter', `--net=${this.options.netns}`, '--']
    const command = [...enter, 'bird', '-c', this.config(), '-s', this.socketFile, '-P', this.pidFile, ...recover]
    const { exitCode, stderr } = await tryRun(command, { env: { TZ: 'UTC' } }).catch((cause: unknown) => {
      throw notStarted(cause instanceof Error ? cause.message : String(cause))
    })
    if (exitCode !== 0) throw notStarted(stderr.trim() || `exit code ${exitCode}`)
    await this.hurry()
    log.info({ directory: this.options.directory, recover: recover.length > 0 }, 'BIRD started')
  }

  /**
   * BFD at 50 ms lets no more than 150 ms pass, and on a busy node any other process may take as long: so BIRD, which hardly ever has
   * anything to do, comes before them. Where the node does not allow it, it takes its turn.
   */
  private async hurry(): Promise<void> {
    const pid = this.identity?.pid
    if (pid === undefined) return
    const { exitCode, stderr } = await tryRun(['chrt', '--all-tasks', '--rr', '--pid', '1', String(pid)]).catch(
      (cause: Error) => ({
        exitCode: 1,
        stderr: cause.message,
      }),
    )
    if (exitCode !== 0)
      log.warn({ reason: stderr.trim() }, 'BIRD takes its turn with other processes: BFD may take a busy node for dead')
  }

  private attach(control: BirdControl): BirdControl {
    this.control = control
    this.delayInMs = FIRST_DELAY_IN_MS
    void control.closed.then(() => {
      if (this.control !== control) return
      this.control = undefined
      this.tellConnection()
      clearInterval(this.heartbeat)
      if (this.wanted) void this.lost()
    })
    clearInterval(this.heartbeat)
    this.heartbeat = setInterval(() => {
      control.ask('show status', this.timeoutInMs).catch(() => undefined) // its failure closes the connection
    }, this.options.heartbeatInMs ?? 2_000)
    this.heartbeat.unref()
    this.tellConnection()
    return control
  }

  private tellConnection(): void {
    for (const listener of this.connectionListeners) listener(this.isConnected)
  }

  /** The connection ended: BIRD is gone, or hangs. */
  private async lost(): Promise<void> {
    const identity = this.identity
    if (identity === undefined || (await untilGone([identity], 100)).length === 0) {
      this.tell(BGP_DAEMON_DIED, `BIRD ended and is started again; its log is ${this.logFile}.`)
    }
    await this.again()
  }

  private async again(): Promise<void> {
    try {
      await this.connected()
      for (const listener of this.listeners) listener()
    } catch (error) {
      if (!this.wanted) return
      log.warn({ error }, 'BIRD could not be started')
      if (error instanceof FairwayError) this.tell(error.code, error.message)
      this.retry = setTimeout(() => void this.again(), this.delayInMs)
      this.delayInMs = Math.min(this.delayInMs * 2, LONGEST_DELAY_IN_MS)
    }
  }

  private async killHung(identity: ProcessIdentity): Promise<void> {
    signalProcess(identity, 'SIGKILL')
    await untilGone([identity], 2_000)
    this.tell(
      BGP_DAEMON_HUNG,
      `BIRD did not answer within ${this.timeoutInMs} ms and is started again; its log is ${this.logFile}.`,
    )
  }

  private tell(code: Code, message: string): void {
    const finding = { code, subjects: [], message, fix: code.fix }
    this.told = [...this.told.filter((one) => one.finding.code !== code), { finding, untilInMs: Date.now() + REMEMBERED_IN_MS }]
    log.warn({ code: code.code }, message)
    for (const listener of this.listeners) listener()
  }
}

function notStarted(reason: string): FairwayError {
  return new FairwayError(BGP_DAEMON_NOT_STARTED, `BIRD cannot be started: ${reason}`)
}
