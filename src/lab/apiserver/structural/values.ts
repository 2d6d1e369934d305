/** Validates values against a schema. Source: kube-openapi pkg/validation/validate (schema.go, object_validator.go, schema_props.go, slice_validator.go). */
import { isMap, type JsonMap } from '../json.ts'
import type { FieldError } from '../kind.ts'
import { correlate } from './correlation.ts'
import * as keywords from './keywords.ts'
import { child, key, NO_FIELD } from './path.ts'
import { Result } from './result.ts'
import type { StructuralSchema } from './types.ts'
import { equal, own } from './value.ts'

/** Validates one value. `old` is what it was, undefined when that is not known: an equal one is not held against anyone. */
export type Validator = (value: unknown, path: string, old?: unknown) => Result

const defined = <T>(values: readonly (T | undefined)[]): readonly T[] => values.filter((value) => value !== undefined)

/** Compiles the validation of a schema and all below it. Errors stand in the order of the schema. */
export function compileValues(schema: StructuralSchema): Validator {
  const type = keywords.checkType(schema)
  const choice = keywords.checkEnum(schema)
  const forNull = defined([type, choice])
  const combined = compileJunctors(schema)
  const scalars = defined([keywords.checkString(schema), keywords.checkFormat(schema), keywords.checkNumber(schema)])
  const list = compileList(schema)
  const object = compileObject(schema)
  return (value, path, old) => {
    const result = new Result()
    if (old !== undefined && equal(value, old)) return result
    const run = (checks: readonly keywords.Check[]): void => {
      for (const check of checks) result.add(...check(value, path))
      result.checks += checks.length
    }
    if (value === null || value === undefined) {
      run(forNull)
      return result
    }
    if (type !== undefined) run([type])
    if (combined !== undefined) result.merge(combined(value, path))
    run(scalars)
    if (Array.isArray(value)) result.merge(list(value, path, old))
    if (choice !== undefined) run([choice])
    if (isMap(value)) result.merge(object(value, path, old))
    return result
  }
}

function compileList(schema: StructuralSchema): (items: readonly unknown[], path: string, old: unknown) => Result {
  const validate = schema.items === undefined ? undefined : compileValues(schema.items)
  return (items, path, old) => {
    const result = new Result()
    const before = correlate(schema, old)
    if (validate !== undefined)
      for (const [index, item] of items.entries()) result.merge(validate(item, key(path, index), before(item)))
    result.add(...keywords.checkSize(schema, items, path))
    result.checks += 1
    return result
  }
}

function compileObject(schema: StructuralSchema): (map: JsonMap, path: string, old: unknown) => Result {
  const properties = new Map(Object.entries(schema.properties ?? {}).map(([name, property]) => [name, compileValues(property)]))
  const more = typeof schema.additionalProperties === 'object' ? compileValues(schema.additionalProperties) : undefined
  const needed = schema.required ?? []
  return (map, path, old) => {
    const result = new Result()
    result.checks += 1
    result.add(...keywords.checkFields(schema, Object.keys(map).length, path))
    if (result.errors.length > 0) return result
    const before = isMap(old) ? old : undefined
    if (schema.additionalProperties === false)
      result.add(
        ...Object.keys(map)
          .filter((name) => !properties.has(name))
          .map((name) => keywords.unwanted(path, name)),
      )
    if (more !== undefined)
      for (const [name, value] of Object.entries(map))
        if (!properties.has(name)) result.merge(more(value, child(path, name), own(before, name)))
    for (const [name, validate] of properties)
      if (Object.hasOwn(map, name)) result.merge(validate(map[name], child(path, name), own(before, name)))
    result.add(...needed.filter((name) => !Object.hasOwn(map, name)).map((name) => missing(child(path, name))))
    return result
  }
}

const missing = (field: string): FieldError => ({ type: 'Required', field })

const junction = (path: string, sentence: string): FieldError => ({
  type: 'Invalid',
  field: NO_FIELD,
  value: '',
  detail: `${JSON.stringify(path)} must ${sentence}`,
})

type Junctor = (value: unknown, path: string) => Result

function compileJunctors(schema: StructuralSchema): Junctor | undefined {
  const [anyOf, oneOf, allOf] = [schema.anyOf, schema.oneOf, schema.allOf].map((schemas) => schemas?.map(compileValues) ?? [])
  const not = schema.not === undefined ? undefined : compileValues(schema.not)
  const junctors = defined<Junctor>([
    anyOf !== undefined && anyOf.length > 0 ? (value, path) => checkAny(anyOf, value, path) : undefined,
    oneOf !== undefined && oneOf.length > 0 ? (value, path) => checkOne(oneOf, value, path) : undefined,
    allOf !== undefined && allOf.length > 0 ? (value, path) => checkAll(allOf, value, path) : undefined,
    not === undefined ? undefined : (value, path) => checkNot(not, value, path),
  ])
  if (junctors.length === 0) return undefined
  return (value, path) => {
    const result = new Result()
    for (const junctor of junctors) result.merge(junctor(value, path))
    result.checks += 1
    return result
  }
}

/** Of those that failed, the one of which the most was checked. */
const best = (failed: readonly Result[]): Result | undefined =>
  failed.reduce<Result | undefined>(
    (found, next) => (found === undefined || next.checks > found.checks ? next : found),
    undefined,
  )

function checkAny(validators: readonly Validator[], value: unknown, path: string): Result {
  const result = new Result()
  const failed: Result[] = []
  for (const validate of validators) {
    const found = validate(value, path)
    if (found.errors.length === 0) {
      result.merge(found)
      return result
    }
    failed.push(found)
  }
  result.add(junction(path, 'validate at least one schema (anyOf)'))
  result.merge(best(failed) ?? new Result())
  return result
}

function checkOne(validators: readonly Validator[], value: unknown, path: string): Result {
  const result = new Result()
  const found = validators.map((validate) => validate(value, path))
  const fits = found.filter(({ errors }) => errors.length === 0)
  if (fits.length === 1) {
    result.merge(fits[0] ?? new Result())
    return result
  }
  const why = fits.length === 0 ? 'Found none valid' : `Found ${fits.length} valid alternatives`
  result.add(junction(path, `validate one and only one schema (oneOf). ${why}`))
  if (fits.length === 0) result.merge(best(found) ?? new Result())
  return result
}

function checkAll(validators: readonly Validator[], value: unknown, path: string): Result {
  const result = new Result()
  const found = validators.map((validate) => validate(value, path))
  for (const one of found) result.merge(one)
  const fits = found.filter(({ errors }) => errors.length === 0)
  if (fits.length !== found.length)
    result.add(junction(path, `validate all the schemas (allOf)${fits.length === 0 ? '. None validated' : ''}`))
  return result
}

function checkNot(validate: Validator, value: unknown, path: string): Result {
  const result = new Result()
  if (validate(value, path).errors.length === 0) result.add(junction(path, 'not validate the schema (not)'))
  return result
}
