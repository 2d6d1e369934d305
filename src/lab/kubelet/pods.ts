/** The pods of this node: a worker for each, by uid, as the API has them. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Change, startReflector } from '../../kube/reflector.ts'
import { PODS } from '../../kube/resource.ts'
import type { Pod } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import { hostPortsClash } from '../controllers/port-claims.ts'
import { removeGroups } from './limit/sweep.ts'
import type { NodeContext } from './node-context.ts'
import { killInside, killStrangersHere, listPodLinks, podWireNames, removePodWires } from './pod-network.ts'
import { PodWorker } from './pod-worker.ts'
import { rejectPod } from './reject.ts'

const log = logger('kubelet')
const UID = /^[0-9a-f-]{36}$/

export class NodePods {
  readonly workers = new Map<string, PodWorker>()
  readonly #node: NodeContext
  #listening = true

  constructor(node: NodeContext) {
    this.#node = node
  }

  /** Follows the node's pods until the context's signal; resolves when the first state is known and every worker has begun. */
  async start(): Promise<void> {
    const { client, node, signal } = this.#node
    const reflector = startReflector<Pod>({
      client,
      resource: PODS,
      fieldSelector: `spec.nodeName=${node}`,
      signal,
      onChanges: (changes) => this.#take(changes),
    })
    await reflector.synced
    await this.#forgetOthers()
  }

  /** The worker of a pod by its name; the one that is not going when a name was taken again. */
  find(namespace: string, name: string): PodWorker | undefined {
    const named = [...this.workers.values()].filter(
      ({ pod }) => pod.metadata.namespace === namespace && pod.metadata.name === name,
    )
    return named.find(({ pod }) => pod.metadata.deletionTimestamp === undefined) ?? named[0]
  }

  /** Ends every pod's processes and wires. */
  async shutDown(graceInMs: number): Promise<void> {
    this.#listening = false
    await Promise.all([...this.workers.values()].map((worker) => worker.shutDown(graceInMs)))
  }

  #take(changes: readonly Change<Pod>[]): void {
    if (!this.#listening) return
    for (const { before, after } of changes) {
      if (after !== undefined) this.#upsert(after)
      else if (before !== undefined) this.workers.get(before.metadata.uid ?? '')?.remove()
    }
  }

  #upsert(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    const worker = this.workers.get(uid)
    if (worker !== undefined) {
      worker.update(pod)
      return
    }
    const fresh =
      pod.status?.phase === undefined || (pod.status.phase === 'Pending' && pod.status.containerStatuses === undefined)
    if (fresh && pod.metadata.deletionTimestamp === undefined && this.#portsTaken(pod)) {
      rejectPod(this.#node, pod).catch((err: unknown) =>
        log.error({ err, pod: pod.metadata.name }, 'a pod could not be rejected'),
      )
      return
    }
    const begun = new PodWorker(pod, this.#node)
    this.workers.set(uid, begun)
    begun.done
      .catch((err: unknown) => log.error({ err, pod: pod.metadata.name }, 'a pod worker failed'))
      .finally(() => this.workers.delete(uid))
  }

  /** The scheduler sees to it for its pods; one that names its node itself can still ask for a port that is taken. */
  #portsTaken(pod: Pod): boolean {
    const active = [...this.workers.values()]
      .map((worker) => worker.pod)
      .filter(({ status }) => !['Succeeded', 'Failed'].includes(status?.phase ?? ''))
    return hostPortsClash(pod, active)
  }

  async #forgetOthers(): Promise<void> {
    await this.#node.addresses.keepOnly(new Set(this.workers.keys()))
    for (const uid of await podDirectories(this.#node.dir))
      if (!this.workers.has(uid)) await rm(join(this.#node.dir, uid), { recursive: true, force: true })
  }
}

async function podDirectories(dir: string): Promise<readonly string[]> {
  return (await readdir(dir).catch(() => [])).filter((name) => UID.test(name))
}

/**
 * Ends and removes what an earlier runner of this node left: processes, namespaces and links of its pods, found by the links in
 * the node's namespace (in which this runs) and by the pods' directories.
 */
export async function sweepNode({ lab, node, dir, hierarchies }: NodeContext): Promise<void> {
  await killStrangersHere()
  const links = await listPodLinks()
  const known = (await podDirectories(dir)).map((uid) => podWireNames(lab, uid))
  const found = links.map((hostLink) => ({ hostLink, netns: `fw-${lab}-pod-${hostLink.slice('pod'.length)}` }))
  const all = new Map([...known, ...found].map((wires) => [wires.netns, wires]))
  await Promise.all(
    [...all.values()].map(async ({ netns, hostLink }) => {
      await killInside(netns)
      await removePodWires(netns, hostLink)
    }),
  )
  await removeGroups(lab, node, hierarchies)
}
