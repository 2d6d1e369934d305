/** The objects of a reflector: what is kept of each, and what changed. */
import { keyOf } from './resource.ts'
import type { KubeObject } from './types.ts'

/** One object that changed; `before` or `after` is absent when it was added or removed. */
export interface Change<K> {
  /** `namespace/name`, or the bare name of a cluster-scoped object. */
  readonly key: string
  readonly before?: K
  readonly after?: K
}

interface Entry<K> {
  readonly resourceVersion: string
  readonly uid: string
  /** Absent when the object could not be decoded and never could before. */
  readonly value?: K
}

/** An object as it was decoded, on its way into the store. */
export interface Decoded<K> extends Entry<K> {
  readonly key: string
  readonly failed: boolean
}

/**
 * Keeps objects by key. Every method returns the true changes that it made, in order: nothing for an object that is there with
 * the same resourceVersion; a removal and an addition for one that was replaced by another of its name.
 */
export class ObjectStore<K> {
  /** What is kept of every object. */
  readonly values = new Map<string, K>()
  private readonly entries = new Map<string, Entry<K>>()

  /** The resourceVersion of the object that is stored, if any. */
  versionOf(key: string): string | undefined {
    return this.entries.get(key)?.resourceVersion
  }

  upsert(object: Decoded<K>): readonly Change<K>[] {
    const { key } = object
    const old = this.entries.get(key)
    if (old?.resourceVersion === object.resourceVersion && old.uid === object.uid) return []
    if (old !== undefined && old.uid !== object.uid) return [...this.remove(key), ...this.upsert(object)]
    // an object that cannot be decoded any more stays as it last was: better stale than gone
    const value = object.failed ? old?.value : object.value
    this.entries.set(key, { resourceVersion: object.resourceVersion, uid: object.uid, value })
    if (value === undefined || object.failed) return []
    this.values.set(key, value)
    return [{ key, before: old?.value, after: value }]
  }

  remove(key: string): readonly Change<K>[] {
    const before = this.entries.get(key)?.value
    this.entries.delete(key)
    this.values.delete(key)
    return before === undefined ? [] : [{ key, before }]
  }

  /** Makes `objects` the whole truth; what is not among them is removed, after the additions. */
  replace(objects: ReadonlyMap<string, Decoded<K>>): readonly Change<K>[] {
    const changes: Change<K>[] = []
    for (const object of objects.values()) changes.push(...this.upsert(object))
    for (const key of [...this.entries.keys()]) if (!objects.has(key)) changes.push(...this.remove(key))
    return changes
  }
}

/** Decodes an object with the caller's `keep`; whatever that throws goes to `onError`, and the object counts as failed. */
export function decode<T extends KubeObject, K>(
  object: T,
  keep: (object: T) => K,
  onError: (key: string, error: unknown) => void,
): Decoded<K> {
  const key = keyOf(object)
  const { resourceVersion = '', uid = '' } = object.metadata
  try {
    return { key, resourceVersion, uid, value: keep(object), failed: false }
  } catch (error) {
    onError(key, error)
    return { key, resourceVersion, uid, failed: true }
  }
}
