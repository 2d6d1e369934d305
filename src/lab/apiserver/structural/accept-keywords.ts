/** Keywords that a schema may and may not have. Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go. */
import type { FieldError } from '../kind.ts'
import { forbidden, invalid, notSupported } from '../kinds/check.ts'
import { listErrors } from './accept-lists.ts'
import { ruleForm } from './accept-rules.ts'
import { child, key } from './path.ts'
import type { StructuralSchema } from './types.ts'

type Errors = readonly FieldError[]

/** Where in a schema a node stands, as far as it decides what it may say. */
interface Place {
  /** Why there may be no defaults here; absent: there may. */
  readonly noDefaults?: string
  /** Inside apiVersion, kind or metadata of a resource. */
  readonly inMeta: boolean
}

const META_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])
const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string']

/** What is wrong with the keywords of a schema and all below it. */
export function keywordErrors(schema: StructuralSchema, path: string): Errors {
  return nodeErrors(schema, path, { inMeta: false }, true)
}

function nodeErrors(schema: StructuralSchema, path: string, place: Place, root: boolean): Errors {
  return [
    ...unsupported(schema, path, place),
    ...(schema.uniqueItems === true
      ? [
          forbidden(
            child(path, 'uniqueItems'),
            'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
          ),
        ]
      : []),
    ...mapErrors(schema, path, place),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      nodeErrors(property, key(child(path, 'properties'), name), placeOf(name, schema, place, root), false),
    ),
    ...junctorErrors(schema, path, place),
    ...(schema.items === undefined ? [] : nodeErrors(schema.items, child(path, 'items'), place, false)),
    ...listErrors(schema, path),
    ...ruleForm(schema, path),
  ]
}

function placeOf(name: string, schema: StructuralSchema, place: Place, root: boolean): Place {
  if (!META_FIELDS.has(name) || !(root || schema['x-kubernetes-embedded-resource'] === true)) return place
  return { ...place, inMeta: true, ...(root ? { noDefaults: `in top-level ${name}` } : {}) }
}

const UNSUPPORTED = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const

const isSet = (value: unknown): boolean =>
  value !== undefined && value !== '' && !(typeof value === 'object' && value !== null && Object.keys(value).length === 0)

function unsupported(schema: StructuralSchema, path: string, place: Place): Errors {
  const { type } = schema
  const nothing = type === undefined || type === ''
  const preserve = 'x-kubernetes-preserve-unknown-fields'
  return [
    ...(nothing || TYPES.includes(type) ? [] : [notSupported(child(path, 'type'), type, TYPES)]),
    ...(schema.default !== undefined && schema.default !== null && place.noDefaults !== undefined
      ? [forbidden(child(path, 'default'), `must not be set ${place.noDefaults}`)]
      : []),
    ...UNSUPPORTED.filter((name) => isSet(schema[name])).map((name) => forbidden(child(path, name), `${name} is not supported`)),
    ...(type === 'null' ? [forbidden(child(path, 'type'), 'type cannot be set to null, use nullable as an alternative')] : []),
    ...(place.inMeta && schema['x-kubernetes-embedded-resource'] === true
      ? [forbidden(child(path, 'x-kubernetes-embedded-resource'), 'must not be used inside of resource meta')]
      : []),
    ...(schema[preserve] === false ? [invalid(child(path, preserve), false, 'must be true or undefined')] : []),
  ]
}

function mapErrors(schema: StructuralSchema, path: string, place: Place): Errors {
  const more = schema.additionalProperties
  if (more === undefined) return []
  const at = child(path, 'additionalProperties')
  const both = Object.keys(schema.properties ?? {}).length > 0 && more !== true
  const inside = place.inMeta ? { ...place, noDefaults: 'inside additionalProperties applying to object metadata' } : place
  return [
    ...(both ? [forbidden(at, 'additionalProperties and properties are mutual exclusive')] : []),
    ...(typeof more === 'object' ? nodeErrors(more, at, inside, false) : []),
  ]
}

function junctorErrors(schema: StructuralSchema, path: string, place: Place): Errors {
  return [
    ...(schema.not === undefined ? [] : nodeErrors(schema.not, child(path, 'not'), place, false)),
    ...(['allOf', 'oneOf', 'anyOf'] as const).flatMap((name) =>
      (schema[name] ?? []).flatMap((one, index) => nodeErrors(one, key(child(path, name), index), place, false)),
    ),
  ]
}
