/** The subresource `scale`: autoscaling/v1 Scale of any kind whose record says where replicas and selector are. */

import type { Place } from './incoming.ts'
import type { JsonMap } from './json.ts'
import { isMap } from './json.ts'
import type { KindRecord, RawObject, ScaleMapping } from './kind.ts'
import { ageColumn, column, defineKind, nameColumn } from './kinds/define.ts'
import { type LabelSelector, labelSelectorText } from './kinds/label-selector.ts'
import { internalError, invalid } from './status.ts'
import type { Stored } from './stored.ts'
import type { WriteOptions } from './write-options.ts'
import type { Writer } from './writer.ts'

const replicasOf = (object: RawObject, field: 'spec' | 'status'): number =>
  (object[field] as { readonly replicas?: number } | undefined)?.replicas ?? 0

/** How a Scale is decoded and shown. Columns: kubernetes pkg/printers/internalversion/printers.go, printScale. */
export const SCALE: KindRecord = defineKind({
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  plural: 'scales',
  namespaced: true,
  schema: 'io.k8s.api.autoscaling.v1.Scale',
  columns: [
    nameColumn,
    column('Desired', 'integer', 'api.autoscaling.v1.ScaleSpec.replicas', (object) => replicasOf(object, 'spec')),
    column('Available', 'integer', 'api.autoscaling.v1.ScaleStatus.replicas', (object) => replicasOf(object, 'status')),
    ageColumn,
  ],
})

/** A selector as a query has it: from text, a LabelSelector, or the plain map of a ReplicationController; '' for none. */
export function selectorText(selector: unknown): string {
  if (typeof selector === 'string') return selector
  if (!isMap(selector) || Object.keys(selector).length === 0) return ''
  const isLabelSelector = isMap(selector.matchLabels) || Array.isArray(selector.matchExpressions)
  return labelSelectorText((isLabelSelector ? selector : { matchLabels: selector }) as LabelSelector)
}

function at(object: RawObject, path: readonly string[]): unknown {
  let here: unknown = object
  for (const segment of path) here = isMap(here) ? here[segment] : undefined
  return here
}

/** Sets what is at a path, and makes the maps on the way. */
export function setAt(object: RawObject, path: readonly string[], value: unknown): void {
  let here: JsonMap = object
  for (const segment of path.slice(0, -1)) {
    if (!isMap(here[segment])) here[segment] = {}
    here = here[segment] as JsonMap
  }
  here[path.at(-1) ?? ''] = value
}

/** The Scale of an object. */
export function scaleOf(mapping: ScaleMapping, object: RawObject): RawObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const selector = mapping.selectorPath === undefined ? '' : selectorText(at(object, mapping.selectorPath))
  const replicas = (path: readonly string[]): number => Number(at(object, path) ?? 0)
  return {
    kind: SCALE.kind,
    apiVersion: 'autoscaling/v1',
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: replicas(mapping.specReplicasPath) },
    status: { replicas: replicas(mapping.statusReplicasPath), ...(selector === '' ? {} : { selector }) },
  }
}

/**
 * The Scale that a reader is shown. Who never said how many has none; writing one is possible all the same.
 *
 * Source: apiextensions-apiserver pkg/registry/customresource/etcd.go, ScaleREST.Get.
 *
 * @throws {ApiError} 500
 */
export function readScale(mapping: ScaleMapping, object: RawObject): RawObject {
  const path = mapping.specReplicasPath
  if (at(object, path) === undefined) throw internalError(`the spec replicas field ".${path.join('.')}" does not exist`)
  return scaleOf(mapping, object)
}

export interface ScaleWrite {
  readonly place: Place
  readonly mapping: ScaleMapping
  /** As decoded from a PUT, or as patched. */
  readonly scale: RawObject
  readonly options: WriteOptions
}

/** @throws {ApiError} 422 */
export function validateScale(name: string, scale: RawObject): void {
  const value = replicasOf(scale, 'spec')
  if (value < 0)
    throw invalid(SCALE, name, [{ type: 'Invalid', field: 'spec.replicas', value, detail: 'must be greater than or equal to 0' }])
}

/** Writes the number of replicas that a Scale asks for; answers the Scale as it is then. @throws {ApiError} 409, 422 */
export function writeScale(writer: Writer, write: ScaleWrite, old: Stored): RawObject {
  const { place, mapping, scale, options } = write
  const { name = '', uid, resourceVersion } = scale.metadata
  validateScale(name, scale)
  const object = structuredClone(old.object)
  setAt(object, mapping.specReplicasPath, replicasOf(scale, 'spec'))
  if (uid !== undefined) object.metadata.uid = uid
  object.metadata.resourceVersion = resourceVersion ?? ''
  return scaleOf(mapping, writer.update({ place, object, options }, old).object)
}
