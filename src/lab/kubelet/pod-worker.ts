/** One pod on this node, from its admission to its deletion. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isConflict, isNotFound } from '../../kube/api-error.ts'
import { PODS } from '../../kube/resource.ts'
import type { Container, Pod, PodStatus } from '../../kube/types.ts'
import { type Logger, logger } from '../../log/log.ts'
import { NODE_NOT_READY } from '../controllers/node-life.ts'
import { ContainerRunner } from './container-runner.ts'
import { InitContainers, initPolicy } from './init-containers.ts'
import type { NodeContext } from './node-context.ts'
import { PodGround } from './pod-ground.ts'
import { podReference } from './pod-reference.ts'
import { podStatus } from './pod-status.ts'
import { StatusWriter } from './status-writer.ts'

export class PodWorker {
  readonly uid: string
  /** All containers, init containers first. */
  readonly runners: readonly ContainerRunner[]
  /** Resolves when nothing of the pod is left on this node. */
  readonly done: Promise<void>
  readonly #ground: PodGround
  readonly #init: InitContainers
  readonly #main: readonly ContainerRunner[]
  readonly #node: NodeContext
  readonly #log: Logger
  readonly #startedAtInMs: number
  readonly #status: StatusWriter
  readonly #deleted = Promise.withResolvers<void>()
  #pod: Pod
  #gone = false
  #endInMs = Number.POSITIVE_INFINITY

  constructor(pod: Pod, node: NodeContext) {
    this.uid = pod.metadata.uid ?? ''
    this.#pod = pod
    this.#node = node
    this.#log = logger('kubelet').child({ pod: `${pod.metadata.namespace}/${pod.metadata.name}` })
    this.#startedAtInMs = Date.parse(pod.status?.startTime ?? '') || Date.now()
    this.#status = new StatusWriter(node.client, pod, node.signal)
    this.#ground = new PodGround(pod, node)
    const initContainers = this.#finishedBefore ? [] : (pod.spec?.initContainers ?? [])
    const containers = this.#finishedBefore ? [] : (pod.spec?.containers ?? [])
    this.#init = new InitContainers(initContainers.map((each) => ({ container: each, runner: this.#makeRunner(each, true) })))
    this.#main = containers.map((each) => this.#makeRunner(each, false))
    this.runners = [...this.#init.runners, ...this.#main]
    this.done = this.#live()
    this.update(pod)
  }

  /** The file of the network namespace that the pod's containers are in. */
  get netnsFile(): string {
    return this.#ground.netnsFile
  }

  get pod(): Pod {
    return this.#pod
  }

  /** The object changed at the server. */
  update(pod: Pod): void {
    this.#pod = pod
    // the node was held for gone, and is not
    if (pod.status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === NODE_NOT_READY)) this.#status.again()
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
    if (deletionTimestamp !== undefined)
      this.#stop((deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000)
  }

  /** The object is gone at the server (deleted by force): what runs is ended all the same. */
  remove(): void {
    this.#gone = true
    this.#stop(Math.max(1, this.#pod.metadata.deletionGracePeriodSeconds ?? 1) * 1000)
  }

  /** The runner ends: the pod's processes and wires go, its object stays. */
  async shutDown(graceInMs: number): Promise<void> {
    this.#gone = true
    this.#stop(graceInMs, false)
    await this.done
  }

  #stop(graceInMs: number, withHooks = true): void {
    this.#ground.abandon()
    this.#endInMs = Math.min(this.#endInMs, Date.now() + graceInMs)
    for (const runner of this.#main) runner.stop(graceInMs, withHooks)
    this.#init.stop(graceInMs, withHooks)
    this.#deleted.resolve()
  }

  get #finishedBefore(): boolean {
    const phase = this.#pod.status?.phase
    return phase === 'Succeeded' || phase === 'Failed'
  }

  get #dir(): string {
    return join(this.#node.dir, this.uid)
  }

  #makeRunner(container: Container, init: boolean): ContainerRunner {
    const { spec, status } = this.#pod
    const list = init ? 'initContainers' : 'containers'
    const about = podReference(this.#pod, `spec.${list}{${container.name}}`)
    const statuses = init ? status?.initContainerStatuses : status?.containerStatuses
    return new ContainerRunner({
      pod: this.#pod,
      container,
      restartPolicy: init ? initPolicy(container, spec?.restartPolicy) : (spec?.restartPolicy ?? 'Always'),
      place: this.#ground.place,
      netns: this.#ground.netns,
      dir: this.#dir,
      catalogue: this.#node.catalogue,
      volumes: this.#ground.volumes,
      limits: this.#ground.limits,
      times: this.#node.times,
      serviceLinks: this.#node.serviceLinks,
      before: statuses?.find(({ name }) => name === container.name),
      tell: (type, reason, message) => this.#node.recorder.event(about, type, reason, message),
      changed: () => this.#report(),
    })
  }

  async #live(): Promise<void> {
    if (this.#main.length > 0 && (await this.#ground.lay(() => this.#report()))) {
      if (this.#init.runners.length > 0) for (const runner of this.#main) runner.hold()
      if (await this.#init.run()) await Promise.all(this.#main.map((runner) => runner.run()))
      await this.#init.finish(Number.isFinite(this.#endInMs) ? Math.max(0, this.#endInMs - Date.now()) : this.#graceInMs)
      this.#report()
    }
    await this.#ground.clear()
    await this.#deleted.promise
    await this.#status.flush()
    if (!this.#node.signal.aborted) await rm(this.#dir, { recursive: true, force: true })
    await this.#confirmDeletion()
  }

  get #graceInMs(): number {
    return (this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000
  }

  async #confirmDeletion(): Promise<void> {
    if (this.#gone || this.#node.signal.aborted) return
    const { namespace, name = '' } = this.#pod.metadata
    try {
      await this.#node.client.delete(
        PODS,
        { namespace, name },
        { gracePeriodSeconds: 0, uid: this.uid, signal: this.#node.signal },
      )
    } catch (err) {
      if (!isNotFound(err) && !isConflict(err)) this.#log.warn({ err }, 'the end of a pod could not be confirmed')
    }
  }

  #report(): void {
    if (this.#gone || this.#node.signal.aborted) return
    const containers = this.#main.map((runner) => runner.status)
    const { statuses: initContainers, done: initialized, failed: initFailed } = this.#init
    const { podIPs, hostIPs } = this.#ground.place
    const known = { ...this.#pod, status: withReported(this.#pod.status, this.#status.wanted) }
    const view = { containers, initContainers, initialized, initFailed, podIPs, hostIPs, startedAtInMs: this.#startedAtInMs }
    this.#status.write(podStatus(known, view, Date.now()))
  }
}

/** The server's status with what was reported since: the watch may lag behind our own words. */
function withReported(server: PodStatus | undefined, reported: PodStatus | undefined): PodStatus | undefined {
  if (reported === undefined) return server
  const own = reported.conditions ?? []
  const others = (server?.conditions ?? []).filter((each) => !own.some(({ type }) => type === each.type))
  return { ...server, phase: reported.phase, conditions: [...own, ...others] }
}
