/** The invariants of structural schemas. Source: apiextensions-apiserver pkg/apiserver/schema/{validation,complete}.go. */
import type { FieldError } from '../kind.ts'
import { forbidden, invalid, required } from '../kinds/check.ts'
import { child, key } from './path.ts'
import { goPattern } from './pattern.ts'
import type { StructuralSchema } from './types.ts'
import { equal, own } from './value.ts'

type Errors = readonly FieldError[]
type Level = 'root' | 'item' | 'field'

const INT_OR_STRING = [{ type: 'integer' }, { type: 'string' }]
const X = {
  preserve: 'x-kubernetes-preserve-unknown-fields',
  embedded: 'x-kubernetes-embedded-resource',
  intOrString: 'x-kubernetes-int-or-string',
} as const

const TYPELESS: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

const typeless = (schema: StructuralSchema): boolean => schema.type === undefined || schema.type === ''

/** Invariants of a schema that stands outside allOf, anyOf, oneOf and not. */
export function invariants(schema: StructuralSchema, path: string, level: Level = 'root'): Errors {
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  return [
    ...(schema.type === 'array' && schema.items === undefined ? [required(child(path, 'items'), 'must be specified')] : []),
    ...(schema.items === undefined ? [] : invariants(schema.items, child(path, 'items'), 'item')),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      invariants(property, key(child(path, 'properties'), name), 'field'),
    ),
    ...(schema.additionalProperties !== undefined && level === 'root'
      ? [forbidden(child(path, 'additionalProperties'), 'must not be used at the root')]
      : []),
    ...(more === undefined ? [] : invariants(more, child(path, 'additionalProperties'), 'field')),
    ...extensionErrors(schema, path),
    ...valueErrors(schema, path, {
      skipAnyOf: equal(schema.anyOf, INT_OR_STRING),
      skipFirstAllOf: equal(schema.allOf?.[0]?.anyOf, INT_OR_STRING),
    }),
    ...typeErrors(schema, path, level),
    ...metaErrors(schema, path, level),
  ]
}

function extensionErrors(schema: StructuralSchema, path: string): Errors {
  if (schema[X.intOrString] !== true) return []
  return [X.preserve, X.embedded]
    .filter((name) => schema[name] === true)
    .map((name) => invalid(child(path, name), true, 'must be false if x-kubernetes-int-or-string is true'))
}

function typeErrors(schema: StructuralSchema, path: string, level: Level): Errors {
  const at = child(path, 'type')
  const errors: FieldError[] = []
  const embedded = schema[X.embedded] === true
  const resource = 'must be object if x-kubernetes-embedded-resource is true'
  if (embedded && schema.type !== 'object')
    errors.push(typeless(schema) ? required(at, resource) : invalid(at, schema.type, resource))
  else if (typeless(schema) && schema[X.intOrString] !== true && schema[X.preserve] !== true)
    errors.push(required(at, TYPELESS[level]))
  if (embedded && schema.additionalProperties !== undefined)
    errors.push(forbidden(child(path, 'additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set'))
  if (level === 'root' && !typeless(schema) && schema.type !== 'object')
    errors.push(invalid(at, schema.type, 'must be object at the root'))
  if (embedded && schema[X.preserve] !== true && Object.keys(schema.properties ?? {}).length === 0)
    errors.push(
      required(
        child(path, 'properties'),
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    )
  return errors
}

/** Of apiVersion, kind and metadata little may be said. */
function metaErrors(schema: StructuralSchema, path: string, level: Level): Errors {
  const resource = level === 'root' || schema[X.embedded] === true
  const errors: FieldError[] = []
  for (const name of ['kind', 'apiVersion']) {
    const property = own(schema.properties, name)
    if (resource && property !== undefined && property.type !== 'string')
      errors.push(invalid(child(key(child(path, 'properties'), name), 'type'), property.type ?? '', 'must be string'))
  }
  const metadata = own(schema.properties, 'metadata')
  if (metadata === undefined) return errors
  const at = key(child(path, 'properties'), 'metadata')
  if (resource && metadata.type !== 'object') errors.push(invalid(child(at, 'type'), metadata.type ?? '', 'must be object'))
  if (level === 'root' && !restrictsNamesOnly(metadata))
    errors.push(forbidden(at, 'must not specify anything other than name and generateName, but metadata is implicitly specified'))
  return errors
}

function restrictsNamesOnly(metadata: StructuralSchema): boolean {
  const { type: _type, default: _default, properties = {}, ...rest } = metadata
  const names = Object.keys(properties)
  return Object.keys(rest).length === 0 && names.every((name) => name === 'name' || name === 'generateName')
}

interface Skip {
  readonly skipAnyOf: boolean
  readonly skipFirstAllOf: boolean
}
const SKIP_NOTHING: Skip = { skipAnyOf: false, skipFirstAllOf: false }

function valueErrors(schema: StructuralSchema, path: string, skip: Skip): Errors {
  const pattern = schema.pattern === undefined || schema.pattern === '' ? undefined : goPattern(schema.pattern)
  return [
    ...(skip.skipAnyOf
      ? []
      : (schema.anyOf ?? []).flatMap((one, index) => nestedErrors(one, key(child(path, 'anyOf'), index), SKIP_NOTHING))),
    ...(schema.allOf ?? []).flatMap((one, index) =>
      nestedErrors(one, key(child(path, 'allOf'), index), { ...SKIP_NOTHING, skipAnyOf: skip.skipFirstAllOf && index === 0 }),
    ),
    ...(schema.oneOf ?? []).flatMap((one, index) => nestedErrors(one, key(child(path, 'oneOf'), index), SKIP_NOTHING)),
    ...(schema.not === undefined ? [] : nestedErrors(schema.not, child(path, 'not'), SKIP_NOTHING)),
    ...(pattern !== undefined && 'error' in pattern
      ? [invalid(child(path, 'pattern'), schema.pattern, `must be a valid regular expression, but isn't: ${pattern.error}`)]
      : []),
  ]
}

/** What a schema below allOf, anyOf, oneOf and not may not say, with what it would have to be. */
const NESTED: readonly (readonly [keyof StructuralSchema, string])[] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['externalDocs', 'must be undefined to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
]

const isSaid = (value: unknown): boolean =>
  value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0)

function nestedErrors(schema: StructuralSchema, path: string, skip: Skip): Errors {
  return [
    ...valueErrors(schema, path, skip),
    ...(schema.items === undefined ? [] : nestedErrors(schema.items, child(path, 'items'), SKIP_NOTHING)),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      nestedErrors(property, key(child(path, 'properties'), name), SKIP_NOTHING),
    ),
    ...NESTED.filter(([name]) => isSaid(schema[name])).map(([name, detail]) => forbidden(child(path, name), detail)),
    ...(own(schema.properties, 'metadata') === undefined
      ? []
      : [forbidden(key(child(path, 'properties'), 'metadata'), 'must not be specified in a nested context')]),
  ]
}

/** Every field of allOf, anyOf, oneOf and not must be there outside too. Asked at the root only, as Kubernetes does. */
export function completeness(schema: StructuralSchema, path: string): Errors {
  return junctors(schema, path).flatMap(([one, at]) => nestedCompleteness(one, schema, path, at))
}

function junctors(schema: StructuralSchema, path: string): readonly (readonly [StructuralSchema, string])[] {
  const lists = (['allOf', 'anyOf', 'oneOf'] as const).flatMap((name) =>
    (schema[name] ?? []).map((one, index) => [one, key(child(path, name), index)] as const),
  )
  return schema.not === undefined ? lists : [[schema.not, child(path, 'not')], ...lists]
}

function nestedCompleteness(nested: StructuralSchema, schema: StructuralSchema | undefined, path: string, at: string): Errors {
  if (schema === undefined) return [required(path, `because it is defined in ${at}`)]
  const properties = Object.entries(nested.properties ?? {}).flatMap(([name, property]) => {
    const [here, there] = [path, at].map((start) => key(child(start, 'properties'), name)) as [string, string]
    return nestedCompleteness(property, own(schema.properties, name), here, there)
  })
  return [
    ...junctors(nested, at).flatMap(([one, where]) => nestedCompleteness(one, schema, path, where)),
    ...(nested.items === undefined
      ? []
      : nestedCompleteness(nested.items, schema.items, child(path, 'items'), child(at, 'items'))),
    ...properties,
  ]
}
