/** Reads JSON as an object of a schema, the way that a Kubernetes API server decodes a request body into its Go types. */
import type { Decoded, KindRecord, RawObject } from '../kind.ts'
import { goStruct, goType } from './go-type.ts'
import { canonicalBase64, canonicalQuantity, canonicalTime, type Scalar } from './scalars.ts'
import { type FieldMeta, objectMeta } from './types.ts'

export type { Decoded } from '../kind.ts'

interface Context {
  readonly errors: string[]
  readonly unknown: string[]
}

/** Where a value stands: `path` with indices for unknown fields, `goPath` without, `place` is `Struct.field`. */
interface Place {
  readonly path: string
  readonly goPath: string
  readonly place: string
  readonly struct: string
}

/**
 * Decodes `raw` as an object of the record's schema. Never throws; `raw` is left as it is. What is not of a generated schema is
 * decoded as its record says; else nulls, and empty optional lists and maps, are left out.
 */
export function decodeStrict(record: Pick<KindRecord, 'schema' | 'form'>, raw: unknown): Decoded {
  if (record.form !== undefined) return record.form.decode(raw)
  const context: Context = { errors: [], unknown: [] }
  const struct = goStruct(record.schema)
  const meta: FieldMeta = { type: 'object', schema: record.schema, optional: false, patchStrategy: [], atomic: false }
  const pruned = decode(context, meta, raw, { path: '', goPath: '', place: struct, struct })
  return { ...context, pruned: (pruned ?? {}) as RawObject }
}

/** The message of the 400 answer. */
export function decodeFailure(record: Pick<KindRecord, 'kind' | 'version'>, reason: string): string {
  return `${record.kind} in version ${JSON.stringify(record.version)} cannot be handled as a ${record.kind}: ${reason}`
}

/** The reason of a 400 answer under strict field validation. */
export function strictFailure(unknown: readonly string[]): string {
  return `strict decoding error: ${unknown.join(', ')}`
}

const jsonType = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value === 'object' ? 'object' : typeof value

function wrongType(context: Context, meta: FieldMeta, value: unknown, at: Place): undefined {
  const what = typeof value === 'number' && meta.type === 'integer' ? `number ${value}` : jsonType(value)
  const where = at.goPath === '' ? 'Go value' : `Go struct field ${at.struct}.${at.goPath}`
  context.errors.push(`json: cannot unmarshal ${what} into ${where} of type ${goType(meta, at.place)}`)
  return undefined
}

function decode(context: Context, meta: FieldMeta, value: unknown, at: Place): unknown {
  if (value === null || value === undefined) return undefined
  switch (meta.type) {
    case 'any':
      return value
    case 'object':
      return isPlainObject(value) ? decodeObject(context, meta.schema ?? '', value, at) : wrongType(context, meta, value, at)
    case 'list':
      return Array.isArray(value) ? decodeList(context, meta, value, at) : wrongType(context, meta, value, at)
    case 'map':
      return isPlainObject(value) ? decodeMap(context, meta, value, at) : wrongType(context, meta, value, at)
    case 'string':
    case 'boolean':
    case 'number':
      return typeof value === meta.type ? value : wrongType(context, meta, value, at)
    case 'integer':
      return isInteger(value, meta.bits) ? value : wrongType(context, meta, value, at)
    default:
      return decodeSpecial(context, meta, value, at)
  }
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isInteger = (value: unknown, bits: 32 | 64 | undefined): boolean =>
  typeof value === 'number' && Number.isInteger(value) && (bits !== 32 || (value >= -(2 ** 31) && value < 2 ** 31))

function decodeObject(context: Context, schema: string, value: Record<string, unknown>, at: Place): unknown {
  const fields = objectMeta(schema)
  const struct = goStruct(schema)
  const result: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    const meta = fields.get(name)
    const path = at.path === '' ? name : `${at.path}.${name}`
    if (meta === undefined) {
      context.unknown.push(`unknown field ${JSON.stringify(path)}`)
      continue
    }
    const goPath = at.goPath === '' ? name : `${at.goPath}.${name}`
    const decoded = decode(context, meta, inner, { path, goPath, place: `${struct}.${name}`, struct })
    if (decoded !== undefined && !(meta.optional && isEmpty(meta, decoded))) result[name] = decoded
  }
  return result
}

const isEmpty = (meta: FieldMeta, value: unknown): boolean =>
  meta.type === 'list' ? (value as unknown[]).length === 0 : meta.type === 'map' && Object.keys(value as object).length === 0

function decodeList(context: Context, meta: FieldMeta, value: readonly unknown[], at: Place): unknown {
  const item = meta.item
  if (item === undefined) return value
  return value.map((inner, index) => {
    const decoded = decode(context, item, inner, { ...at, path: `${at.path}[${index}]` })
    return decoded === undefined ? zero(item) : decoded
  })
}

function decodeMap(context: Context, meta: FieldMeta, value: Record<string, unknown>, at: Place): unknown {
  const item = meta.item
  if (item === undefined) return value
  const entries = Object.entries(value).map(([key, inner]) => {
    const decoded = decode(context, item, inner, { ...at, path: `${at.path}.${key}`, goPath: `${at.goPath}.${key}` })
    return [key, decoded === undefined ? zero(item) : decoded]
  })
  return Object.fromEntries(entries)
}

/** What Go leaves in place of a null. */
function zero(meta: FieldMeta): unknown {
  if (meta.type === 'object' || meta.type === 'map') return {}
  if (meta.type === 'list') return []
  if (meta.type === 'boolean') return false
  return meta.type === 'integer' || meta.type === 'number' || meta.type === 'int-or-string' ? 0 : ''
}

function decodeSpecial(context: Context, meta: FieldMeta, value: unknown, at: Place): unknown {
  if (meta.type === 'int-or-string') {
    if (typeof value === 'string' || isInteger(value, 32)) return value
    const what = typeof value === 'number' ? `number ${value}` : jsonType(value)
    context.errors.push(`json: cannot unmarshal ${what} into Go value of type int32`)
    return undefined
  }
  if (meta.type === 'quantity' && typeof value === 'number') return canonical(context, canonicalQuantity(String(value)))
  if (typeof value !== 'string') {
    if (meta.type === 'bytes') return wrongType(context, meta, value, at)
    context.errors.push(
      meta.type === 'quantity'
        ? "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
        : `json: cannot unmarshal ${jsonType(value)} into Go value of type string`,
    )
    return undefined
  }
  if (meta.type === 'quantity') return canonical(context, canonicalQuantity(value))
  if (meta.type === 'bytes') return canonical(context, canonicalBase64(value))
  return canonical(context, canonicalTime(value, meta.type === 'micro-time'))
}

function canonical(context: Context, scalar: Scalar): string | undefined {
  if ('text' in scalar) return scalar.text
  context.errors.push(scalar.error)
  return undefined
}
