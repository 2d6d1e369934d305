/**
 * Deletes what nobody owns any more, by metadata.ownerReferences, for every kind alike.
 *
 * Three policies, chosen by whoever deletes an owner: background (the owner goes, its dependents follow), foreground (the
 * finalizer `foregroundDeletion` keeps the owner until its blocking dependents are gone), orphan (the finalizer `orphan` keeps
 * it until no dependent refers to it). Source: kubernetes pkg/controller/garbagecollector/garbagecollector.go.
 */
import type { Logger } from 'pino'
import { deleteObject, FOREGROUND, ORPHAN, type PropagationPolicy, parseDeleteOptions } from './deletion.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { OwnerIndex, type OwnerReference, ownersOf, type Ref, refOf } from './owner-index.ts'
import type { Registry } from './registry.ts'
import { type Change, resourceOf, type Stored, storeKey } from './stored.ts'
import type { WriteOptions } from './write-options.ts'
import type { Writer } from './writer.ts'

const RETRY_IN_MS = 5_000
/** Between two turns of the event loop, so that requests are answered while much is collected. */
const ITEMS_A_TURN = 100
const OPTIONS: WriteOptions = {
  dryRun: false,
  fieldManager: 'kube-controller-manager',
  fieldValidation: 'Ignore',
  force: false,
}

const NO_OPTIONS = parseDeleteOptions(undefined, new URLSearchParams())

/** What an owner reference points to: something that stays, that waits for its dependents, or nothing. */
type OwnerState = 'solid' | 'waiting' | 'gone'

const finalizersOf = (object: RawObject): readonly string[] => object.metadata.finalizers ?? []
const isGoing = (object: RawObject): boolean => object.metadata.deletionTimestamp !== undefined
const waits = (object: RawObject): boolean => isGoing(object) && finalizersOf(object).includes(FOREGROUND)

export class GarbageCollector {
  readonly #writer: Writer
  readonly #registry: Registry
  readonly #log: Logger
  readonly #index = new OwnerIndex()
  readonly #pending = new Set<Ref>()
  #turn: NodeJS.Immediate | undefined
  #retry: NodeJS.Timeout | undefined

  constructor(writer: Writer, registry: Registry, log: Logger) {
    this.#writer = writer
    this.#registry = registry
    this.#log = log
  }

  /** Reads what is stored and follows every change from then on; call the result to stop. */
  start(): () => void {
    const { store } = this.#writer
    for (const resource of store.resources())
      for (const stored of store.list(resource)) {
        this.#index.put(refOf(resource, stored.key), stored.object)
        if (ownersOf(stored.object).length > 0 || isGoing(stored.object)) this.#plan(refOf(resource, stored.key))
      }
    const stop = store.listenAll((change) => this.#hear(change))
    return () => {
      stop()
      clearImmediate(this.#turn)
      clearTimeout(this.#retry)
    }
  }

  /** Does all that is to be done now. */
  drain(): void {
    while (this.#pending.size > 0) this.#work()
  }

  #hear({ resource, stored, previous, removed }: Change): void {
    const { object, key } = stored
    const owners = ownersOf(object)
    const ref = refOf(resource, key)
    if (removed) this.#index.remove(ref)
    else this.#index.put(ref, object)
    const { uid = '' } = object.metadata
    if (removed || isGoing(object)) for (const dependent of this.#index.dependents(uid)) this.#plan(dependent)
    if (!removed && (owners.length > 0 || isGoing(object))) this.#plan(ref)
    for (const owner of [...owners, ...(previous === undefined ? [] : ownersOf(previous.object))]) {
      const found = this.#find(owner, object.metadata.namespace)
      if (found !== undefined && waits(found.stored.object)) this.#plan(refOf(resourceOf(found.record), found.stored.key))
    }
  }

  #plan(ref: Ref): void {
    this.#pending.add(ref)
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined
      this.#work()
      const [next] = this.#pending
      if (next !== undefined) this.#plan(next)
    })
  }

  #work(): void {
    for (const ref of [...this.#pending].slice(0, ITEMS_A_TURN)) {
      this.#pending.delete(ref)
      try {
        this.#process(ref)
      } catch (err) {
        this.#log.warn({ err, object: ref }, 'garbage could not be collected; trying again')
        this.#retry = setTimeout(() => this.#plan(ref), RETRY_IN_MS).unref()
      }
    }
  }

  #process(ref: Ref): void {
    const [resource = '', key = ''] = ref.split(' ')
    const stored = this.#writer.store.get(resource, key)
    const record = this.#stored(resource)
    if (stored === undefined || record === undefined) return
    if (!isGoing(stored.object)) this.#collect(record, stored)
    else if (finalizersOf(stored.object).includes(ORPHAN)) this.#orphan(record, stored)
    else if (waits(stored.object)) this.#finish(record, stored)
  }

  /** Deletes an object without an owner that stays; of one with such an owner, the other references go. */
  #collect(record: KindRecord, stored: Stored): void {
    const { object } = stored
    const owners = ownersOf(object)
    if (owners.length === 0) return
    const states = owners.map((owner) => this.#stateOf(owner, record, object))
    if (states.includes('solid')) {
      const kept = owners.filter((_, index) => states[index] === 'solid')
      if (kept.length < owners.length) this.#write(record, stored, { ownerReferences: kept })
      return
    }
    const { uid = '' } = object.metadata
    const isOwner = this.#index.dependents(uid).length > 0
    this.#delete(record, stored, states.includes('waiting') && isOwner ? 'Foreground' : undefined)
  }

  #delete(record: KindRecord, stored: Stored, propagation: PropagationPolicy | undefined): void {
    const { uid } = stored.object.metadata
    deleteObject(this.#writer, record, stored, { ...NO_OPTIONS, uid, propagation })
  }

  /** Takes the dependents out of an owner's hands, then lets it go. */
  #orphan(record: KindRecord, stored: Stored): void {
    const { uid = '' } = stored.object.metadata
    for (const ref of this.#index.dependents(uid)) {
      const [resource = '', key = ''] = ref.split(' ')
      const dependent = this.#writer.store.get(resource, key)
      const kind = this.#stored(resource)
      if (dependent === undefined || kind === undefined) continue
      this.#write(kind, dependent, { ownerReferences: ownersOf(dependent.object).filter((owner) => owner.uid !== uid) })
    }
    this.#letGo(record, stored, ORPHAN)
  }

  /** Lets an owner go when no dependent that blocks it is left. */
  #finish(record: KindRecord, stored: Stored): void {
    const { uid = '' } = stored.object.metadata
    const dependents = this.#index.dependents(uid).flatMap((ref) => {
      const [resource = '', key = ''] = ref.split(' ')
      return { ref, object: this.#writer.store.get(resource, key)?.object }
    })
    for (const { ref, object } of dependents) if (object !== undefined && !isGoing(object)) this.#plan(ref)
    const blocked = dependents.some(({ object }) =>
      (object === undefined ? [] : ownersOf(object)).some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    )
    if (!blocked) this.#letGo(record, stored, FOREGROUND)
  }

  #letGo(record: KindRecord, stored: Stored, finalizer: string): void {
    this.#write(record, stored, { finalizers: finalizersOf(stored.object).filter((name) => name !== finalizer) })
  }

  /** Writes lists of the metadata, through all that a write goes through. */
  #write(record: KindRecord, stored: Stored, lists: Readonly<Record<string, readonly unknown[]>>): void {
    const object = structuredClone(stored.object)
    for (const [field, list] of Object.entries(lists)) {
      if (list.length === 0) delete object.metadata[field]
      else object.metadata[field] = list
    }
    this.#writer.update(
      { place: { record, namespace: object.metadata.namespace, subresource: '' }, object, options: OPTIONS },
      stored,
    )
  }

  /** Kinds that are not served here, and namespaced owners of what has no namespace, are left alone: nothing can be said of them. */
  #stateOf(owner: OwnerReference, record: KindRecord, dependent: RawObject): OwnerState {
    const kind = this.#kindOf(owner)
    if (kind === undefined || (kind.namespaced && !record.namespaced)) return 'solid'
    const found = this.#find(owner, dependent.metadata.namespace)
    if (found === undefined) return 'gone'
    return waits(found.stored.object) ? 'waiting' : 'solid'
  }

  #find(owner: OwnerReference, namespace: string | undefined) {
    const record = this.#kindOf(owner)
    if (record === undefined) return undefined
    const stored = this.#writer.store.get(
      resourceOf(record),
      storeKey(record.namespaced ? namespace : undefined, owner.name ?? ''),
    )
    return stored === undefined || stored.object.metadata.uid !== owner.uid ? undefined : { record, stored }
  }

  /** The record in whose form a resource is stored. */
  #stored(resource: string): KindRecord | undefined {
    return this.#registry.stored.find((record) => resourceOf(record) === resource)
  }

  #kindOf({ apiVersion = '', kind }: OwnerReference): KindRecord | undefined {
    const group = apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
    return this.#registry.kinds.find((record) => record.group === group && record.kind === kind)
  }
}
