/** Writes, the same for every kind: create, replace, and the steps that all changes of a stored object share. */
import { ownAfterUpdate } from './apply/managed-fields.ts'
import { mergedAs } from './conversion.ts'
import { admitToNamespace, checkPreconditions, initialise, keepStored, type Place, requireVersion } from './incoming.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { sameJson } from './kinds/check.ts'
import { specChanged, timestamp, validateMetadata, validateMetadataUpdate } from './metadata.ts'
import { alreadyExists, badRequest, conflict, forbidden, internalError, invalid, methodNotAllowed, notFound } from './status.ts'
import type { Store } from './store.ts'
import { apiVersionOf, resourceOf, type Stored, storeKey } from './stored.ts'
import type { WriteOptions } from './write-options.ts'

/** What a write answers. `stored` is absent for dry runs. */
export interface Written {
  readonly object: RawObject
  readonly stored?: Stored
  readonly created: boolean
  readonly warnings: readonly string[]
}

export type Clock = () => number

/** What to do with an object about to be stored. `owned`: its managedFields are settled already, by an apply. */
export interface Change {
  readonly place: Place
  readonly object: RawObject
  readonly options: WriteOptions
  readonly owned?: boolean
  /** Does not count as a change of what the user asked for (a binding). */
  readonly keepsGeneration?: boolean
}

export class Writer {
  readonly store: Store
  readonly now: Clock

  constructor(store: Store, now: Clock = Date.now) {
    this.store = store
    this.now = now
  }

  find(place: Place, name: string): Stored | undefined {
    return this.store.get(resourceOf(place.record), storeKey(place.namespace, name))
  }

  /** @throws {ApiError} 404 */
  get(place: Place, name: string): Stored {
    const stored = this.find(place, name)
    if (stored === undefined) throw notFound(place.record, name)
    return stored
  }

  /** Creates an object. @throws {ApiError} 400, 403, 404 (namespace), 409 or 422 in a real server's words */
  create(change: Change): Written {
    const { object, options, place } = change
    const { record } = place
    if (record.closed !== undefined) throw methodNotAllowed(record.closed)
    initialise(place, object, this.now())
    admitToNamespace(this.store, place, object)
    record.defaults(object)
    if (change.owned !== true)
      ownAfterUpdate(mergedAs(record), object, undefined, this.managerOf(place, options), timestamp(this.now()))
    const refused = record.admit?.(object)
    if (refused !== undefined) throw forbidden(record, object.metadata.name ?? '', refused)
    record.prepare?.(object, undefined, '')
    if (record.countsGeneration) object.metadata.generation = 1
    const name = object.metadata.name ?? ''
    this.#allocated(record, object, undefined, options.dryRun, () => {
      const errors = [...validateMetadata(record, object.metadata), ...record.validate(object, undefined, '')]
      if (errors.length > 0) throw invalid(record, name, errors)
      if (this.find(place, name) !== undefined) throw alreadyExists(record, name)
    })
    const warnings = record.warnings?.(object, undefined) ?? []
    if (options.dryRun) return { object, created: true, warnings }
    return { ...this.#commit(record, object, undefined), created: true, warnings }
  }

  /** PUT: replaces an object, or makes it where its kind allows that. @throws {ApiError} */
  replace(change: Change, name: string): Written {
    const { object, place } = change
    const sent = object.metadata.name
    if (sent !== undefined && sent !== '' && sent !== name)
      throw badRequest(`the name of the object (${sent}) does not match the name on the URL (${name})`)
    object.metadata.name = name
    const old = this.find(place, name)
    if (old !== undefined) {
      requireVersion(place.record, object)
      return this.update(change, old)
    }
    if (place.record.createsOnUpdate !== true || place.subresource !== '') throw notFound(place.record, name)
    if (object.metadata.resourceVersion !== undefined) throw conflict(place.record, name)
    return this.create(change)
  }

  /** The steps that every change of a stored object takes. @throws {ApiError} 409 or 422 */
  update(change: Change, old: Stored): Written {
    const { object, options, place } = change
    const { record, subresource } = place
    checkPreconditions(record, object, old)
    keepStored(place, object, old.object)
    record.defaults(object)
    if (change.owned !== true)
      ownAfterUpdate(mergedAs(record), object, old.object, this.managerOf(place, options), timestamp(this.now()))
    record.prepare?.(object, old.object, subresource)
    if (record.countsGeneration && change.keepsGeneration !== true && specChanged(record, object, old.object))
      object.metadata.generation = (old.object.metadata.generation ?? 0) + 1
    const name = object.metadata.name ?? ''
    this.#allocated(record, object, old.object, options.dryRun, () => {
      const errors = [
        ...validateMetadataUpdate(object.metadata, old.object.metadata),
        ...record.validate(object, old.object, subresource),
      ]
      if (errors.length > 0) throw invalid(record, name, errors)
    })
    const warnings = record.warnings?.(object, old.object) ?? []
    if (options.dryRun) return { object, created: false, warnings }
    object.metadata.resourceVersion = old.object.metadata.resourceVersion
    if (sameJson(object, old.object)) return { object: old.object, stored: old, created: false, warnings }
    return { ...this.#commit(record, object, old.object), created: false, warnings }
  }

  managerOf(place: Place, options: WriteOptions, operation: 'Apply' | 'Update' = 'Update') {
    return {
      manager: options.fieldManager,
      operation,
      apiVersion: apiVersionOf(mergedAs(place.record)),
      subresource: place.subresource,
    } as const
  }

  /** Stores an object, or removes it when nothing holds back its deletion any more. Releases what it no longer uses. */
  #commit(
    record: KindRecord,
    object: RawObject,
    old: RawObject | undefined,
  ): { readonly object: RawObject; readonly stored: Stored } {
    if (old !== undefined && deletionIsOver(record, object)) return this.remove(record, object)
    const stored = this.#durably(record, object, old, () => this.store.put(resourceOf(record), object))
    if (old !== undefined) record.allocation?.release(old, object)
    return { object: stored.object, stored }
  }

  /** Removes an object for good. */
  remove(record: KindRecord, last: RawObject): { readonly object: RawObject; readonly stored: Stored } {
    const stored = this.store.remove(resourceOf(record), last)
    record.allocation?.release(last, undefined)
    return { object: stored.object, stored }
  }

  /** What was claimed for an object is given back when it cannot be stored. */
  #durably<T>(record: KindRecord, object: RawObject, old: RawObject | undefined, write: () => T): T {
    try {
      return write()
    } catch (error) {
      record.allocation?.release(object, old)
      throw error
    }
  }

  #allocated(record: KindRecord, object: RawObject, old: RawObject | undefined, dryRun: boolean, check: () => void): void {
    const errors = record.allocation?.allocate(object, old, dryRun) ?? []
    const own = errors.find(({ type }) => type === 'Internal')
    if (own !== undefined) throw internalError(own.detail ?? '')
    if (errors.length > 0) throw invalid(record, object.metadata.name ?? '', errors)
    if (dryRun) check()
    else this.#durably(record, object, old, check)
  }
}

/** Whether an object that is being deleted has nothing left to wait for. */
export function deletionIsOver(record: KindRecord, object: RawObject): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata
  if (deletionTimestamp === undefined || (deletionGracePeriodSeconds ?? 0) > 0) return false
  return (finalizers ?? []).length === 0 && record.heldBack?.(object) !== true
}
