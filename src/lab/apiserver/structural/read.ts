/** Reads a schema from JSON: keywords of the right types, without nulls and unknown keywords. */
import { isMap, type JsonMap } from '../json.ts'
import type { FieldError } from '../kind.ts'
import { child, key } from './path.ts'
import type { StructuralSchema } from './types.ts'
import { typeOf } from './value.ts'

/** Reads one value; what cannot be read is undefined and told of in `errors`. */
type Reader = (value: unknown, path: string, errors: FieldError[]) => unknown

const wrong = (value: unknown, path: string, errors: FieldError[], type: string): undefined => {
  errors.push({ type: 'TypeInvalid', field: path, value, detail: `must be of type ${type}: ${JSON.stringify(typeOf(value))}` })
  return undefined
}

const scalar =
  (type: 'string' | 'boolean' | 'number' | 'integer'): Reader =>
  (value, path, errors) => {
    const given = typeOf(value)
    return given === type || (type === 'number' && given === 'integer') ? value : wrong(value, path, errors, type)
  }

const listOf =
  (read: Reader): Reader =>
  (value, path, errors) =>
    Array.isArray(value) ? value.map((item, index) => read(item, key(path, index), errors)) : wrong(value, path, errors, 'array')

const mapOf =
  (read: Reader): Reader =>
  (value, path, errors) =>
    isMap(value)
      ? fromEntries(value, (field, name) => read(field, key(path, name), errors))
      : wrong(value, path, errors, 'object')

const recordOf =
  (readers: () => Readonly<Record<string, Reader>>): Reader =>
  (value, path, errors) => {
    if (!isMap(value)) return wrong(value, path, errors, 'object')
    const known = readers()
    return fromEntries(value, (field, name) => {
      const read = Object.hasOwn(known, name) ? known[name] : undefined
      return field === null ? undefined : read?.(field, child(path, name), errors)
    })
  }

const fromEntries = (map: JsonMap, read: (value: unknown, name: string) => unknown): JsonMap =>
  Object.fromEntries(
    Object.entries(map).flatMap(([name, field]) => {
      const value = read(field, name)
      return value === undefined ? [] : [[name, value] as const]
    }),
  )

const any: Reader = (value) => value
const text = scalar('string')
const flag = scalar('boolean')
const number = scalar('number')
const count = scalar('integer')

const rule = recordOf(() => ({
  rule: text,
  message: text,
  messageExpression: text,
  reason: text,
  fieldPath: text,
  optionalOldSelf: flag,
}))

const schema: Reader = recordOf(() => KEYWORDS)
const schemaOrFlag: Reader = (value, path, errors) => (typeof value === 'boolean' ? value : schema(value, path, errors))

/** A list of schemas, one an item, is JSON schema's; a structural schema has one for all. */
const items: Reader = (value, path, errors) => {
  if (!Array.isArray(value)) return schema(value, path, errors)
  errors.push({ type: 'Forbidden', field: path, detail: 'items must be a schema object and not an array' })
  return undefined
}

const KEYWORDS: Readonly<Record<keyof StructuralSchema, Reader>> = {
  type: text,
  title: text,
  description: text,
  default: any,
  example: any,
  externalDocs: any,
  nullable: flag,
  format: text,
  pattern: text,
  enum: listOf(any),
  maximum: number,
  exclusiveMaximum: flag,
  minimum: number,
  exclusiveMinimum: flag,
  multipleOf: number,
  maxLength: count,
  minLength: count,
  maxItems: count,
  minItems: count,
  maxProperties: count,
  minProperties: count,
  required: listOf(text),
  items,
  properties: mapOf(schema),
  additionalProperties: schemaOrFlag,
  allOf: listOf(schema),
  anyOf: listOf(schema),
  oneOf: listOf(schema),
  not: schema,
  'x-kubernetes-preserve-unknown-fields': flag,
  'x-kubernetes-embedded-resource': flag,
  'x-kubernetes-int-or-string': flag,
  'x-kubernetes-list-type': text,
  'x-kubernetes-list-map-keys': listOf(text),
  'x-kubernetes-map-type': text,
  'x-kubernetes-validations': listOf(rule),
  uniqueItems: flag,
  id: text,
  $ref: text,
  $schema: text,
  additionalItems: any,
  patternProperties: any,
  definitions: any,
  dependencies: any,
}

/** The schema, and where a keyword has a value of another type than it should. Never throws. */
export function readSchema(
  value: unknown,
  path: string,
): { readonly schema: StructuralSchema; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = []
  const read = schema(value, path, errors)
  return { schema: (read ?? {}) as StructuralSchema, errors }
}
