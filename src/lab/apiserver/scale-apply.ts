/** Server-side apply of a Scale: the configuration is the object's number of replicas, and its field is owned for the subresource. */
import { applyConfig } from './apply/apply.ts'
import { rootMeta } from './apply/field-set.ts'
import { mergedAs } from './conversion.ts'
import { decodeObject } from './decoding.ts'
import { isMap } from './json.ts'
import type { RawObject } from './kind.ts'
import { timestamp } from './metadata.ts'
import { parseYamlBody } from './request-body.ts'
import { SCALE, type ScaleWrite, scaleOf, setAt, validateScale } from './scale.ts'
import { decodeFailure, decodeStrict } from './schema/schema.ts'
import { badRequest } from './status.ts'
import { apiVersionOf, type Stored } from './stored.ts'
import type { Writer } from './writer.ts'

/** Answers the Scale as it is then, and what of the body nobody knows. @throws {ApiError} 400, 409, 422 */
export function applyScale(
  writer: Writer,
  { place, mapping, options }: Omit<ScaleWrite, 'scale'>,
  { body, old }: { readonly body: string; readonly old: Stored },
): { readonly scale: RawObject; readonly warnings: readonly string[] } {
  const raw = parseYamlBody(body)
  if (!isMap(raw) || raw.kind === undefined || raw.apiVersion === undefined)
    throw badRequest(decodeFailure(SCALE, "Object 'Kind' and 'apiVersion' are required"))
  const { object: scale, warnings } = decodeObject(SCALE, raw, options.fieldValidation)
  if (scale.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil')
  const { name = '' } = old.object.metadata
  if (scale.metadata.name !== undefined && scale.metadata.name !== name)
    throw badRequest(`the name of the object (${scale.metadata.name}) does not match the name on the URL (${name})`)
  validateScale(name, scale)
  const record = mergedAs(place.record)
  const metadata = { name, ...(place.namespace === undefined ? {} : { namespace: place.namespace }) }
  const config: RawObject = { apiVersion: apiVersionOf(record), kind: record.kind, metadata }
  const { replicas } = (scale.spec ?? {}) as { readonly replicas?: number }
  if (replicas !== undefined) setAt(config, mapping.specReplicasPath, replicas)
  const manager = writer.managerOf(place, options, 'Apply')
  const request = { root: rootMeta(record), manager, force: options.force, time: timestamp(writer.now()) }
  const object = decodeStrict(record, applyConfig(request, old.object, config)).pruned
  const { uid, resourceVersion } = scale.metadata
  if (uid !== undefined) object.metadata.uid = uid
  if (resourceVersion !== undefined) object.metadata.resourceVersion = resourceVersion
  const written = writer.update({ place, object, options, owned: true }, old)
  return { scale: scaleOf(mapping, written.object), warnings: [...warnings, ...written.warnings] }
}
