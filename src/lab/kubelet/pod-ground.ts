/** What a pod's containers stand on: its network, its volumes and its control groups, from before the first of them to after the last. */
import { join } from 'node:path'
import type { Pod } from '../../kube/types.ts'
import { netnsPath } from '../../linux/netns.ts'
import { type Logger, logger } from '../../log/log.ts'
import { PodLimits } from './limit/pod-limits.ts'
import { labGroup } from './limit/sweep.ts'
import type { NodeContext } from './node-context.ts'
import { layPodWires, podWireNames, removePodWires } from './pod-network.ts'
import { podReference } from './pod-reference.ts'
import { PodVolumes } from './volume/pod-volumes.ts'
import { VolumeError } from './volume/volume-error.ts'

const NETWORK_RETRY_IN_MS = 2_000
const VOLUME_RETRY_IN_MS = 1_000

export class PodGround {
  /** Its addresses are filled in before any container runs. */
  readonly place: PodGroundPlace
  readonly volumes: PodVolumes
  readonly limits: PodLimits
  readonly #pod: Pod
  readonly #node: NodeContext
  readonly #log: Logger
  readonly #uid: string
  readonly #hostNetwork: boolean
  readonly #given = Promise.withResolvers<void>()
  #abandoned = false

  /** `pod` is as it was when it came to the node: what counts here does not change. */
  constructor(pod: Pod, node: NodeContext) {
    const { name = '', namespace, uid = '' } = pod.metadata
    this.#pod = pod
    this.#node = node
    this.#uid = uid
    this.#log = logger('kubelet').child({ pod: `${namespace}/${name}` })
    this.#hostNetwork = pod.spec?.hostNetwork === true
    const hostname = this.#hostNetwork ? node.node : (pod.spec?.hostname ?? name).slice(0, 63)
    const podIPs = this.#hostNetwork ? node.nodeAddresses : []
    this.place = { podIPs, hostIPs: node.nodeAddresses, hostname, amounts: node.amounts }
    const { client, followed } = node
    this.volumes = new PodVolumes({ pod, place: this.place, dir: join(node.dir, uid, 'volumes'), client, followed })
    this.limits = new PodLimits({
      hierarchies: node.hierarchies,
      path: `${labGroup(node.lab)}/${node.node}/${uid}`,
      unheld: (message) => node.recorder.event(podReference(pod), 'Warning', 'LimitsNotHeld', message),
    })
  }

  /** Name of the pod's network namespace; '' for the node's own. */
  get netns(): string {
    return this.#hostNetwork ? '' : podWireNames(this.#node.lab, this.#uid).netns
  }

  /** The file of the network namespace that the pod's containers are in. */
  get netnsFile(): string {
    return this.#hostNetwork ? '/proc/self/ns/net' : netnsPath(this.netns)
  }

  /**
   * Lays network and volumes, as often as it takes; false when it was abandoned before they stood. `failed` hears of every failure, which is
   * told as an Event, too.
   */
  async lay(failed: () => void): Promise<boolean> {
    return (
      (await this.#insist(NETWORK, () => this.#layNetwork(), failed)) &&
      (await this.#insist(VOLUMES, () => this.#layVolumes(), failed))
    )
  }

  /** The pod is going: nothing is tried any more. */
  abandon(): void {
    this.#abandoned = true
    this.#given.resolve()
  }

  /** Takes all of it away; the containers must have ended. A runner that ends leaves the pod its addresses for its next life. */
  async clear(): Promise<void> {
    this.volumes.release()
    await this.limits.release()
    if (this.#hostNetwork) return
    const { netns, hostLink } = podWireNames(this.#node.lab, this.#uid)
    await removePodWires(netns, hostLink)
    if (!this.#node.signal.aborted) await this.#node.addresses.release(this.#uid)
  }

  async #insist({ reason, retryInMs, told }: Part, act: () => Promise<void>, failed: () => void): Promise<boolean> {
    while (!this.#abandoned) {
      try {
        await act()
        return true
      } catch (err) {
        const message = told(err)
        this.#log.warn({ err }, message)
        this.#node.recorder.event(podReference(this.#pod), 'Warning', reason, message)
        failed()
        await Promise.race([this.#given.promise, new Promise((resolve) => setTimeout(resolve, retryInMs))])
      }
    }
    return false
  }

  async #layNetwork(): Promise<void> {
    if (this.#hostNetwork) return
    const { addresses, lab } = this.#node
    const own = await addresses.allocate(this.#uid)
    await layPodWires({ ...podWireNames(lab, this.#uid), addresses: own, gateways: addresses.gateways })
    this.place.podIPs = own
  }

  async #layVolumes(): Promise<void> {
    await this.volumes.lay()
    this.volumes.follow()
  }
}

/** As PodPlace, with addresses that come later. */
interface PodGroundPlace {
  podIPs: readonly string[]
  readonly hostIPs: readonly string[]
  readonly hostname: string
  readonly amounts: NodeContext['amounts']
}

/** How the failure of a part is told, in a kubelet's words. */
interface Part {
  readonly reason: string
  told(error: unknown): string
  readonly retryInMs: number
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const NETWORK: Part = {
  reason: 'FailedCreatePodSandBox',
  told: (error) => `Failed to create pod sandbox: ${wordsOf(error)}`,
  retryInMs: NETWORK_RETRY_IN_MS,
}
const VOLUMES: Part = {
  reason: 'FailedMount',
  told: (error) =>
    `MountVolume.SetUp failed for volume ${JSON.stringify(error instanceof VolumeError ? error.volume : '')} : ${wordsOf(error)}`,
  retryInMs: VOLUME_RETRY_IN_MS,
}
