/** One pod on this node, from its admission to its deletion. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isConflict, isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import type { EventRecorder } from '../../kube/events.ts'
import { PODS } from '../../kube/resource.ts'
import type { Container, Pod, PodStatus } from '../../kube/types.ts'
import { netnsPath } from '../../linux/netns.ts'
import { type Logger, logger } from '../../log/log.ts'
import { NODE_NOT_READY } from '../controllers/node-life.ts'
import type { Catalogue } from '../images/catalogue.ts'
import type { Times } from '../topology.ts'
import type { AddressBook } from './address-book.ts'
import { ContainerRunner } from './container-runner.ts'
import { InitContainers, initPolicy } from './init-containers.ts'
import type { Hierarchy } from './limit/hierarchy.ts'
import { PodLimits } from './limit/pod-limits.ts'
import type { NodeAmounts } from './limit/resource-field.ts'
import { labGroup } from './limit/sweep.ts'
import { layPodWires, podWireNames, removePodWires } from './pod-network.ts'
import { podStatus } from './pod-status.ts'
import { StatusWriter } from './status-writer.ts'
import { PodVolumes } from './volume/pod-volumes.ts'

/** What all pods of a node share. */
export interface NodeContext {
  readonly lab: string
  readonly node: string
  readonly nodeAddresses: readonly string[]
  readonly dir: string
  readonly client: KubeClient
  readonly recorder: EventRecorder
  readonly catalogue: Catalogue
  readonly addresses: AddressBook
  readonly hierarchies: readonly Hierarchy[]
  readonly amounts: NodeAmounts
  readonly times: Times
  /** The runner itself ends: nothing more is reported. */
  readonly signal: AbortSignal
}

const NETWORK_RETRY_IN_MS = 2_000
const VOLUME_RETRY_IN_MS = 1_000

export class PodWorker {
  readonly uid: string
  /** All containers, init containers first. */
  readonly runners: readonly ContainerRunner[]
  /** Resolves when nothing of the pod is left on this node. */
  readonly done: Promise<void>
  readonly #volumes: PodVolumes
  readonly #limits: PodLimits
  readonly #init: InitContainers
  readonly #main: readonly ContainerRunner[]
  readonly #node: NodeContext
  readonly #log: Logger
  readonly #startedAtInMs: number
  readonly #status: StatusWriter
  readonly #deleted = Promise.withResolvers<void>()
  /** Filled in before any container runs: the place that the runners look at. */
  readonly #place: {
    podIPs: readonly string[]
    readonly hostIPs: readonly string[]
    readonly hostname: string
    readonly amounts: NodeAmounts
  }
  #pod: Pod
  #stopping = false
  #gone = false
  #endInMs = Number.POSITIVE_INFINITY

  constructor(pod: Pod, node: NodeContext) {
    this.uid = pod.metadata.uid ?? ''
    this.#pod = pod
    this.#node = node
    this.#log = logger('kubelet').child({ pod: `${pod.metadata.namespace}/${pod.metadata.name}` })
    this.#startedAtInMs = Date.parse(pod.status?.startTime ?? '') || Date.now()
    this.#status = new StatusWriter(node.client, pod, node.signal)
    const hostNetwork = pod.spec?.hostNetwork === true
    const hostname = hostNetwork ? node.node : (pod.spec?.hostname ?? pod.metadata.name ?? '').slice(0, 63)
    this.#place = { podIPs: hostNetwork ? node.nodeAddresses : [], hostIPs: node.nodeAddresses, hostname, amounts: node.amounts }
    this.#volumes = new PodVolumes({ pod, place: this.#place, dir: join(this.#dir, 'volumes'), client: node.client })
    this.#limits = new PodLimits({
      hierarchies: node.hierarchies,
      path: `${labGroup(node.lab)}/${node.node}/${this.uid}`,
      unheld: (message) =>
        node.recorder.event(
          eventReference({ ...pod.metadata, apiVersion: 'v1', kind: 'Pod' }),
          'Warning',
          'LimitsNotHeld',
          message,
        ),
    })
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
    return this.#pod.spec?.hostNetwork === true ? '/proc/self/ns/net' : netnsPath(podWireNames(this.#node.lab, this.uid).netns)
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
    this.#stopping = true
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
    const { spec, status, metadata } = this.#pod
    const list = init ? 'initContainers' : 'containers'
    const about = { ...metadata, apiVersion: 'v1', kind: 'Pod', fieldPath: `spec.${list}{${container.name}}` }
    const statuses = init ? status?.initContainerStatuses : status?.containerStatuses
    return new ContainerRunner({
      pod: this.#pod,
      container,
      restartPolicy: init ? initPolicy(container, spec?.restartPolicy) : (spec?.restartPolicy ?? 'Always'),
      place: this.#place,
      netns: spec?.hostNetwork === true ? '' : podWireNames(this.#node.lab, this.uid).netns,
      dir: this.#dir,
      catalogue: this.#node.catalogue,
      volumes: this.#volumes,
      limits: this.#limits,
      times: this.#node.times,
      before: statuses?.find(({ name }) => name === container.name),
      tell: (type, reason, message) => this.#node.recorder.event(eventReference(about), type, reason, message),
      changed: () => this.#report(),
    })
  }

  async #live(): Promise<void> {
    if (this.#main.length > 0 && (await this.#layNetwork()) && (await this.#layVolumes())) {
      if (this.#init.runners.length > 0) for (const runner of this.#main) runner.hold()
      if (await this.#init.run()) await Promise.all(this.#main.map((runner) => runner.run()))
      await this.#init.finish(Number.isFinite(this.#endInMs) ? Math.max(0, this.#endInMs - Date.now()) : this.#graceInMs)
      this.#report()
    }
    this.#volumes.release()
    await this.#limits.release()
    await this.#clearNetwork()
    await this.#deleted.promise
    await this.#status.flush()
    if (!this.#node.signal.aborted) await rm(this.#dir, { recursive: true, force: true })
    await this.#confirmDeletion()
  }

  get #graceInMs(): number {
    return (this.#pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000
  }

  /** False when the pod was deleted before its network stood. */
  async #layNetwork(): Promise<boolean> {
    if (this.#pod.spec?.hostNetwork === true) return true
    while (!this.#stopping) {
      try {
        const addresses = await this.#node.addresses.allocate(this.uid)
        await layPodWires({ ...podWireNames(this.#node.lab, this.uid), addresses, gateways: this.#node.addresses.gateways })
        this.#place.podIPs = addresses
        return true
      } catch (err) {
        this.#log.error({ err }, 'a pod network could not be made')
        const message = `Failed to create pod sandbox: ${err instanceof Error ? err.message : String(err)}`
        this.#node.recorder.event(
          eventReference({ ...this.#pod.metadata, apiVersion: 'v1', kind: 'Pod' }),
          'Warning',
          'FailedCreatePodSandBox',
          message,
        )
        this.#report()
        await Promise.race([this.#deleted.promise, new Promise((resolve) => setTimeout(resolve, NETWORK_RETRY_IN_MS))])
      }
    }
    return false
  }

  /** False when the pod was deleted before its volumes were there. */
  async #layVolumes(): Promise<boolean> {
    while (!this.#stopping) {
      try {
        await this.#volumes.lay()
        this.#volumes.follow()
        return true
      } catch (err) {
        const message = `MountVolume.SetUp failed for a volume : ${err instanceof Error ? err.message : String(err)}`
        const about = eventReference({ ...this.#pod.metadata, apiVersion: 'v1', kind: 'Pod' })
        this.#node.recorder.event(about, 'Warning', 'FailedMount', message)
        this.#report()
        await Promise.race([this.#deleted.promise, new Promise((resolve) => setTimeout(resolve, VOLUME_RETRY_IN_MS))])
      }
    }
    return false
  }

  async #clearNetwork(): Promise<void> {
    if (this.#pod.spec?.hostNetwork === true) return
    const { netns, hostLink } = podWireNames(this.#node.lab, this.uid)
    await removePodWires(netns, hostLink)
    // a runner that ends leaves the pod its addresses for its next life
    if (!this.#node.signal.aborted) await this.#node.addresses.release(this.uid)
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
    const { podIPs, hostIPs } = this.#place
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

function eventReference(about: {
  namespace?: string
  name?: string
  uid?: string
  resourceVersion?: string
  apiVersion: string
  kind: string
  fieldPath?: string
}) {
  const { apiVersion, kind, namespace, name, uid, resourceVersion, fieldPath } = about
  return { apiVersion, kind, namespace, name, uid, resourceVersion, ...(fieldPath === undefined ? {} : { fieldPath }) }
}
