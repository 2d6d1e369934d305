/** The store: everything in memory for reads, every write in sqlite before it is acknowledged, one counter of versions. */
import type { Database } from './database.ts'
import { History } from './history.ts'
import type { RawObject } from './kind.ts'
import { type Change, keyOfObject, type Stored, storedFromJson, storedOf } from './stored.ts'

export type Listener = (change: Change) => void

/** Objects of one resource, by namespace ('' for none) and key, with sorted lists kept until the next change. */
class Shelf {
  readonly #byNamespace = new Map<string, Map<string, Stored>>()
  readonly #sorted = new Map<string, readonly Stored[]>()

  #namespaceOf(key: string): string {
    const end = key.indexOf('/', 1)
    return end === -1 ? '' : key.slice(1, end)
  }

  get(key: string): Stored | undefined {
    return this.#byNamespace.get(this.#namespaceOf(key))?.get(key)
  }

  set(stored: Stored): void {
    const namespace = this.#namespaceOf(stored.key)
    const objects = this.#byNamespace.get(namespace) ?? new Map<string, Stored>()
    this.#byNamespace.set(namespace, objects)
    objects.set(stored.key, stored)
    this.#forget(namespace)
  }

  delete(key: string): void {
    const namespace = this.#namespaceOf(key)
    this.#byNamespace.get(namespace)?.delete(key)
    this.#forget(namespace)
  }

  /** Sorted by key; of all namespaces when none is named. */
  list(namespace: string | undefined): readonly Stored[] {
    const name = namespace ?? '*'
    const known = this.#sorted.get(name)
    if (known !== undefined) return known
    const found =
      namespace === undefined
        ? [...this.#byNamespace.values()].flatMap((objects) => [...objects.values()])
        : [...(this.#byNamespace.get(namespace)?.values() ?? [])]
    const sorted = found.sort((a, b) => (a.key < b.key ? -1 : 1))
    this.#sorted.set(name, sorted)
    return sorted
  }

  #forget(namespace: string): void {
    this.#sorted.delete(namespace)
    this.#sorted.delete('*')
  }
}

/**
 * The one place where objects are. A write is durable when `put` or `remove` returns; when it throws, nothing changed, in
 * memory or on disk, and reads go on.
 *
 * Order: versions rise by one a write, over all resources; listeners hear changes in that order, before the write returns.
 */
export class Store {
  readonly #database: Database
  readonly #shelves = new Map<string, Shelf>()
  readonly #everywhere = new Set<Listener>()
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #waiting = new Set<() => void>()
  readonly history: History
  #version: number

  constructor(database: Database, history: (version: number) => History = (version) => new History(version)) {
    this.#database = database
    const { rows, version } = database.load()
    for (const row of rows) this.#shelf(row.resource).set(storedFromJson(row.json, row.version))
    this.#version = version
    this.history = history(version)
  }

  /** The version of the last write. */
  get version(): number {
    return this.#version
  }

  get(resource: string, key: string): Stored | undefined {
    return this.#shelf(resource).get(key)
  }

  /** Sorted by key; of one namespace, or of all. */
  list(resource: string, namespace?: string): readonly Stored[] {
    return this.#shelf(resource).list(namespace)
  }

  /** As `list`, as it was at `version`; undefined when history does not reach that far back. */
  listAt(resource: string, namespace: string | undefined, version: number): readonly Stored[] | undefined {
    const changes = this.history.since(version)
    if (changes === undefined) return undefined
    const then = new Map(this.list(resource, namespace).map((stored) => [stored.key, stored]))
    for (const change of changes.toReversed()) {
      if (change.resource !== resource) continue
      if (namespace !== undefined && change.stored.object.metadata.namespace !== namespace) continue
      if (change.previous === undefined) then.delete(change.stored.key)
      else then.set(change.stored.key, change.previous)
    }
    return [...then.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  /** Creates or replaces an object. @throws {FairwayError} when it cannot be written; nothing has changed then */
  put(resource: string, object: RawObject): Stored {
    const version = this.#version + 1
    const stored = storedOf(object, version)
    this.#database.put({ resource, key: stored.key, version, json: stored.json })
    const shelf = this.#shelf(resource)
    const previous = shelf.get(stored.key)
    shelf.set(stored)
    this.#publish({ resource, version, stored, previous, removed: false })
    return stored
  }

  /** Removes an object; `last` is its final state, which watchers see. @throws {FairwayError} as `put` */
  remove(resource: string, last: RawObject): Stored {
    const version = this.#version + 1
    const key = keyOfObject(last)
    this.#database.remove(resource, key, version)
    const stored = storedOf(last, version)
    const shelf = this.#shelf(resource)
    const previous = shelf.get(key)
    shelf.delete(key)
    this.#publish({ resource, version, stored, previous, removed: true })
    return stored
  }

  /** Hears every later change of a resource; call the result to stop. */
  listen(resource: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(resource) ?? new Set<Listener>()
    this.#listeners.set(resource, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Hears every later change of all resources; call the result to stop. */
  listenAll(listener: Listener): () => void {
    this.#everywhere.add(listener)
    return () => this.#everywhere.delete(listener)
  }

  /** Resources that have or had an object. */
  resources(): readonly string[] {
    return [...this.#shelves.keys()]
  }

  /** Resolves true once the counter reaches `version`, false when `signal` aborts before. */
  reached(version: number, signal: AbortSignal): Promise<boolean> {
    if (this.#version >= version) return Promise.resolve(true)
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#version < version && !signal.aborted) return
        this.#waiting.delete(check)
        resolve(this.#version >= version)
      }
      this.#waiting.add(check)
      signal.addEventListener('abort', check, { once: true })
    })
  }

  close(): void {
    this.#database.close()
  }

  #publish(change: Change): void {
    this.#version = change.version
    this.history.add(change)
    for (const listener of this.#listeners.get(change.resource) ?? []) listener(change)
    for (const listener of this.#everywhere) listener(change)
    for (const check of this.#waiting) check()
  }

  #shelf(resource: string): Shelf {
    const shelf = this.#shelves.get(resource) ?? new Shelf()
    this.#shelves.set(resource, shelf)
    return shelf
  }
}
