/** An object on its way in: what it must be and have before it is looked at as one of its kind. */
import type { KindRecord, RawObject } from './kind.ts'
import { generatedName, timestamp } from './metadata.ts'
import { badRequest, conflict, forbidden, internal, invalid, notFound } from './status.ts'
import type { Store } from './store.ts'
import { resourceOf, type Stored, storeKey } from './stored.ts'

/** Where a write goes. */
export interface Place {
  readonly record: KindRecord
  readonly namespace: string | undefined
  readonly subresource: string
}

const NAMESPACES = { group: '', plural: 'namespaces' }

/** A new object gets what the server alone gives, and loses what only a stored one has. @throws {ApiError} */
export function initialise(place: Place, object: RawObject, nowInMs: number): void {
  const { metadata } = object
  if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== '')
    throw internal('resourceVersion should not be set on objects to be created')
  if (place.namespace !== undefined) {
    if (metadata.namespace !== undefined && metadata.namespace !== '' && metadata.namespace !== place.namespace)
      throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
    metadata.namespace = place.namespace
  } else delete metadata.namespace
  if ((metadata.name ?? '') === '' && (metadata.generateName ?? '') !== '')
    metadata.name = generatedName(metadata.generateName ?? '')
  metadata.uid = crypto.randomUUID()
  metadata.creationTimestamp = timestamp(nowInMs)
  for (const field of ['resourceVersion', 'generation', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink'])
    delete metadata[field]
}

/** As the NamespaceLifecycle admission plugin: no objects in namespaces that are not there, or going. @throws {ApiError} */
export function admitToNamespace(store: Store, { namespace, record }: Place, object: RawObject): void {
  if (!record.namespaced || namespace === undefined) return
  const home = store.get(resourceOf(NAMESPACES), storeKey(undefined, namespace))
  if (home === undefined) throw notFound(NAMESPACES, namespace)
  if (home.object.metadata.deletionTimestamp === undefined) return
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  }
  throw forbidden(record, object.metadata.name ?? '', why, [cause])
}

/** The answer names the resource where it else names the kind, as a real server's. */
export function requireVersion({ group, plural, replacesByVersion }: KindRecord, { metadata }: RawObject): void {
  if (replacesByVersion !== true || (metadata.resourceVersion ?? '') !== '') return
  const detail = 'must be specified for an update'
  throw invalid({ group, kind: plural }, metadata.name ?? '', [
    { type: 'Invalid', field: 'metadata.resourceVersion', value: 0, detail },
  ])
}

/** A change is of the object that its writer has seen, if it says which. @throws {ApiError} 409 */
export function checkPreconditions(record: KindRecord, object: RawObject, old: Stored): void {
  const { resourceVersion, uid, name = '', namespace } = object.metadata
  if (namespace !== undefined && namespace !== old.object.metadata.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  if (uid !== undefined && uid !== '' && uid !== old.object.metadata.uid) {
    const key = `/registry/${record.storagePath ?? record.plural}${old.key}`
    const detail = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.object.metadata.uid}`
    throw conflict(
      record,
      name,
      `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${detail}`,
    )
  }
  if (
    resourceVersion !== undefined &&
    resourceVersion !== '' &&
    resourceVersion !== '0' &&
    resourceVersion !== String(old.version)
  )
    throw conflict(record, name)
}

/** What a writer of this subresource may not touch comes from the stored object. */
export function keepStored({ record, subresource }: Place, object: RawObject, old: RawObject): void {
  for (const field of [
    'namespace',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'generateName',
  ]) {
    if (old.metadata[field] === undefined) delete object.metadata[field]
    else object.metadata[field] = old.metadata[field]
  }
  const fields = Object.keys({ ...old, ...object }).filter(
    (field) => !['kind', 'apiVersion', 'metadata', 'status'].includes(field),
  )
  const kept = subresource === 'status' ? fields : subresource === '' && record.subresources.includes('status') ? ['status'] : []
  for (const field of kept) {
    if (old[field] === undefined) delete object[field]
    else object[field] = structuredClone(old[field])
  }
}
