/** What merging and server-side apply need to know of a schema's fields. Source: apiextensions-apiserver pkg/controller/openapi (extensions). */
import type { FieldMeta, ObjectMeta } from '../schema/schema.ts'
import { typesOf } from './keywords.ts'
import type { StructuralSchema } from './types.ts'

export const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

type Found = Map<string, ObjectMeta>

/** Strategic merge patches are not for custom resources: no field has a strategy. */
const common = (optional: boolean) => ({ optional, patchStrategy: [] as const })

const TEXT: FieldMeta = { ...common(true), type: 'string', atomic: false }
const METADATA: FieldMeta = { ...common(true), type: 'object', schema: OBJECT_META, atomic: false }
const RESOURCE: readonly (readonly [string, FieldMeta])[] = [
  ['apiVersion', TEXT],
  ['kind', TEXT],
  ['metadata', METADATA],
]

/** The fields of the object, named `name`, and of every object inside it, named by its path below that. */
export function fieldsOf(schema: StructuralSchema, name: string): ReadonlyMap<string, ObjectMeta> {
  const found: Found = new Map()
  objectFields(schema, name, RESOURCE, found)
  return found
}

function objectFields(
  schema: StructuralSchema,
  name: string,
  fixed: readonly (readonly [string, FieldMeta])[],
  found: Found,
): void {
  const required = new Set(schema.required)
  const own = Object.entries(schema.properties ?? {}).map(
    ([field, property]) => [field, fieldMeta(property, `${name}.${field}`, !required.has(field), found)] as const,
  )
  found.set(name, new Map([...own, ...fixed]))
}

function fieldMeta(schema: StructuralSchema, name: string, optional: boolean, found: Found): FieldMeta {
  if (schema.type === 'array') return listMeta(schema, name, optional, found)
  if (schema.type === 'object') return mapMeta(schema, name, optional, found)
  return {
    ...common(optional),
    ...scalar(schema),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    atomic: false,
  }
}

function listMeta(schema: StructuralSchema, name: string, optional: boolean, found: Found): FieldMeta {
  const listType = listTypeOf(schema)
  const keys = schema['x-kubernetes-list-map-keys']
  return {
    ...common(optional),
    type: 'list',
    item: fieldMeta(schema.items ?? {}, `${name}[]`, false, found),
    listType,
    atomic: listType === 'atomic',
    ...(keys === undefined ? {} : { listMapKeys: keys }),
  }
}

function listTypeOf(schema: StructuralSchema): 'atomic' | 'map' | 'set' {
  const type = schema['x-kubernetes-list-type']
  return type === 'map' || type === 'set' ? type : 'atomic'
}

function mapMeta(schema: StructuralSchema, name: string, optional: boolean, found: Found): FieldMeta {
  const atomic = schema['x-kubernetes-map-type'] === 'atomic'
  const embedded = schema['x-kubernetes-embedded-resource'] === true
  if (schema.properties !== undefined || embedded) {
    objectFields(schema, name, embedded ? RESOURCE : [], found)
    return { ...common(optional), type: 'object', schema: name, atomic }
  }
  if (typeof schema.additionalProperties === 'object')
    return { ...common(optional), type: 'map', item: fieldMeta(schema.additionalProperties, `${name}{}`, false, found), atomic }
  return { ...common(optional), type: 'map', item: { ...common(false), type: 'any', atomic: false }, atomic }
}

function scalar(schema: StructuralSchema): Pick<FieldMeta, 'type' | 'bits'> {
  const types = typesOf(schema)
  if (types.length === 2) return { type: 'int-or-string' }
  switch (types[0]) {
    case 'integer':
      return { type: 'integer', bits: schema.format === 'int32' ? 32 : 64 }
    case 'string':
    case 'number':
    case 'boolean':
      return { type: types[0] }
    default:
      return { type: 'any' }
  }
}
