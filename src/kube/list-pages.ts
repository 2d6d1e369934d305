/** A whole collection, page by page. */
import { isExpired } from './api-error.ts'
import type { KubeClient } from './client.ts'
import type { Decoded } from './object-store.ts'
import type { Resource } from './resource.ts'
import type { KubeObject } from './types.ts'

export interface ListAllOptions<T extends KubeObject, K> {
  readonly client: KubeClient
  readonly resource: Resource<T>
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly pageSize?: number
  readonly signal?: AbortSignal
  readonly decode: (object: T) => Decoded<K>
}

/**
 * Reads a collection to its end, keeping only what `decode` makes of each object. `resourceVersion` is where a watch goes on.
 *
 * Errors: those of the client. A page whose place expired between two pages makes it start over, in one piece.
 */
export async function listAll<T extends KubeObject, K>(
  options: ListAllOptions<T, K>,
): Promise<{ readonly objects: ReadonlyMap<string, Decoded<K>>; readonly resourceVersion: string }> {
  const { client, resource, namespace, labelSelector, fieldSelector, signal } = options
  let limit: number | undefined = options.pageSize ?? 500
  let objects = new Map<string, Decoded<K>>()
  let next: string | undefined
  for (;;) {
    try {
      const page = await client.list(resource, {
        namespace,
        labelSelector,
        fieldSelector,
        limit,
        continue: next,
        signal,
        attempts: 1,
      })
      for (const item of page.items) {
        const object = options.decode(item)
        objects.set(object.key, object)
      }
      next = page.metadata.continue || undefined
      if (next === undefined) return { objects, resourceVersion: page.metadata.resourceVersion ?? '' }
    } catch (error) {
      if (next === undefined || !isExpired(error)) throw error
      limit = undefined
      next = undefined
      objects = new Map()
    }
  }
}
