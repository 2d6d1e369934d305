/** What was written and the watch has not shown yet, so that nobody decides on a copy that is older than their own writes. */
import { keyOf } from '../../kube/resource.ts'
import type { KubeObject } from '../../kube/types.ts'

interface Written<T> {
  /** Absent: deleted. */
  readonly object?: T
  readonly uid: string
  readonly version: bigint
  readonly atInMs: number
}

/** A write that the watch has not shown by then will not be shown: its object came and went while the watch was away. */
const FORGOTTEN_AFTER_MS = 60_000
const MAX_REMEMBERED_REMOVALS = 1_000

export class OwnWrites<T extends KubeObject> {
  readonly #written = new Map<string, Written<T>>()
  /** Uids that the watch removed last: an answer to a write may arrive after the object's end. */
  readonly #removed = new Set<string>()
  readonly #clock: () => number

  /** `clock` is monotonic, in milliseconds. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /** How long until an unseen write is given up; undefined when all were seen. */
  get forgetsInMs(): number | undefined {
    const [oldest] = [...this.#written.values()].map(({ atInMs }) => atInMs).toSorted((a, b) => a - b)
    return oldest === undefined ? undefined : Math.max(1, oldest + FORGOTTEN_AFTER_MS - this.#clock())
  }

  wrote(object: T): void {
    this.#remember(object, object)
  }

  deleted(object: T): void {
    this.#remember(object, undefined)
  }

  /** The watch removed it: that is later than any write to it. */
  removed(object: T): void {
    const { uid = '' } = object.metadata
    this.#removed.add(uid)
    const [oldest] = this.#removed
    if (this.#removed.size > MAX_REMEMBERED_REMOVALS && oldest !== undefined) this.#removed.delete(oldest)
    if (this.#written.get(keyOf(object))?.uid === uid) this.#written.delete(keyOf(object))
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
      if (caughtUp || this.#clock() - write.atInMs > FORGOTTEN_AFTER_MS) this.#written.delete(key)
      else if (write.object === undefined) objects.delete(key)
      else if (wanted(write.object)) objects.set(key, write.object)
      else objects.delete(key)
    }
    return [...objects.values()]
  }

  #remember(object: T, kept: T | undefined): void {
    const { uid = '' } = object.metadata
    if (this.#removed.has(uid)) return
    const write = { uid, version: versionOf(object), atInMs: this.#clock() }
    this.#written.set(keyOf(object), kept === undefined ? write : { ...write, object: kept })
  }
}

function versionOf(object: KubeObject): bigint {
  const text = object.metadata.resourceVersion ?? ''
  return /^\d+$/.test(text) ? BigInt(text) : 0n
}
