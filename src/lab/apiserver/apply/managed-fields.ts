/** Who owns which fields: the entries of metadata.managedFields, and how an update moves them. */
import type { JsonMap } from '../json.ts'
import type { KindRecord, RawObject } from '../kind.ts'
import { sameJson } from '../kinds/check.ts'
import { CONTAINER, decodeFields, encodeFields, type FieldSet, type FieldValues, fieldsOf, rootMeta } from './field-set.ts'

export interface Manager {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
}

export interface Owner extends Manager {
  readonly time: string
  readonly set: FieldSet
}

/** Appliers are one whatever version they apply; updaters are told apart by version as well. */
export function sameManager(a: Manager, b: Manager): boolean {
  return (
    a.manager === b.manager &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  )
}

export function decodeOwners(object: RawObject): readonly Owner[] {
  return (object.metadata.managedFields ?? [])
    .filter((entry) => entry.operation === 'Apply' || entry.operation === 'Update')
    .map((entry) => ({
      manager: String(entry.manager ?? ''),
      operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion: String(entry.apiVersion ?? ''),
      subresource: String(entry.subresource ?? ''),
      time: String(entry.time ?? ''),
      set: decodeFields(entry.fieldsV1),
    }))
}

/** Order: appliers first, then by time, then by name, as the real server sorts them. Owners of nothing are left out. */
export function encodeOwners(owners: readonly Owner[]): JsonMap[] {
  const rank = (owner: Owner): string => `${owner.operation}/${owner.time}/${owner.manager}/${owner.subresource}`
  return owners
    .filter((owner) => owner.set.size > 0)
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
    .map((owner) => ({
      manager: owner.manager,
      operation: owner.operation,
      apiVersion: owner.apiVersion,
      ...(owner.time === '' ? {} : { time: owner.time }),
      fieldsType: 'FieldsV1',
      fieldsV1: encodeFields(owner.set),
      ...(owner.subresource === '' ? {} : { subresource: owner.subresource }),
    }))
}

/** What ownership needs to know of a kind. */
type OwnedKind = Pick<KindRecord, 'schema' | 'form' | 'subresources'>

interface Difference {
  readonly changed: FieldSet
  readonly removed: FieldSet
}

/** What an update added, changed and took away. */
function compareFields(before: FieldValues, after: FieldValues): Difference {
  const changed = [...after].filter(
    ([path, value]) => !before.has(path) || (value !== CONTAINER && !sameJson(value, before.get(path))),
  )
  return {
    changed: new Set(changed.map(([path]) => path)),
    removed: new Set([...before.keys()].filter((path) => !after.has(path))),
  }
}

/**
 * Sets metadata.managedFields after an update: what changed belongs to `manager` now, what is gone to nobody.
 *
 * Shape: the owners are those that the writer sent along, if any, since they may be edited like other fields; else the old ones.
 */
export function ownAfterUpdate(
  record: OwnedKind,
  object: RawObject,
  old: RawObject | undefined,
  manager: Manager,
  time: string,
): void {
  const root = rootMeta(record)
  const before = old === undefined ? {} : writable(record, old, manager.subresource)
  const { changed, removed } = compareFields(
    fieldsOf(root, before, true),
    fieldsOf(root, writable(record, object, manager.subresource), true),
  )
  const sent = decodeOwners(object)
  const reset = object.metadata.managedFields?.length === 1 && Object.keys(object.metadata.managedFields[0] ?? {}).length === 0
  const owners = sent.length > 0 || reset || old === undefined ? sent : decodeOwners(old)
  if (changed.size === 0 && removed.size === 0) {
    setOwners(object, owners)
    return
  }
  const others = owners
    .filter((owner) => !sameManager(owner, manager))
    .map((owner) => ({ ...owner, set: owner.set.difference(changed).difference(removed) }))
  const own = owners.find((owner) => sameManager(owner, manager))
  const set = (own?.set ?? new Set<string>()).union(changed).difference(removed)
  const same = own !== undefined && own.set.size === set.size && changed.size === 0
  setOwners(object, [...others, { ...manager, time: same ? own.time : time, set }])
}

/** What a writer of this subresource may own: of the object all but its status, where that has a subresource of its own. */
function writable(record: OwnedKind, object: RawObject, subresource: string): JsonMap {
  if (subresource === 'status')
    return { ...(record.form === undefined ? { metadata: object.metadata } : {}), status: object.status }
  if (record.form !== undefined && !record.subresources.includes('status')) return object
  const { status, ...rest } = object
  return rest
}

export function setOwners(object: RawObject, owners: readonly Owner[]): void {
  const entries = encodeOwners(owners)
  if (entries.length === 0) delete object.metadata.managedFields
  else object.metadata.managedFields = entries
}
