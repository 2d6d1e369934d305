/** PATCH in its four forms. */
import { applyPatch, type Operation } from 'rfc6902'
import { applyConfig } from './apply/apply.ts'
import { rootMeta } from './apply/field-set.ts'
import { mergedAs, toServed, toStorage } from './conversion.ts'
import { type DecodedObject, decodeObject } from './decoding.ts'
import type { Place } from './incoming.ts'
import { isMap, type JsonMap, mergePatch, sortedKeys } from './json.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { timestamp } from './metadata.ts'
import { mediaType, parseYamlBody } from './request-body.ts'
import { decodeFailure, decodeStrict, strictFailure } from './schema/schema.ts'
import { badRequest, invalid, notFound, patchRejected, unsupportedMediaType, unsupportedPatch } from './status.ts'
import { apiVersionOf, type Stored } from './stored.ts'
import { strategicMerge } from './strategic-merge.ts'
import type { WriteOptions } from './write-options.ts'
import type { Writer, Written } from './writer.ts'

export interface PatchRequest {
  readonly place: Place
  readonly name: string
  readonly contentType: string | undefined
  readonly body: string
  readonly options: WriteOptions
}

type Patcher = (record: KindRecord, original: JsonMap, patch: unknown) => unknown

const STRATEGIC_TYPE = 'application/strategic-merge-patch+json'

const PATCHERS: Readonly<Record<string, Patcher>> = {
  'application/json-patch+json': (_record, original, patch) => jsonPatch(original, patch),
  'application/merge-patch+json': (_record, original, patch) => mergePatch(original, asMap(patch)),
  [STRATEGIC_TYPE]: (record, original, patch) => strategicMerge(record.schema, original, asMap(patch)),
}

export const APPLY_TYPE = 'application/apply-patch+yaml'

function asMap(patch: unknown): JsonMap {
  if (isMap(patch)) return patch
  const type = Array.isArray(patch) ? 'array' : typeof patch === 'boolean' ? 'bool' : typeof patch
  throw badRequest(`json: cannot unmarshal ${type} into Go value of type map[string]interface {}`)
}

function jsonPatch(original: JsonMap, patch: unknown): JsonMap {
  if (
    !Array.isArray(patch) ||
    patch.some((operation) => !isMap(operation) || typeof operation.op !== 'string' || typeof operation.path !== 'string')
  )
    throw badRequest('error decoding patch: a JSON patch is a list of operations')
  const result = structuredClone(original)
  let outcome: readonly unknown[]
  try {
    outcome = applyPatch(result, patch as Operation[])
  } catch {
    throw patchRejected()
  }
  if (outcome.some((error) => error !== null)) throw patchRejected()
  return result
}

/** Patches an object, or applies one that may not be there yet. @throws {ApiError} */
export function patchObject(writer: Writer, request: PatchRequest): Written {
  if (mediaType(request.contentType) === APPLY_TYPE) return applyObject(writer, request)
  const { place, options } = request
  checkPatchType(place.record, request)
  const old = writer.get(place, request.name)
  const { object, warnings } = patched(place.record, old.object, request)
  const written = writer.update({ place, object, options }, old)
  return { ...written, warnings: [...warnings, ...written.warnings] }
}

/** An object, of the record's schema, after a patch of any form but apply. @throws {ApiError} 400, 415, 422 */
export function patched(
  record: KindRecord,
  original: RawObject,
  request: Pick<PatchRequest, 'contentType' | 'body' | 'options'>,
): DecodedObject {
  const patcher = checkPatchType(record, request)
  return decodePatched(record, patcher(record, toServed(record, original), parsePatch(request.body)), request.options)
}

/** Strategic merge needs to know a kind's Go type, which custom resources have not. */
function checkPatchType(record: KindRecord, request: Pick<PatchRequest, 'contentType'>): Patcher {
  const type = mediaType(request.contentType)
  if (record.form !== undefined && type !== APPLY_TYPE && (type === STRATEGIC_TYPE || PATCHERS[type] === undefined))
    throw unsupportedMediaType([...Object.keys(PATCHERS).filter((known) => known !== STRATEGIC_TYPE), APPLY_TYPE])
  const patcher = PATCHERS[type]
  if (patcher === undefined) throw unsupportedPatch()
  return patcher
}

function parsePatch(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (error) {
    throw badRequest(`error decoding patch: ${(error as Error).message}`)
  }
}

/** What came out of a patch, read as an object; a wrong type is the patch's fault. */
function decodePatched(record: KindRecord, value: unknown, options: WriteOptions): DecodedObject {
  const map = structuredClone(isMap(value) ? value : {})
  const { errors, unknown, pruned } = decodeStrict(record, map)
  const [error] = errors
  if (error !== undefined) {
    const value = JSON.stringify({ ...(sortedKeys(map) as JsonMap), metadata: map.metadata })
    throw invalid({ group: '', kind: '' }, '', [{ type: 'Invalid', field: 'patch', value, detail: error }])
  }
  if (options.fieldValidation === 'Strict' && unknown.length > 0)
    throw invalid({ group: '', kind: '' }, '', [
      { type: 'Invalid', field: 'patch', value: JSON.stringify(map), detail: strictFailure(unknown) },
    ])
  return { object: toStorage(record, pruned), warnings: options.fieldValidation === 'Ignore' ? [] : unknown }
}

function applyObject(writer: Writer, request: PatchRequest): Written {
  const { place, name, options } = request
  const { record } = place
  const raw = parseYamlBody(request.body)
  if (!isMap(raw) || raw.kind === undefined || raw.apiVersion === undefined)
    throw badRequest(decodeFailure(record, "Object 'Kind' and 'apiVersion' are required"))
  const { object: config, warnings } = decodeObject(record, raw, options.fieldValidation)
  checkConfig(config, place, name)
  const old = writer.find(place, name)
  if (old === undefined && place.subresource !== '') throw notFound(record, name)
  const object = merged(writer, request, old, config)
  const written =
    old === undefined
      ? writer.create({ place, object, options, owned: true })
      : writer.update({ place, object, options, owned: true }, old)
  return { ...written, warnings: [...warnings, ...written.warnings] }
}

function checkConfig(config: RawObject, place: Place, name: string): void {
  const { metadata } = config
  if (metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil')
  if (metadata.name !== undefined && metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  if (metadata.namespace !== undefined && metadata.namespace !== place.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

function merged(writer: Writer, request: PatchRequest, old: Stored | undefined, config: RawObject): RawObject {
  const { place, name, options } = request
  const record = mergedAs(place.record)
  const metadata = { name, ...(place.namespace === undefined ? {} : { namespace: place.namespace }) }
  const live: RawObject = old?.object ?? { apiVersion: apiVersionOf(record), kind: record.kind, metadata }
  const manager = writer.managerOf(place, options, 'Apply')
  const object = applyConfig(
    { root: rootMeta(record), manager, force: options.force, time: timestamp(writer.now()) },
    live,
    config,
  )
  return decodeStrict(record, object).pruned
}
