/** One container of a pod, over all its runs: image, start, probes, end, back-off, start again. */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pause } from '../../kube/backoff.ts'
import type { EventType } from '../../kube/events.ts'
import type { Container, ContainerStatus, Pod } from '../../kube/types.ts'
import { FairwayError } from '../../model/code.ts'
import type { Catalogue } from '../images/catalogue.ts'
import { type Image, taggedReference } from '../images/image.ts'
import { containerCommand, containerEnv, type PodPlace } from './container-env.ts'
import { type ContainerExit, type ContainerRun, cannotStart, startContainer } from './container-process.ts'
import { afterExit, type CrashBackoff, goDuration, NO_BACKOFF, restarts } from './crash-backoff.ts'
import { LogFile } from './log-file.ts'
import { apiTime } from './pod-status.ts'
import { watchReadiness } from './readiness.ts'
import type { ExecTarget } from './stream/exec.ts'

/** What a container needs of its pod and node. */
export interface ContainerContext {
  readonly pod: Pod
  readonly container: Container
  readonly place: PodPlace
  /** '' for the node's own network. */
  readonly netns: string
  /** The pod's directory. */
  readonly dir: string
  readonly catalogue: Catalogue
  /** The container's status in an earlier life of this kubelet. */
  readonly before: ContainerStatus | undefined
  /** Tells an Event about this container. */
  tell(type: EventType, reason: string, message: string): void
  /** The status changed. */
  changed(): void
}

/** Short, as an image comes by a file that someone adds, and a pull costs nothing. */
const FIRST_PULL_DELAY_IN_MS = 4_000
const MAX_PULL_DELAY_IN_MS = 20_000
const CONFIG_RETRY_IN_MS = 10_000
/** How long a failed pull shows as ErrImagePull before it shows as waiting for the next. */
const PULL_ERROR_SHOWN_IN_MS = 2_000

type State = NonNullable<ContainerStatus['state']>

export class ContainerRunner {
  readonly log: LogFile
  readonly #context: ContainerContext
  readonly #stopping = new AbortController()
  #state: State = { waiting: { reason: 'ContainerCreating' } }
  #lastState: State = {}
  #ready = false
  #restartCount = 0
  #imageID = ''
  #containerID = ''
  #run: ContainerRun | undefined
  #target: ExecTarget | undefined
  #graceInMs = Number.POSITIVE_INFINITY

  constructor(context: ContainerContext) {
    this.#context = context
    this.log = new LogFile(join(context.dir, 'logs', `${context.container.name}.log`))
    const { before } = context
    if (before === undefined) return
    this.#restartCount = before.restartCount + (before.state?.running === undefined ? 0 : 1)
    this.#lastState = before.state?.running === undefined ? (before.lastState ?? {}) : lost(before)
  }

  /** As the pod's status lists it. */
  get status(): ContainerStatus {
    const running = this.#state.running !== undefined
    return {
      name: this.#context.container.name,
      state: this.#state,
      lastState: this.#lastState,
      ready: this.#ready,
      started: running,
      restartCount: this.#restartCount,
      image: taggedReference(this.#context.container.image ?? ''),
      imageID: this.#imageID,
      ...(this.#containerID === '' ? {} : { containerID: this.#containerID }),
    }
  }

  /** Where a command runs beside the container; undefined while it does not run. */
  get target(): ExecTarget | undefined {
    return this.#target
  }

  /** Runs the container until it has ended for good or was stopped. Never rejects. */
  async run(): Promise<void> {
    const { signal } = this.#stopping
    let backoff = NO_BACKOFF
    while (!signal.aborted) {
      const exit = await this.#once()
      if (exit === undefined || signal.aborted) continue
      if (!restarts(this.#context.pod.spec?.restartPolicy, exit.exitCode)) return
      backoff = await this.#waitAfter(exit, backoff)
      if (!signal.aborted) this.#restartCount++
    }
  }

  /** SIGTERM now, SIGKILL after the grace; a shorter grace may follow. */
  stop(graceInMs: number): void {
    this.#graceInMs = Math.min(this.#graceInMs, graceInMs)
    if (!this.#stopping.signal.aborted && this.#run !== undefined)
      this.#context.tell('Normal', 'Killing', `Stopping container ${this.#context.container.name}`)
    this.#stopping.abort()
    this.#run?.stop(this.#graceInMs)
  }

  /** One run; undefined when it could not be made and is to be tried again. */
  async #once(): Promise<ContainerExit | undefined> {
    const { pod, container, place } = this.#context
    const image = await this.#pull()
    if (image === undefined) return undefined
    try {
      const env = containerEnv(pod, container, image, place)
      const command = containerCommand(container, image, env)
      const problem = cannotStart(command, env.PATH ?? '')
      if (problem !== '') return this.#failStart(problem)
      return await this.#execute(image, command, env)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      const reason = error instanceof FairwayError ? 'CreateContainerConfigError' : 'CreateContainerError'
      this.#context.tell('Warning', 'Failed', `Error: ${message}`)
      this.#become({ waiting: { reason, message } })
      await pause(CONFIG_RETRY_IN_MS, this.#stopping.signal)
      return undefined
    }
  }

  async #pull(): Promise<Image | undefined> {
    const reference = this.#context.container.image ?? ''
    const { signal } = this.#stopping
    for (let delayInMs = FIRST_PULL_DELAY_IN_MS; !signal.aborted; delayInMs = Math.min(delayInMs * 2, MAX_PULL_DELAY_IN_MS)) {
      try {
        const image = await this.#context.catalogue.resolve(reference)
        this.#imageID = `fairway.local/${image.name}@sha256:${sha256(JSON.stringify(image))}`
        this.#context.tell(
          'Normal',
          'Pulled',
          `Container image "${reference}" already present on machine and can be accessed by the pod`,
        )
        return image
      } catch (error) {
        await this.#pullFailed(reference, error instanceof Error ? error.message : String(error), delayInMs)
      }
    }
    return undefined
  }

  async #pullFailed(reference: string, message: string, delayInMs: number): Promise<void> {
    const { tell } = this.#context
    tell('Normal', 'Pulling', `Pulling image "${reference}"`)
    tell('Warning', 'Failed', `Failed to pull image "${reference}": ${message}`)
    tell('Warning', 'Failed', 'Error: ErrImagePull')
    this.#become({ waiting: { reason: 'ErrImagePull', message } })
    if (!(await pause(PULL_ERROR_SHOWN_IN_MS, this.#stopping.signal))) return
    tell('Normal', 'BackOff', `Back-off pulling image "${reference}"`)
    tell('Warning', 'Failed', 'Error: ImagePullBackOff')
    this.#become({
      waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${reference}": ErrImagePull: ${message}` },
    })
    await pause(delayInMs - PULL_ERROR_SHOWN_IN_MS, this.#stopping.signal)
  }

  async #execute(image: Image, command: readonly string[], env: Readonly<Record<string, string>>): Promise<ContainerExit> {
    const { container, dir, netns, place, pod, tell } = this.#context
    const files = await layFiles(join(dir, 'files', container.name), image)
    await this.log.begin()
    const workingDir = container.workingDir || image.workingDir
    const { emptyDirs, visible } = image
    const run = startContainer({ netns, hostname: place.hostname, command, env, workingDir, emptyDirs, files, visible }, this.log)
    this.#run = run
    this.#containerID = `fairway://${sha256(`${pod.metadata.uid}/${container.name}/${this.#restartCount}/${run.startedAtInMs}`)}`
    tell('Normal', 'Created', 'Container created')
    const pid = await run.pid
    this.#target = pid === 0 ? undefined : { pid, env }
    if (pid !== 0) tell('Normal', 'Started', 'Container started')
    this.#ready = container.readinessProbe === undefined
    this.#become({ running: { startedAt: apiTime(run.startedAtInMs) } })
    if (this.#stopping.signal.aborted) run.stop(this.#graceInMs)
    const ended = new AbortController()
    const probing = this.#probe(run, ended.signal)
    const exit = await run.exited
    ended.abort()
    await probing
    this.#run = undefined
    this.#target = undefined
    this.#finish(exit, exit.exitCode === 0 ? 'Completed' : 'Error', '')
    return exit
  }

  async #probe(run: ContainerRun, ended: AbortSignal): Promise<void> {
    const { container, place, tell } = this.#context
    if (container.readinessProbe === undefined) return
    const target = { podIP: place.podIPs[0] ?? '', pid: await run.pid, container }
    // a container that is being stopped goes on being probed, so that its endpoint stops serving when it does
    for await (const result of watchReadiness(container.readinessProbe, target, ended)) {
      if (result.failure !== undefined) tell('Warning', 'Unhealthy', `Readiness probe failed: ${result.failure}`)
      if (result.ready === this.#ready) continue
      this.#ready = result.ready
      this.#context.changed()
    }
  }

  #failStart(problem: string): ContainerExit {
    const nowInMs = Date.now()
    const exit = { exitCode: 128, startedAtInMs: 0, finishedAtInMs: nowInMs }
    const message = `failed to create task: OCI runtime create failed: unable to start container process: ${problem}`
    this.#context.tell('Warning', 'Failed', `Error: ${message}`)
    this.#finish(exit, 'StartError', message)
    return { ...exit, startedAtInMs: nowInMs }
  }

  #finish(exit: ContainerExit, reason: string, message: string): void {
    this.#ready = false
    this.#become({
      terminated: {
        exitCode: exit.exitCode,
        reason,
        ...(message === '' ? {} : { message }),
        startedAt: apiTime(exit.startedAtInMs),
        finishedAt: apiTime(exit.finishedAtInMs),
        ...(this.#containerID === '' ? {} : { containerID: this.#containerID }),
      },
    })
  }

  async #waitAfter(exit: ContainerExit, backoff: CrashBackoff): Promise<CrashBackoff> {
    const { pod, container, tell } = this.#context
    const { waitInMs, next } = afterExit(backoff, exit.finishedAtInMs - exit.startedAtInMs)
    this.#lastState = this.#state
    if (waitInMs > 0) {
      const name = `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`
      tell('Warning', 'BackOff', `Back-off restarting failed container ${container.name} in pod ${name}`)
      const message = `back-off ${goDuration(waitInMs)} restarting failed container=${container.name} pod=${name}`
      this.#become({ waiting: { reason: 'CrashLoopBackOff', message } })
      await pause(waitInMs, this.#stopping.signal)
    }
    return next
  }

  #become(state: State): void {
    this.#state = state
    this.#context.changed()
  }
}

/** The end that a container met when its kubelet died, which nobody saw. Source: kubelet, status of containers after a reboot. */
function lost(before: ContainerStatus): State {
  const startedAt = before.state?.running?.startedAt
  return {
    terminated: {
      exitCode: 255,
      reason: 'Unknown',
      ...(startedAt === undefined ? {} : { startedAt }),
      finishedAt: apiTime(Date.now()),
    },
  }
}

async function layFiles(dir: string, image: Image): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const [index, [inside, text]] of Object.entries(image.files).entries()) {
    const outside = join(dir, String(index))
    await mkdir(dir, { recursive: true, mode: 0o755 })
    await writeFile(outside, text, { mode: 0o644 })
    files.set(inside, outside)
  }
  return files
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
