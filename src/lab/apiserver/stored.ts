/** One version of one object: parsed for the server's own use, and its JSON made once for every reader. */
import type { KindRecord, RawMetadata, RawObject } from './kind.ts'

/**
 * A stored version of an object. Never changed: a write makes a new one.
 *
 * Shape: `json` begins with kind and apiVersion, as a real server writes them; `itemStart` is where the rest begins, since
 * items of a list go without the two.
 */
export interface Stored {
  readonly key: string
  readonly version: number
  readonly object: RawObject
  readonly json: string
  readonly itemStart: number
}

/** One change. `stored` is the new version; of a removed object, its last state under the version of the removal. */
export interface Change {
  readonly resource: string
  readonly version: number
  readonly stored: Stored
  readonly previous: Stored | undefined
  readonly removed: boolean
}

/** `/NAMESPACE/NAME`, or `/NAME`: sorts as etcd sorts, and is what a continue token holds. */
export function storeKey(namespace: string | undefined, name: string): string {
  return namespace === undefined || namespace === '' ? `/${name}` : `/${namespace}/${name}`
}

export const keyOfObject = (object: RawObject): string => storeKey(object.metadata.namespace, object.metadata.name ?? '')

export const apiVersionOf = (record: Pick<KindRecord, 'group' | 'version'>): string =>
  record.group === '' ? record.version : `${record.group}/${record.version}`

/** The key of a kind in the store, independent of its version: `services`, `leases.coordination.k8s.io`. */
export function resourceOf(record: Pick<KindRecord, 'group' | 'plural' | 'conversion'>): string {
  const { group, plural } = record.conversion?.storage ?? record
  return group === '' ? plural : `${plural}.${group}`
}

const METADATA_ORDER: readonly string[] = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
]

function orderedMetadata(metadata: RawMetadata): RawMetadata {
  const result: RawMetadata = {}
  for (const name of METADATA_ORDER) if (metadata[name] !== undefined) result[name] = metadata[name]
  return result
}

/** Makes a version of an object; its metadata comes in the order of a real server, and its resourceVersion is `version`. */
export function storedOf(object: RawObject, version: number): Stored {
  const { kind, apiVersion, metadata, ...rest } = object
  const complete: RawObject = {
    kind,
    apiVersion,
    metadata: orderedMetadata({ ...metadata, resourceVersion: String(version) }),
    ...rest,
  }
  return storedAs(complete, JSON.stringify(complete), version)
}

/** Reads a version back from its JSON. */
export function storedFromJson(json: string, version: number): Stored {
  return storedAs(JSON.parse(json) as RawObject, json, version)
}

function storedAs(object: RawObject, json: string, version: number): Stored {
  const head = `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},`
  return { key: keyOfObject(object), version, object, json, itemStart: head.length }
}

/** The JSON of an item of a list: without kind and apiVersion. */
export const itemJson = (stored: Stored): string => `{${stored.json.slice(stored.itemStart)}`
