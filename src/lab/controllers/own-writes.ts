/** What was written and the watch has not shown yet, so that nobody decides on a copy that is older than their own writes. */
import { keyOf } from '../../kube/resource.ts'
import type { KubeObject } from '../../kube/types.ts'

interface Written<T> {
  /** Absent: deleted. */
  readonly object?: T
  readonly uid: string
  readonly version: bigint
}

export class OwnWrites<T extends KubeObject> {
  readonly #written = new Map<string, Written<T>>()

  wrote(object: T): void {
    this.#written.set(keyOf(object), { object, uid: object.metadata.uid ?? '', version: versionOf(object) })
  }

  deleted(object: T): void {
    this.#written.set(keyOf(object), { uid: object.metadata.uid ?? '', version: versionOf(object) })
  }

  /** The watch removed it: that is later than any write to it. */
  removed(object: T): void {
    if (this.#written.get(keyOf(object))?.uid === object.metadata.uid) this.#written.delete(keyOf(object))
  }

  /** The store's objects with the writes that are later; writes that the store has caught up with are forgotten. */
  view(store: ReadonlyMap<string, T>, wanted: (object: T) => boolean): readonly T[] {
    const objects = new Map<string, T>()
    for (const [key, object] of store) if (wanted(object)) objects.set(key, object)
    for (const [key, write] of this.#written) {
      const there = store.get(key)
      const caughtUp =
        there !== undefined &&
        (there.metadata.uid !== write.uid || (write.object !== undefined && versionOf(there) >= write.version))
      if (caughtUp) this.#written.delete(key)
      else if (write.object === undefined) objects.delete(key)
      else if (wanted(write.object)) objects.set(key, write.object)
    }
    return [...objects.values()]
  }
}

function versionOf(object: KubeObject): bigint {
  const text = object.metadata.resourceVersion ?? ''
  return /^\d+$/.test(text) ? BigInt(text) : 0n
}
