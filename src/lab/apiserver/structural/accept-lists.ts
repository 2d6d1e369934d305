/** Kinds of lists and maps that a schema may ask for. Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go. */
import type { FieldError } from '../kind.ts'
import { forbidden, invalid, notSupported, required } from '../kinds/check.ts'
import { child, key } from './path.ts'
import type { StructuralSchema } from './types.ts'
import { own } from './value.ts'

type Errors = readonly FieldError[]

const LIST_TYPE = 'x-kubernetes-list-type'
const MAP_KEYS = 'x-kubernetes-list-map-keys'
const MAP_TYPE = 'x-kubernetes-map-type'

/** What is wrong with the `x-kubernetes-list-*` and `x-kubernetes-map-type` of one schema. */
export function listErrors(schema: StructuralSchema, path: string): Errors {
  return [
    ...typed(schema, path, MAP_TYPE, 'object'),
    ...supported(schema, path, MAP_TYPE, ['atomic', 'granular']),
    ...typed(schema, path, LIST_TYPE, 'array'),
    ...(schema[LIST_TYPE] === 'set' && schema.type === 'array' ? setErrors(schema.items, path) : []),
    ...supported(schema, path, LIST_TYPE, ['atomic', 'set', 'map']),
    ...keysErrors(schema, path),
    ...(schema[LIST_TYPE] === 'map' ? mapErrors(schema, path) : []),
    ...nullErrors(schema, path),
  ]
}

function typed(schema: StructuralSchema, path: string, name: typeof LIST_TYPE | typeof MAP_TYPE, type: string): Errors {
  if (schema[name] === undefined || schema.type === type) return []
  const detail = `must be ${type} if ${name} is specified`
  const at = child(path, 'type')
  return [schema.type === undefined || schema.type === '' ? required(at, detail) : invalid(at, schema.type, detail)]
}

function supported(
  schema: StructuralSchema,
  path: string,
  name: typeof LIST_TYPE | typeof MAP_TYPE,
  values: readonly string[],
): Errors {
  const value = schema[name]
  return value === undefined || values.includes(value) ? [] : [notSupported(child(path, name), value, values)]
}

function setErrors(items: StructuralSchema | undefined, path: string): Errors {
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const at = child(path, 'items')
  if (items?.type === 'array' && items[LIST_TYPE] !== undefined && items[LIST_TYPE] !== 'atomic')
    return [invalid(child(at, LIST_TYPE), items[LIST_TYPE], detail)]
  if (items?.type === 'object' && items[MAP_TYPE] !== 'atomic') return [invalid(child(at, MAP_TYPE), items[LIST_TYPE], detail)]
  return []
}

function keysErrors(schema: StructuralSchema, path: string): Errors {
  const keys = schema[MAP_KEYS] ?? []
  if (keys.length === 0 || schema[LIST_TYPE] === 'map') return []
  const detail = 'must be map if x-kubernetes-list-map-keys is non-empty'
  const at = child(path, LIST_TYPE)
  return [schema[LIST_TYPE] === undefined ? required(at, detail) : invalid(at, schema[LIST_TYPE], detail)]
}

function mapErrors(schema: StructuralSchema, path: string): Errors {
  const keys = schema[MAP_KEYS] ?? []
  const at = child(path, MAP_KEYS)
  const { items } = schema
  const none = keys.length === 0 ? [required(at, 'must not be empty if x-kubernetes-list-type is map')] : []
  if (items === undefined) return [...none, required(child(path, 'items'), 'must have a schema if x-kubernetes-list-type is map')]
  if (items.type !== 'object')
    return [
      ...none,
      invalid(
        child(child(path, 'items'), 'type'),
        items.type ?? '',
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    ]
  return [
    ...none,
    ...keys.flatMap((name, index) => [
      ...keyErrors(items, name, schema, path),
      ...(keys.indexOf(name) < index ? [invalid(at, keys, 'must not contain duplicate entries')] : []),
    ]),
  ]
}

function keyErrors(items: StructuralSchema, name: string, schema: StructuralSchema, path: string): Errors {
  const property = own(items.properties, name)
  if (property === undefined)
    return [invalid(child(path, MAP_KEYS), schema[MAP_KEYS], 'entries must all be names of item properties')]
  if (property.type !== 'array' && property.type !== 'object') return []
  const at = child(key(child(child(path, 'items'), 'properties'), name), 'type')
  return [invalid(at, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map")]
}

/** Members of sets and maps, and keys, are always there. */
function nullErrors(schema: StructuralSchema, path: string): Errors {
  const type = schema[LIST_TYPE]
  const { items } = schema
  if (items === undefined || (type !== 'set' && type !== 'map')) return []
  const at = child(path, 'items')
  const nullable =
    items.nullable === true ? [forbidden(child(at, 'nullable'), `cannot be nullable when x-kubernetes-list-type is ${type}`)] : []
  if (type === 'set') return nullable
  const keys = (schema[MAP_KEYS] ?? []).flatMap((name) => {
    const property = own(items.properties, name)
    if (property === undefined) return []
    const here = key(child(at, 'properties'), name)
    const must = 'this property is in x-kubernetes-list-map-keys, so it'
    const given = items.required?.includes(name) === true || (property.default !== undefined && property.default !== null)
    return [
      ...(given ? [] : [required(child(here, 'default'), `${must} must have a default or be a required property`)]),
      ...(property.nullable === true ? [forbidden(child(here, 'nullable'), `${must} cannot be nullable`)] : []),
    ]
  })
  return [...nullable, ...keys]
}
