/** The keywords of one value: type, format, bounds, enum. Source: kube-openapi pkg/validation (validate, errors/schema.go). */
import type { FieldError } from '../kind.ts'
import { formatCheck } from './formats.ts'
import { NO_FIELD } from './path.ts'
import { goPattern } from './pattern.ts'
import type { StructuralSchema } from './types.ts'
import { equal, typeOf } from './value.ts'

/** Checks one value that is at `path`. */
export type Check = (value: unknown, path: string) => readonly FieldError[]

/** The object itself has no field. */
const fieldOf = (path: string): string => (path === '' ? NO_FIELD : path)

const invalid = (path: string, value: unknown, sentence: string): FieldError => ({
  type: 'Invalid',
  field: fieldOf(path),
  value,
  detail: `${path} in body ${sentence}`,
})

/** The types that a schema allows; none allows all. */
export const typesOf = (schema: StructuralSchema): readonly string[] =>
  schema['x-kubernetes-int-or-string'] === true
    ? ['integer', 'string']
    : schema.type === undefined || schema.type === ''
      ? []
      : [schema.type]

export function checkType(schema: StructuralSchema): Check | undefined {
  const types = typesOf(schema)
  if (types.length === 0) return undefined
  return (value, path) => {
    const type = typeOf(value)
    if (types.includes(type) || (type === 'integer' && types.includes('number')) || (type === 'null' && schema.nullable === true))
      return []
    const detail = `${path} in body must be of type ${types.join(',')}: ${JSON.stringify(type)}`
    return [{ type: 'TypeInvalid', field: fieldOf(path), value: type, detail }]
  }
}

/** Enum holds for null too. */
export function checkEnum(schema: StructuralSchema): Check | undefined {
  const values = schema.enum
  if (values === undefined) return undefined
  const supported = values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return (value, path) =>
    values.some((allowed) => equal(allowed, value)) ? [] : [{ type: 'NotSupported', field: fieldOf(path), value, supported }]
}

export function checkString(schema: StructuralSchema): Check | undefined {
  const { maxLength, minLength, pattern } = schema
  if (maxLength === undefined && minLength === undefined && (pattern === undefined || pattern === '')) return undefined
  const compiled = pattern === undefined || pattern === '' ? undefined : goPattern(pattern)
  return (value, path) => {
    if (typeof value !== 'string') return []
    const length = maxLength === undefined && minLength === undefined ? 0 : codePoints(value)
    if (maxLength !== undefined && length > maxLength)
      return [{ type: 'TooLong', field: fieldOf(path), value, detail: `may not be more than ${maxLength} bytes` }]
    if (minLength !== undefined && length < minLength) return [invalid(path, value, `should be at least ${minLength} chars long`)]
    if (compiled === undefined || ('regexp' in compiled && compiled.regexp.test(value))) return []
    const shown = 'error' in compiled ? `${pattern}, but pattern is invalid: ${compiled.error}` : pattern
    return [invalid(path, value, `should match '${shown}'`)]
  }
}

function codePoints(text: string): number {
  let length = 0
  for (const _ of text) length += 1
  return length
}

export function checkFormat(schema: StructuralSchema): Check | undefined {
  const { format } = schema
  const types = typesOf(schema)
  if (format === undefined || format === '' || (types.length > 0 && types.join() !== 'string')) return undefined
  const check = formatCheck(format)
  if (check === undefined) return undefined
  return (value, path) => {
    if (typeof value !== 'string' || check(value)) return []
    const detail = `${path} in body must be of type ${format}: ${JSON.stringify(value)}`
    return [{ type: 'TypeInvalid', field: fieldOf(path), value, detail }]
  }
}

const INT32 = 2 ** 31

/**
 * int32 and float are ranges; a number without format has that of 64 bits. A maximum beyond int32 says that the format is not meant:
 * AS numbers of load balancers are written so.
 */
function inRange(schema: StructuralSchema, value: number): boolean {
  if (schema.type !== 'integer') return schema.format !== 'float' || Math.abs(value) <= 3.4028234663852886e38
  const narrow = schema.format === 'int32' && (schema.maximum ?? 0) < INT32
  return narrow ? value >= -INT32 && value < INT32 : value >= -(2 ** 63) && value < 2 ** 63
}

export function checkNumber(schema: StructuralSchema): Check | undefined {
  const { maximum, minimum, multipleOf, type } = schema
  const typed = type === 'integer' || type === 'number'
  if (!typed && maximum === undefined && minimum === undefined && multipleOf === undefined) return undefined
  return (value, path) => {
    if (typeof value !== 'number') return []
    const errors: FieldError[] = []
    if (typed && !inRange(schema, value)) errors.push(outOfRange(schema, path))
    if (multipleOf !== undefined && !isMultiple(value, multipleOf))
      errors.push(invalid(path, value, `should be a multiple of ${multipleOf}`))
    return [...errors, ...checkBounds(schema, value, path)]
  }
}

function outOfRange(schema: StructuralSchema, path: string): FieldError {
  const format = schema.format === undefined || schema.format === '' ? '(default format)' : `with format ${schema.format}`
  return {
    type: 'Invalid',
    field: NO_FIELD,
    value: '',
    detail: `Checked value must be of type ${schema.type} ${format} in ${path}`,
  }
}

function isMultiple(value: number, factor: number): boolean {
  const times = factor < 1 ? (1 / factor) * value : value / factor
  return Number.isInteger(times) || Math.abs(times - Math.round(times)) < 1e-9
}

function checkBounds(schema: StructuralSchema, value: number, path: string): readonly FieldError[] {
  const { maximum, minimum } = schema
  const over = schema.exclusiveMaximum === true ? 'should be less than' : 'should be less than or equal to'
  const under = schema.exclusiveMinimum === true ? 'should be greater than' : 'should be greater than or equal to'
  return [
    ...(maximum !== undefined && (value > maximum || (schema.exclusiveMaximum === true && value === maximum))
      ? [invalid(path, value, `${over} ${maximum}`)]
      : []),
    ...(minimum !== undefined && (value < minimum || (schema.exclusiveMinimum === true && value === minimum))
      ? [invalid(path, value, `${under} ${minimum}`)]
      : []),
  ]
}

const tooMany = (path: string, count: number, most: number): FieldError => ({
  type: 'TooMany',
  field: fieldOf(path),
  value: count,
  detail: `must have at most ${most} item${most === 1 ? '' : 's'}`,
})

/** How many members a list has. */
export function checkSize(schema: StructuralSchema, items: readonly unknown[], path: string): readonly FieldError[] {
  const { maxItems, minItems } = schema
  if (minItems !== undefined && items.length < minItems)
    return [invalid(path, items.length, `should have at least ${minItems} items`)]
  return maxItems !== undefined && items.length > maxItems ? [tooMany(path, items.length, maxItems)] : []
}

/** How many fields an object has. */
export function checkFields(schema: StructuralSchema, count: number, path: string): readonly FieldError[] {
  const { maxProperties, minProperties } = schema
  if (minProperties !== undefined && count < minProperties)
    return [invalid(path, count, `should have at least ${minProperties} properties`)]
  return maxProperties !== undefined && count > maxProperties ? [tooMany(path, count, maxProperties)] : []
}

/** A field that `additionalProperties: false` does not want. */
export const unwanted = (path: string, name: string): FieldError => ({
  type: 'Invalid',
  field: fieldOf(path),
  value: name,
  detail: `${path}.${name} in body is a forbidden property`,
})
