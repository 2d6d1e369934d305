/** Keeps endpoint slices and Endpoints of every Service: watches Services, pods, nodes and slices, and writes what differs. */
import { isAlreadyExists, isConflict, isNotFound } from '../../kube/api-error.ts'
import { Backoff, pause } from '../../kube/backoff.ts'
import type { KubeClient } from '../../kube/client.ts'
import { type Change, type Reflector, startReflector } from '../../kube/reflector.ts'
import { ENDPOINT_SLICES, ENDPOINTS, NODES, PODS, SERVICES } from '../../kube/resource.ts'
import type { EndpointSlice, Endpoints, KubeObject, Node, Pod, Service } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import { MANAGED_BY_LABEL, MANAGER, planSlices, SERVICE_LABEL } from './endpoint-slices.ts'
import { makeEndpoints, sameEndpoints } from './endpoints.ts'
import { OwnWrites } from './own-writes.ts'
import { hasEndpoints, selects } from './pod-endpoint.ts'

const log = logger('endpoints')
const WORKERS = 4

interface Copies {
  readonly services: Reflector<Service>
  readonly pods: Reflector<Pod>
  readonly nodes: Reflector<Node>
  readonly slices: Reflector<EndpointSlice>
  readonly endpoints: Reflector<Endpoints>
}

/** Starts it; resolves when it knows the cluster. It runs until the signal. */
export async function startEndpointController(client: KubeClient, signal: AbortSignal): Promise<void> {
  await new EndpointController(client, signal).start()
}

class EndpointController {
  readonly #client: KubeClient
  readonly #signal: AbortSignal
  readonly #copies: Copies
  readonly #ownSlices = new OwnWrites<EndpointSlice>()
  readonly #ownEndpoints = new OwnWrites<Endpoints>()
  readonly #dirty = new Set<string>()
  readonly #busy = new Set<string>()
  readonly #backoffs = new Map<string, Backoff>()
  #ready = false

  constructor(client: KubeClient, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
    const shared = { client, signal }
    this.#copies = {
      services: startReflector<Service>({
        ...shared,
        resource: SERVICES,
        onChanges: (changes) => this.#mark(changes.map(({ key }) => key)),
      }),
      pods: startReflector<Pod>({ ...shared, resource: PODS, onChanges: (changes) => this.#podsChanged(changes) }),
      nodes: startReflector<Node>({ ...shared, resource: NODES, onChanges: (changes) => this.#nodesChanged(changes) }),
      slices: startReflector<EndpointSlice>({
        ...shared,
        resource: ENDPOINT_SLICES,
        labelSelector: `${MANAGED_BY_LABEL}=${MANAGER}`,
        onChanges: (changes) => this.#slicesChanged(changes),
      }),
      endpoints: startReflector<Endpoints>({
        ...shared,
        resource: ENDPOINTS,
        onChanges: (changes) => this.#endpointsChanged(changes),
      }),
    }
  }

  async start(): Promise<void> {
    await Promise.all(Object.values(this.#copies).map((copy: Reflector<KubeObject>) => copy.synced))
    this.#ready = true
    this.#mark([...this.#copies.services.store.keys()])
  }

  #podsChanged(changes: readonly Change<Pod>[]): void {
    for (const { before, after } of changes) {
      const namespace = (after ?? before)?.metadata.namespace
      for (const [key, service] of this.#copies.services.store) {
        if (service.metadata.namespace !== namespace) continue
        if ([before, after].some((pod) => pod !== undefined && selects(service, pod.metadata.labels))) this.#dirty.add(key)
      }
    }
    this.#pump()
  }

  /** Of a node, endpoints have its zone. */
  #nodesChanged(changes: readonly Change<Node>[]): void {
    const zone = (node: Node | undefined) => node?.metadata.labels?.['topology.kubernetes.io/zone'] ?? ''
    if (changes.some(({ before, after }) => zone(before) !== zone(after))) this.#mark([...this.#copies.services.store.keys()])
  }

  #slicesChanged(changes: readonly Change<EndpointSlice>[]): void {
    for (const { before, after } of changes) {
      if (after === undefined && before !== undefined) this.#ownSlices.removed(before)
      const slice = after ?? before
      if (slice !== undefined) this.#dirty.add(`${slice.metadata.namespace}/${slice.metadata.labels?.[SERVICE_LABEL] ?? ''}`)
    }
    this.#pump()
  }

  #endpointsChanged(changes: readonly Change<Endpoints>[]): void {
    for (const { before, after } of changes) if (after === undefined && before !== undefined) this.#ownEndpoints.removed(before)
    this.#mark(changes.map(({ key }) => key))
  }

  #mark(keys: readonly string[]): void {
    for (const key of keys) this.#dirty.add(key)
    this.#pump()
  }

  #pump(): void {
    if (!this.#ready || this.#signal.aborted) return
    for (const key of this.#dirty) {
      if (this.#busy.size >= WORKERS) return
      if (this.#busy.has(key)) continue
      this.#dirty.delete(key)
      this.#busy.add(key)
      void this.#settle(key).finally(() => {
        this.#busy.delete(key)
        this.#pump()
      })
    }
  }

  async #settle(key: string): Promise<void> {
    try {
      await this.#sync(key)
      this.#backoffs.delete(key)
    } catch (err) {
      if (this.#signal.aborted) return
      if (!isConflict(err) && !isNotFound(err)) log.warn({ err, service: key }, 'the endpoints of a Service could not be written')
      const backoff = this.#backoffs.get(key) ?? new Backoff({ firstInMs: 20, maxInMs: 5_000 })
      this.#backoffs.set(key, backoff)
      await pause(backoff.next(), this.#signal)
      this.#dirty.add(key)
    }
  }

  async #sync(key: string): Promise<void> {
    const service = this.#copies.services.store.get(key)
    const [namespace, name] = key.split('/')
    const slices = this.#ownSlices.view(
      this.#copies.slices.store,
      ({ metadata }) => metadata.namespace === namespace && metadata.labels?.[SERVICE_LABEL] === name,
    )
    if (service === undefined || service.metadata.deletionTimestamp !== undefined) return this.#removeAll(key, slices)
    const pods = [...this.#copies.pods.store.values()].filter(
      (pod) => pod.metadata.namespace === namespace && selects(service, pod.metadata.labels),
    )
    const writes = planSlices(service, pods, this.#copies.nodes.store, slices)
    for (const slice of writes.create)
      this.#ownSlices.wrote(await this.#client.create(ENDPOINT_SLICES, slice, { signal: this.#signal }))
    for (const slice of writes.update)
      this.#ownSlices.wrote(await this.#client.update(ENDPOINT_SLICES, slice, { signal: this.#signal }))
    for (const slice of writes.delete) await this.#deleteSlice(slice)
    if (hasEndpoints(service)) await this.#writeEndpoints(service, pods)
  }

  async #writeEndpoints(service: Service, pods: readonly Pod[]): Promise<void> {
    const wanted = makeEndpoints(service, pods)
    const { namespace, name } = wanted.metadata
    const [there] = this.#ownEndpoints.view(
      this.#copies.endpoints.store,
      ({ metadata }) => metadata.namespace === namespace && metadata.name === name,
    )
    if (there !== undefined && sameEndpoints(wanted, there)) return
    const { resourceVersion, uid } = there?.metadata ?? {}
    const options = { signal: this.#signal }
    const written =
      there === undefined
        ? await this.#client.create(ENDPOINTS, wanted, options)
        : await this.#client.update(ENDPOINTS, { ...wanted, metadata: { ...wanted.metadata, resourceVersion, uid } }, options)
    this.#ownEndpoints.wrote(written)
  }

  /** A Service that is gone leaves nothing. The Endpoints of a Service without selector were a user's, and go with it too, as in Kubernetes. */
  async #removeAll(key: string, slices: readonly EndpointSlice[]): Promise<void> {
    for (const slice of slices) await this.#deleteSlice(slice)
    const [there] = this.#ownEndpoints.view(
      this.#copies.endpoints.store,
      ({ metadata }) => `${metadata.namespace}/${metadata.name}` === key,
    )
    if (there?.metadata.labels?.['endpoints.kubernetes.io/managed-by'] === undefined) return
    await this.#deleteQuietly(() =>
      this.#client.delete(ENDPOINTS, nameOf(there), { uid: there.metadata.uid, signal: this.#signal }),
    )
    this.#ownEndpoints.deleted(there)
  }

  async #deleteSlice(slice: EndpointSlice): Promise<void> {
    await this.#deleteQuietly(() =>
      this.#client.delete(ENDPOINT_SLICES, nameOf(slice), { uid: slice.metadata.uid, signal: this.#signal }),
    )
    this.#ownSlices.deleted(slice)
  }

  async #deleteQuietly(action: () => Promise<unknown>): Promise<void> {
    try {
      await action()
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error) && !isAlreadyExists(error)) throw error
    }
  }
}

function nameOf(object: KubeObject): { readonly namespace?: string; readonly name: string } {
  return { namespace: object.metadata.namespace, name: object.metadata.name ?? '' }
}
