import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SupervisedChild } from '../../linux/child.ts'
import { bootId, identify, type ProcessIdentity } from '../../linux/process.ts'
import { logger } from '../../log/log.ts'
import { type LabProcess, type LabState, labPaths, type ProcessesState, writeProcesses } from '../state.ts'
import { ControlServer } from './control.ts'
import { boundLogs } from './log-bound.ts'
import { apiServerSpec, clientSpecs, commandOf, type ProcessSpec, routerSpecs } from './specs.ts'

const log = logger('lab-supervisor')

/** How long a process may take to end: kubelets end their pods in that time. */
const GRACE_IN_MS = 3_000

interface Member {
  readonly spec: ProcessSpec
  readonly child: SupervisedChild
}

/**
 * Keeps the processes of one lab running: the API server and routers first, the others when it serves. What ends is started again.
 * Everything that is true of them is in `processes.json`, and on the control socket.
 */
export class Supervisor {
  readonly #state: LabState
  readonly #identity: ProcessIdentity
  readonly #bootId = bootId()
  /** Hosts without power. */
  readonly #halted: Set<string>
  readonly #startedAtInMs = Date.now()
  readonly #apiServer: Member
  readonly #routers: readonly Member[]
  readonly #clients: readonly Member[]
  readonly #control: ControlServer
  #record: Promise<void> = Promise.resolve()
  #recordWanted = false
  #stopped: Promise<void> | undefined
  readonly #onStopped: () => void

  constructor(state: LabState, onStopped: () => void) {
    const identity = identify(process.pid)
    if (identity === undefined) throw new Error('/proc does not show this process')
    this.#state = state
    this.#identity = identity
    this.#onStopped = onStopped
    this.#halted = new Set(state.faults.stopped)
    this.#apiServer = this.#member(apiServerSpec(state, `/proc/${process.pid}/ns/net`))
    this.#routers = routerSpecs(state).map((spec) => this.#member(spec))
    this.#clients = clientSpecs(state).map((spec) => this.#member(spec))
    this.#control = new ControlServer({
      status: () => this.status(),
      stop: () => void this.stop(),
      halt: (host) => this.#halt(host),
      boot: (host) => this.#boot(host),
    })
  }

  /** Writes down that it is there, and listens: from now on it can be found and stopped. */
  async announce(): Promise<void> {
    const { control } = labPaths(this.#state.name)
    rmSync(control, { force: true })
    await this.#control.listen(control)
    await this.#write()
  }

  start(): void {
    log.info({ lab: this.#state.name }, 'started')
    boundLogs(labPaths(this.#state.name).log)
    this.#startAll()
  }

  status(): ProcessesState {
    const processes = this.#members.map(({ spec, child }): LabProcess => {
      return { name: spec.name, role: spec.role, host: spec.host, ...child.status }
    })
    return { version: 1, bootId: this.#bootId, supervisor: this.#identity, startedAtInMs: this.#startedAtInMs, processes }
  }

  /** Ends all processes, the API server last, each within its grace; asking again waits for the same. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll()
    return this.#stopped
  }

  get #members(): readonly Member[] {
    return [this.#apiServer, ...this.#routers, ...this.#clients]
  }

  /** Everything that has power and is not there: the API server and routers, and the others once it serves. */
  #startAll(): void {
    if (this.#stopped !== undefined) return
    const serves = this.#apiServer.child.status.phase === 'ready'
    const due = serves ? this.#members : [this.#apiServer, ...this.#routers]
    for (const { spec, child } of due) if (!this.#halted.has(spec.host)) child.start()
  }

  /** No grace: a machine that loses its power gives none. */
  async #halt(host: string): Promise<void> {
    this.#halted.add(host)
    log.info({ host }, 'powered off')
    const there = this.#members.filter(({ spec }) => spec.host === host)
    await Promise.all(there.map(({ child }) => child.stop(0)))
  }

  #boot(host: string): void {
    if (this.#halted.delete(host)) log.info({ host }, 'powered on')
    this.#startAll()
  }

  async #stopAll(): Promise<void> {
    log.info('stopping')
    const others = [...this.#clients, ...this.#routers]
    await Promise.all(others.map(({ child }) => child.stop(GRACE_IN_MS)))
    await this.#apiServer.child.stop(GRACE_IN_MS)
    await this.#record
    this.#control.close()
    rmSync(labPaths(this.#state.name).control, { force: true })
    log.info('stopped')
    this.#onStopped()
  }

  #member(spec: ProcessSpec): Member {
    const logFile = join(labPaths(this.#state.name).log, `${spec.name}.log`)
    const child = new SupervisedChild({ name: spec.name, command: commandOf(this.#state, spec), logFile }, (one) =>
      this.#changed(one),
    )
    return { spec, child }
  }

  #changed(child: SupervisedChild): void {
    const { phase, identity, restarts, lastExit } = child.status
    if (phase === 'waiting') log.warn({ process: child.spec.name, lastExit, restarts }, 'ended; it is started again')
    else log.info({ process: child.spec.name, pid: identity?.pid }, phase)
    if (child === this.#apiServer.child && phase === 'ready') this.#startAll()
    this.#control.publish()
    this.#recordSoon()
  }

  /** One write at a time, and the last one has the last word. */
  #recordSoon(): void {
    if (this.#recordWanted) return
    this.#recordWanted = true
    this.#record = this.#record.then(() => {
      this.#recordWanted = false
      return this.#write()
    })
  }

  async #write(): Promise<void> {
    if (!existsSync(labPaths(this.#state.name).dir)) return // the lab was taken down from under us: stopping is all that is left
    try {
      await writeProcesses(this.#state.name, this.status())
    } catch (err) {
      log.error({ err }, 'processes.json cannot be written')
    }
  }
}
