/** From the JSON of a request to an object of a kind. */
import { toStorage } from './conversion.ts'
import { isMap, type JsonMap } from './json.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { decodeFailure, decodeStrict, strictFailure } from './schema/schema.ts'
import { badRequest } from './status.ts'
import { apiVersionOf } from './stored.ts'
import type { WriteOptions } from './write-options.ts'

/** What decoding needs to know of a kind. */
export type Decodable = Pick<KindRecord, 'group' | 'version' | 'kind' | 'schema' | 'form' | 'conversion'>

export interface DecodedObject {
  readonly object: RawObject
  readonly warnings: readonly string[]
}

/** Checks kind and apiVersion; what is missing is filled in. @throws {ApiError} 400 */
function identified(record: Decodable, raw: JsonMap): JsonMap {
  const apiVersion = apiVersionOf(record)
  const { kind = record.kind, apiVersion: sent = apiVersion } = raw
  if (kind !== record.kind) {
    const from = `${String(sent).split('/').at(-1)}.${String(kind)}`
    const group = record.group === '' ? 'core' : record.group.split('.')[0]
    throw badRequest(
      `${String(kind)} in version ${JSON.stringify(sent)} cannot be handled as a ${record.kind}: converting (${from}) to (${group}.${record.kind}): unknown conversion`,
    )
  }
  if (sent !== apiVersion)
    throw badRequest(`the API version in the data (${String(sent)}) does not match the expected API version (${apiVersion})`)
  return { ...raw, kind, apiVersion }
}

/**
 * Reads an object: types, unknown fields, kind and version. It comes in the form that is stored.
 * @throws {ApiError} 400 in the words of a real server
 */
export function decodeObject(record: Decodable, raw: unknown, validation: WriteOptions['fieldValidation']): DecodedObject {
  if (!isMap(raw))
    throw badRequest(
      decodeFailure(
        record,
        `json: cannot unmarshal ${Array.isArray(raw) ? 'array' : typeof raw} into Go value of type map[string]interface {}`,
      ),
    )
  const { errors, unknown, pruned } = decodeStrict(record, identified(record, raw))
  const [error] = errors
  if (error !== undefined) throw badRequest(decodeFailure(record, error))
  if (validation === 'Strict' && unknown.length > 0) throw badRequest(decodeFailure(record, strictFailure(unknown)))
  pruned.metadata ??= {}
  return { object: toStorage(record, pruned), warnings: validation === 'Ignore' ? [] : unknown }
}
