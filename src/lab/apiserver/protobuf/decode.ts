/** From a protobuf body to the JSON form of the same object. */
import type { JsonMap } from '../json.ts'
import { SCHEMAS } from '../openapi/schemas.ts'
import { type FieldMeta, objectMeta } from '../schema/types.ts'
import { type WireField, wireFields } from './fields.ts'
import { integerOf, ProtobufError, textOf, type WireValue, wireValue, wireValues } from './reader.ts'

export { ProtobufError } from './reader.ts'

export const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf'

const MAGIC = Buffer.from('k8s\0')
/** Of runtime.Unknown: what it holds, and the object itself. */
const TYPE_META = 1
const RAW = 2
const DELETE_OPTIONS = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'

/**
 * Reads `k8s\0` and a runtime.Unknown. Zeros that only the encoder wrote are left out, as Go's JSON leaves them out.
 * @throws {ProtobufError} for bytes that are no such thing, or a message without a row in `fields.ts` (`unknown`)
 */
export function decodeUnknown(body: Buffer): JsonMap {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC))
    throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  const unknown = body.subarray(MAGIC.length)
  const type = bytesOf(wireValue(unknown, TYPE_META))
  const apiVersion = textOf(wireValue(type, 1))
  const kind = textOf(wireValue(type, 2))
  return { apiVersion, kind, ...decodeMessage(schemaOf(apiVersion, kind), bytesOf(wireValue(unknown, RAW))) }
}

let schemas: ReadonlyMap<string, string> | undefined

function schemaOf(apiVersion: string, kind: string): string {
  if (kind === 'DeleteOptions') return DELETE_OPTIONS
  schemas ??= new Map(
    Object.entries(SCHEMAS).flatMap(([name, schema]) =>
      (schema['x-kubernetes-group-version-kind'] ?? []).map(({ group, version, kind: of }): [string, string] => [
        `${group === '' ? version : `${group}/${version}`} ${of}`,
        name,
      ]),
    ),
  )
  const schema = schemas.get(`${apiVersion} ${kind}`)
  if (schema === undefined) throw new ProtobufError(`${apiVersion} ${kind} has no schema here`, true)
  return schema
}

const bytesOf = (value: bigint | Buffer | undefined): Buffer => (Buffer.isBuffer(value) ? value : Buffer.alloc(0))

function decodeMessage(schema: string, bytes: Buffer): JsonMap {
  const numbers = wireFields(schema)
  if (numbers === undefined) throw new ProtobufError(`the field numbers of ${schema} are not known here`, true)
  const metas = objectMeta(schema)
  const result: JsonMap = {}
  for (const entry of wireValues(bytes)) {
    const field = numbers.get(entry.number)
    if (field === undefined) continue
    if ('name' in field) decodeField(result, metas.get(field.name), field, entry.value)
    else
      for (const inner of wireValues(bytesOf(entry.value))) {
        const embedded = field.get(inner.number)
        if (embedded !== undefined) decodeField(result, metas.get(embedded.name), embedded, inner.value)
      }
  }
  return result
}

function decodeField(result: JsonMap, meta: FieldMeta | undefined, field: WireField, value: WireValue['value']): void {
  if (meta === undefined) return
  const { name, pointer } = field
  if (meta.type === 'list') {
    const list = (result[name] ?? []) as unknown[]
    result[name] = [...list, decodeValue(meta.item ?? meta, value)]
  } else if (meta.type === 'map') {
    const map = (result[name] ?? {}) as JsonMap
    const entry = bytesOf(value)
    result[name] = { ...map, [textOf(wireValue(entry, 1))]: decodeValue(meta.item ?? meta, wireValue(entry, 2)) }
  } else {
    const decoded = decodeValue(meta, value)
    const isZero = decoded === '' || decoded === 0 || decoded === false || decoded === undefined
    if (!isZero || pointer || (!meta.optional && decoded !== undefined) || meta.type === 'int-or-string') result[name] = decoded
  }
}

function decodeValue(meta: FieldMeta, value: WireValue['value'] | undefined): unknown {
  switch (meta.type) {
    case 'object':
      return decodeMessage(meta.schema ?? '', bytesOf(value))
    case 'integer':
      return integerOf(value)
    case 'boolean':
      return value === 1n
    case 'bytes':
      return bytesOf(value).toString('base64')
    case 'quantity':
      return textOf(wireValue(bytesOf(value), 1))
    case 'int-or-string':
      return intOrString(bytesOf(value))
    case 'time':
    case 'micro-time':
      return time(bytesOf(value), meta.type === 'micro-time')
    case 'any':
      return raw(bytesOf(value))
    case 'string':
      return textOf(value)
    default:
      throw new ProtobufError(`a field of type ${meta.type} cannot be read here`, true)
  }
}

function intOrString(bytes: Buffer): number | string {
  return integerOf(wireValue(bytes, 1)) === 1 ? textOf(wireValue(bytes, 3)) : integerOf(wireValue(bytes, 2))
}

/** Seconds and nanoseconds; nothing when there are none (Go's zero time is null in JSON). */
function time(bytes: Buffer, micro: boolean): string | undefined {
  if (bytes.length === 0) return undefined
  const inMs = integerOf(wireValue(bytes, 1)) * 1000
  const whole = new Date(inMs).toISOString().slice(0, 19)
  const micros = Math.floor(integerOf(wireValue(bytes, 2)) / 1000)
  return micro ? `${whole}.${String(micros).padStart(6, '0')}Z` : `${whole}Z`
}

/** RawExtension and FieldsV1: JSON within. */
function raw(bytes: Buffer): unknown {
  const text = textOf(wireValue(bytes, 1))
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    throw new ProtobufError('the JSON within a protobuf message cannot be read')
  }
}
