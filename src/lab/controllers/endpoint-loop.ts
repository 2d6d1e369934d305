/** Keeps endpoint slices and Endpoints of every Service: watches Services, pods, nodes and slices, and writes what differs. */
import { isConflict, isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { KeyQueue } from '../../kube/key-queue.ts'
import { type Change, type Reflector, startReflector } from '../../kube/reflector.ts'
import { ENDPOINTS, keyOf, NODES, PODS, SERVICES } from '../../kube/resource.ts'
import type { Endpoints, Node, Pod, Service } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import { MANAGER, planSlices } from './endpoint-slices.ts'
import { makeEndpoints, sameEndpoints } from './endpoints.ts'
import { OwnWrites } from './own-writes.ts'
import { hasEndpoints, selects } from './pod-endpoint.ts'
import { SliceWriter } from './slice-writer.ts'

const log = logger('endpoints')

/** Starts it; resolves when it knows the cluster. It runs until the signal. */
export async function startEndpointController(client: KubeClient, signal: AbortSignal): Promise<void> {
  await new EndpointController(client, signal).start()
}

class EndpointController {
  readonly #client: KubeClient
  readonly #signal: AbortSignal
  readonly #queue: KeyQueue
  readonly #slices: SliceWriter
  readonly #services: Reflector<Service>
  readonly #pods: Reflector<Pod>
  readonly #nodes: Reflector<Node>
  readonly #endpoints: Reflector<Endpoints>
  readonly #own = new OwnWrites<Endpoints>()

  constructor(client: KubeClient, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
    const shared = { client, signal }
    this.#queue = new KeyQueue({
      signal,
      sync: (key) => this.#sync(key),
      failed: (key, err) => {
        if (!isConflict(err) && !isNotFound(err))
          log.warn({ err, service: key }, 'the endpoints of a Service could not be written')
      },
    })
    const mark = (keys: readonly string[]): void => this.#queue.add(...keys)
    this.#slices = new SliceWriter({ ...shared, manager: MANAGER, onChanges: mark })
    this.#services = startReflector<Service>({
      ...shared,
      resource: SERVICES,
      onChanges: (changes) => mark(changes.map(({ key }) => key)),
    })
    this.#pods = startReflector<Pod>({ ...shared, resource: PODS, onChanges: (changes) => this.#podsChanged(changes) })
    this.#nodes = startReflector<Node>({ ...shared, resource: NODES, onChanges: (changes) => this.#nodesChanged(changes) })
    this.#endpoints = startReflector<Endpoints>({
      ...shared,
      resource: ENDPOINTS,
      onChanges: (changes) => this.#endpointsChanged(changes),
    })
  }

  async start(): Promise<void> {
    const copies = [this.#services, this.#pods, this.#nodes, this.#endpoints, this.#slices]
    await Promise.all(copies.map(({ synced }) => synced))
    this.#queue.start()
  }

  #podsChanged(changes: readonly Change<Pod>[]): void {
    const keys = new Set<string>()
    for (const { before, after } of changes) {
      const namespace = (after ?? before)?.metadata.namespace
      for (const [key, service] of this.#services.store) {
        if (service.metadata.namespace !== namespace) continue
        if ([before, after].some((pod) => pod !== undefined && selects(service, pod.metadata.labels))) keys.add(key)
      }
    }
    this.#queue.add(...keys)
  }

  /** Of a node, endpoints have its zone. */
  #nodesChanged(changes: readonly Change<Node>[]): void {
    const zone = (node: Node | undefined) => node?.metadata.labels?.['topology.kubernetes.io/zone'] ?? ''
    if (changes.some(({ before, after }) => zone(before) !== zone(after))) this.#queue.add(...this.#services.store.keys())
  }

  #endpointsChanged(changes: readonly Change<Endpoints>[]): void {
    for (const { before, after } of changes) if (after === undefined && before !== undefined) this.#own.removed(before)
    this.#queue.add(...changes.map(({ key }) => key))
  }

  async #sync(key: string): Promise<undefined> {
    const service = this.#services.store.get(key)
    const slices = this.#slices.of(key)
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) {
      await this.#slices.write({ create: [], update: [], delete: slices })
      await this.#removeEndpoints(key)
      return
    }
    const { namespace } = service.metadata
    const pods = [...this.#pods.store.values()].filter(
      (pod) => pod.metadata.namespace === namespace && selects(service, pod.metadata.labels),
    )
    await this.#slices.write(planSlices(service, pods, this.#nodes.store, slices))
    if (hasEndpoints(service)) await this.#writeEndpoints(service, pods)
  }

  async #writeEndpoints(service: Service, pods: readonly Pod[]): Promise<void> {
    const wanted = makeEndpoints(service, pods)
    const [there] = this.#own.view(this.#endpoints.store, (each) => keyOf(each) === keyOf(wanted))
    if (there !== undefined && sameEndpoints(wanted, there)) return
    const { resourceVersion, uid } = there?.metadata ?? {}
    const options = { signal: this.#signal }
    const written =
      there === undefined
        ? await this.#client.create(ENDPOINTS, wanted, options)
        : await this.#client.update(ENDPOINTS, { ...wanted, metadata: { ...wanted.metadata, resourceVersion, uid } }, options)
    this.#own.wrote(written)
  }

  /** The Endpoints that were made for a Service go with it. Those of one without a selector were a user's, and go too, as in Kubernetes. */
  async #removeEndpoints(key: string): Promise<void> {
    const [there] = this.#own.view(this.#endpoints.store, (each) => keyOf(each) === key)
    if (there?.metadata.labels?.['endpoints.kubernetes.io/managed-by'] === undefined) return
    const { namespace, name = '', uid } = there.metadata
    try {
      await this.#client.delete(ENDPOINTS, { namespace, name }, { uid, signal: this.#signal })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
    this.#own.deleted(there)
  }
}
