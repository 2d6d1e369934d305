/** One container of a pod, over all its runs: image, start, hooks, probes, end, back-off, start again. */
import { join } from 'node:path'
import { pause } from '../../kube/backoff.ts'
import type { ContainerStatus } from '../../kube/types.ts'
import { FairwayError } from '../../model/code.ts'
import { POD_FIELD_UNSUPPORTED } from '../../model/codes/pod.ts'
import type { Image } from '../images/image.ts'
import type { ContainerContext } from './container-context.ts'
import { containerCommand, containerEnv } from './container-env.ts'
import { type ProbeKind, watchHealth } from './container-health.ts'
import { type ContainerExit, type ContainerRun, cannotStart, startContainer } from './container-process.ts'
import { ContainerRecord } from './container-record.ts'
import { layContainer } from './container-sandbox.ts'
import { ContainerStreams } from './container-streams.ts'
import { afterExit, type CrashBackoff, goDuration, NO_BACKOFF, restarts } from './crash-backoff.ts'
import { runHook } from './hook.ts'
import { pullImage } from './image-pull.ts'
import { LogFile } from './log-file.ts'
import type { ProbedTarget } from './probe-watch.ts'
import type { Sandbox } from './sandbox.ts'
import type { ExecTarget } from './stream/exec.ts'
import { Termination } from './termination.ts'
import { terminationMessage } from './termination-message.ts'
import { rootProblem } from './user.ts'

const CONFIG_RETRY_IN_MS = 2_000

/** What is started, and with what environment. */
type ContainerWords = Pick<Sandbox, 'command' | 'env' | 'serviceEnv'>

interface Running {
  readonly target: ProbedTarget
  readonly streams: ContainerStreams
  readonly termination: Termination
  /** Aborted when the process is gone. */
  readonly ended: AbortSignal
}

export class ContainerRunner {
  readonly log: LogFile
  /** Resolves when the container has started for the first time, its startup probe included, or never will. */
  readonly firstStart: Promise<void>
  readonly #context: ContainerContext
  readonly #record: ContainerRecord
  readonly #stopping = new AbortController()
  readonly #firstStarted = Promise.withResolvers<void>()
  #running: Running | undefined
  #graceInMs = Number.POSITIVE_INFINITY
  #withHooks = true

  constructor(context: ContainerContext) {
    this.#context = context
    this.log = new LogFile(join(context.dir, 'logs', `${context.container.name}.log`))
    this.#record = new ContainerRecord(context.container, context.before, () => context.changed())
    this.firstStart = this.#firstStarted.promise
  }

  /** As the pod's status lists it. */
  get status(): ContainerStatus {
    return this.#record.status
  }

  /** Where a command runs beside the container; undefined while it does not run. */
  get target(): ExecTarget | undefined {
    return this.#running?.target
  }

  /** What `kubectl attach` attaches to; undefined while it does not run. */
  get streams(): ContainerStreams | undefined {
    return this.#running?.streams
  }

  /** It waits for containers before it. */
  hold(): void {
    this.#record.waiting('PodInitializing')
  }

  /** Runs the container until it has ended for good or was stopped; gives whether its last run succeeded. Never rejects. */
  async run(): Promise<boolean> {
    const { signal } = this.#stopping
    let backoff = NO_BACKOFF
    let succeeded = false
    while (!signal.aborted) {
      const exit = await this.#once()
      succeeded = exit?.exitCode === 0
      if (exit === undefined || signal.aborted) continue
      if (!restarts(this.#context.restartPolicy, exit.exitCode)) break
      backoff = await this.#waitAfter(exit, backoff)
      if (!signal.aborted) this.#record.restarted()
    }
    this.#firstStarted.resolve()
    return succeeded
  }

  /** The preStop hook and SIGTERM now, SIGKILL after the grace; a shorter grace may follow. */
  stop(graceInMs: number, withHooks = true): void {
    this.#graceInMs = Math.min(this.#graceInMs, graceInMs)
    this.#withHooks &&= withHooks
    if (!this.#stopping.signal.aborted && this.#running !== undefined)
      this.#context.tell('Normal', 'Killing', `Stopping container ${this.#context.container.name}`)
    this.#stopping.abort()
    this.#end(this.#graceInMs)
  }

  /** One run; undefined when it could not be made and is to be tried again. */
  async #once(): Promise<ContainerExit | undefined> {
    const { pod, container, place, catalogue, serviceLinks, tell, volumes } = this.#context
    const { signal } = this.#stopping
    const waiting = (reason: string, message: string): void => this.#record.waiting(reason, message)
    const image = await pullImage({ reference: container.image ?? '', catalogue, signal, tell, waiting })
    if (image === undefined) return undefined
    this.#record.pulled(image)
    try {
      const services = await serviceLinks.of(pod.metadata.namespace ?? '', pod.spec?.enableServiceLinks !== false)
      const env = await containerEnv(pod, container, image, { place, data: volumes, services })
      const forbidden = rootProblem(pod, container)
      if (forbidden !== '') throw new FairwayError(POD_FIELD_UNSUPPORTED, forbidden)
      const command = containerCommand(container, image, env)
      const problem = cannotStart(command, env.PATH ?? '')
      if (problem !== '') return this.#failStart(problem)
      return await this.#execute(image, { command, env, serviceEnv: services })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const reason = error instanceof FairwayError ? 'CreateContainerConfigError' : 'CreateContainerError'
      tell('Warning', 'Failed', `Error: ${message}`)
      this.#record.waiting(reason, message)
      await pause(CONFIG_RETRY_IN_MS, signal)
      return undefined
    }
  }

  async #execute(image: Image, words: ContainerWords): Promise<ContainerExit> {
    const { container, limits, place, pod, tell } = this.#context
    await this.log.begin()
    const hold = limits.hold(container)
    const { sandbox, message } = await layContainer(this.#context, image, { ...words, groupFiles: hold.files })
    const { capabilities, env, groupFiles, user } = sandbox
    const streams = new ContainerStreams({ ...container, uid: user.uid }, this.log)
    const run = startContainer(sandbox, streams, this.log)
    this.#record.created(pod.metadata.uid ?? '', run.startedAtInMs)
    tell('Normal', 'Created', 'Container created')
    const pid = await run.pid
    const ended = new AbortController()
    void run.exited.then(() => ended.abort())
    const target = { podIP: place.podIPs[0] ?? '', pid, container, env, capabilities, groupFiles, user }
    this.#running = { target, streams, termination: new Termination(run), ended: ended.signal }
    if (pid !== 0) tell('Normal', 'Started', 'Container started')
    const living = pid === 0 ? undefined : this.#live(this.#running, run)
    if (this.#stopping.signal.aborted) this.#end(this.#graceInMs)
    const exit = await run.exited
    await living
    this.#running = undefined
    this.#record.ended(
      exit,
      reasonOf(exit, hold.oomKilled()),
      await terminationMessage(message, container, exit.exitCode, this.log),
    )
    return exit
  }

  /** From the start of the process to its end: the postStart hook, then the probes. */
  async #live(running: Running, run: ContainerRun): Promise<void> {
    const { container, tell } = this.#context
    const { target, ended } = running
    const hook = container.lifecycle?.postStart
    const problem = hook === undefined ? '' : await runHook(hook, target, ended)
    if (problem !== '' && !ended.aborted) {
      tell('Warning', 'FailedPostStartHook', `PostStartHook failed: ${problem}`)
      tell('Normal', 'Killing', 'FailedPostStartHook')
      return this.#end(this.#graceOf())
    }
    this.#record.running(run.startedAtInMs)
    const listener = {
      started: (): void => {
        this.#record.started()
        this.#firstStarted.resolve()
      },
      ready: (ready: boolean): void => this.#record.ready(ready),
      unhealthy: (message: string): void => tell('Warning', 'Unhealthy', message),
      dead: (kind: ProbeKind, probe: { readonly terminationGracePeriodSeconds?: number }): void => {
        tell('Normal', 'Killing', `Container ${container.name} failed ${kind} probe, will be restarted`)
        this.#end(this.#graceOf(probe.terminationGracePeriodSeconds))
      },
    }
    await watchHealth(target, listener, ended)
  }

  #graceOf(ownInS?: number): number {
    return (ownInS ?? this.#context.pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000
  }

  /** Ends the run that there is, with its hook. */
  #end(graceInMs: number): void {
    const { container, tell } = this.#context
    const running = this.#running
    const hook = this.#withHooks ? container.lifecycle?.preStop : undefined
    if (running === undefined) return
    const { target, ended } = running
    const runPreStop = async (): Promise<void> => {
      const problem = hook === undefined ? '' : await runHook(hook, target, ended)
      if (problem !== '' && !ended.aborted) tell('Warning', 'FailedPreStopHook', `PreStopHook failed: ${problem}`)
    }
    running.termination.begin(graceInMs, hook === undefined || target.pid === 0 ? undefined : runPreStop)
  }

  #failStart(problem: string): ContainerExit {
    const nowInMs = Date.now()
    const exit = { exitCode: 128, startedAtInMs: 0, finishedAtInMs: nowInMs }
    const message = `failed to create task: OCI runtime create failed: unable to start container process: ${problem}`
    this.#context.tell('Warning', 'Failed', `Error: ${message}`)
    this.#record.ended(exit, 'StartError', message)
    return { ...exit, startedAtInMs: nowInMs }
  }

  async #waitAfter(exit: ContainerExit, backoff: CrashBackoff): Promise<CrashBackoff> {
    const { pod, container, tell, times } = this.#context
    const { waitInMs, next } = afterExit(backoff, exit.finishedAtInMs - exit.startedAtInMs, times)
    this.#record.setAside()
    if (waitInMs > 0) {
      const name = `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`
      tell('Warning', 'BackOff', `Back-off restarting failed container ${container.name} in pod ${name}`)
      const message = `back-off ${goDuration(waitInMs)} restarting failed container=${container.name} pod=${name}`
      this.#record.waiting('CrashLoopBackOff', message)
      await pause(waitInMs, this.#stopping.signal)
    }
    return next
  }
}

/** Source: containerd, internal/cri/server/events.go: an exit after an OOM event is OOMKilled. */
function reasonOf({ exitCode }: ContainerExit, oomKilled: boolean): string {
  if (exitCode === 0) return 'Completed'
  return oomKilled ? 'OOMKilled' : 'Error'
}
