/** Endpoint slices as somebody's plans change them: the copy of them, and the writes that the watch has not shown yet. */
import { isConflict, isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { type Reflector, startReflector } from '../../kube/reflector.ts'
import { ENDPOINT_SLICES } from '../../kube/resource.ts'
import type { EndpointSlice } from '../../kube/types.ts'
import { MANAGED_BY_LABEL, SERVICE_LABEL, type SliceWrites } from './endpoint-slices.ts'
import { OwnWrites } from './own-writes.ts'

export interface SliceWriterOptions {
  readonly client: KubeClient
  readonly signal: AbortSignal
  /** Only slices that say so by their label are seen, and written. */
  readonly manager: string
  /** Hears of the Services, as NAMESPACE/NAME, whose slices changed. */
  onChanges(keys: readonly string[]): void
}

export class SliceWriter {
  readonly #options: SliceWriterOptions
  readonly #own = new OwnWrites<EndpointSlice>()
  readonly #copy: Reflector<EndpointSlice>

  constructor(options: SliceWriterOptions) {
    this.#options = options
    const { client, signal, manager } = options
    this.#copy = startReflector<EndpointSlice>({
      client,
      signal,
      resource: ENDPOINT_SLICES,
      labelSelector: `${MANAGED_BY_LABEL}=${manager}`,
      onChanges: (changes) => {
        for (const { before, after } of changes) if (after === undefined && before !== undefined) this.#own.removed(before)
        options.onChanges(changes.map(({ before, after }) => keyOf(after ?? before)))
      },
    })
  }

  get synced(): Promise<void> {
    return this.#copy.synced
  }

  /** The slices of a Service, our own writes among them. */
  of(key: string): readonly EndpointSlice[] {
    return this.#own.view(this.#copy.store, (slice) => keyOf(slice) === key)
  }

  /** @throws {ApiError} for what could not be created or changed; a slice that somebody else removed counts as removed */
  async write({ create, update, delete: remove }: SliceWrites): Promise<void> {
    const { client, signal } = this.#options
    for (const slice of create) this.#own.wrote(await client.create(ENDPOINT_SLICES, slice, { signal }))
    for (const slice of update) this.#own.wrote(await client.update(ENDPOINT_SLICES, slice, { signal }))
    for (const slice of remove) await this.#remove(slice)
  }

  async #remove(slice: EndpointSlice): Promise<void> {
    const { client, signal } = this.#options
    const { namespace, name = '', uid } = slice.metadata
    try {
      await client.delete(ENDPOINT_SLICES, { namespace, name }, { uid, signal })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
    this.#own.deleted(slice)
  }
}

function keyOf(slice: EndpointSlice | undefined): string {
  return `${slice?.metadata.namespace}/${slice?.metadata.labels?.[SERVICE_LABEL] ?? ''}`
}
