/** What the fake API server holds: objects, and the history that watches are served from. */
import { keyOf } from '../resource.ts'
import type { KubeObject } from '../types.ts'

export interface StoredEvent {
  readonly revision: number
  readonly collection: string
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
}

export class FakeStore {
  revision = 100
  /** Events up to this revision are forgotten. */
  compacted = 0
  private readonly collections = new Map<string, Map<string, KubeObject>>()
  private readonly history: StoredEvent[] = []
  private readonly listeners = new Set<(event: StoredEvent) => void>()
  private serial = 0

  /** Creates or replaces; `collection` is a path such as `/api/v1/pods`, without a namespace. */
  put<T extends KubeObject>(collection: string, object: T): T {
    const objects = this.objects(collection)
    const key = keyOf(object)
    const old = objects.get(key)
    const uid = old?.metadata.uid ?? `uid-${this.serial++}`
    const stored = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(++this.revision) } }
    objects.set(key, stored)
    this.record({ revision: this.revision, collection, type: old === undefined ? 'ADDED' : 'MODIFIED', object: stored })
    return stored
  }

  /** Removes; what is not there is no error. */
  remove(collection: string, key: string): void {
    const old = this.objects(collection).get(key)
    if (old === undefined) return
    this.objects(collection).delete(key)
    const object = { ...old, metadata: { ...old.metadata, resourceVersion: String(++this.revision) } }
    this.record({ revision: this.revision, collection, type: 'DELETED', object })
  }

  /** Forgets the history: watches from before now get 410. */
  compact(): void {
    this.compacted = this.revision
    this.history.length = 0
  }

  /** As if restored from a backup: the same objects, but the counter is behind what clients have seen. */
  goBack(revision: number): void {
    this.revision = revision
    this.compacted = 0
    this.history.length = 0
    for (const objects of this.collections.values()) {
      for (const [key, object] of objects) {
        objects.set(key, { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.revision) } })
      }
    }
  }

  objects(collection: string): Map<string, KubeObject> {
    const known = this.collections.get(collection)
    if (known !== undefined) return known
    const made = new Map<string, KubeObject>()
    this.collections.set(collection, made)
    return made
  }

  since(collection: string, revision: number): readonly StoredEvent[] {
    return this.history.filter((event) => event.collection === collection && event.revision > revision)
  }

  /** Hears every event from now on; returns the unsubscriber. */
  listen(listener: (event: StoredEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  private record(event: StoredEvent): void {
    this.history.push(event)
    for (const listener of [...this.listeners]) listener(event)
  }
}
