/** Schemas compiled for use: what each field of an object is, with what merging needs to know of it. */
import { type OpenApiSchema, referenceOf, SCHEMAS } from '../openapi/schemas.ts'

export type ScalarType =
  | 'string'
  | 'bytes'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'time'
  | 'micro-time'
  | 'quantity'
  | 'int-or-string'

/**
 * What stands at one place of an object.
 *
 * Shape: `schema` (the name of a generated one) or `fields` is set for objects, `item` for lists and maps. `atomic` values are replaced as a whole by server-side apply;
 * strategic merge follows `patchStrategy` and `mergeKey` alone (as Kubernetes' does).
 */
export interface FieldMeta {
  readonly type: 'object' | 'list' | 'map' | 'any' | ScalarType
  readonly schema?: string
  readonly fields?: ObjectMeta
  readonly item?: FieldMeta
  /** Whether the field may be left out. */
  readonly optional: boolean
  readonly bits?: 32 | 64
  /** Its value where a key of a list member is left out. */
  readonly default?: unknown
  readonly mergeKey?: string
  readonly patchStrategy: readonly ('merge' | 'retainKeys')[]
  readonly listType?: 'atomic' | 'map' | 'set'
  readonly listMapKeys?: readonly string[]
  readonly atomic: boolean
}

/** Fields of one object schema, by name. */
export type ObjectMeta = ReadonlyMap<string, FieldMeta>

const SPECIAL: Readonly<Record<string, FieldMeta['type']>> = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time': 'time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime': 'micro-time',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1': 'any',
  'io.k8s.apimachinery.pkg.runtime.RawExtension': 'any',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': 'int-or-string',
  'io.k8s.apimachinery.pkg.api.resource.Quantity': 'quantity',
}

const compiled = new Map<string, ObjectMeta>()

/** The fields of a schema; empty when there is no such schema. Compiled when first asked for. */
export function objectMeta(schema: string): ObjectMeta {
  let fields = compiled.get(schema)
  if (fields === undefined) {
    const source = SCHEMAS[schema]
    const required = new Set(source?.required ?? [])
    fields = new Map(
      Object.entries(source?.properties ?? {}).map(([name, property]) => [name, compile(property, !required.has(name))]),
    )
    compiled.set(schema, fields)
  }
  return fields
}

/**
 * What stands at `path` below an object of `schema`; undefined when there is no such field.
 *
 * Shape: one segment a level; a segment below a list or a map is any index, key or `*`.
 */
export function fieldMeta(schema: string, path: readonly string[]): FieldMeta | undefined {
  let here: FieldMeta | undefined = { type: 'object', schema, optional: false, patchStrategy: [], atomic: false }
  for (const segment of path) {
    if (here === undefined) return undefined
    here = here.schema === undefined ? here.item : objectMeta(here.schema).get(segment)
  }
  return here
}

function compile(property: OpenApiSchema, optional: boolean): FieldMeta {
  const strategy = property['x-kubernetes-patch-strategy']
  const mergeKey = property['x-kubernetes-patch-merge-key']
  const common = {
    optional,
    patchStrategy: (strategy?.split(',') ?? []) as FieldMeta['patchStrategy'],
    ...(mergeKey === undefined ? {} : { mergeKey }),
  }
  const reference = referenceOf(property)
  if (reference !== undefined) {
    const special = SPECIAL[reference]
    if (special !== undefined) return { ...common, type: special, atomic: special === 'any' }
    return { ...common, type: 'object', schema: reference, atomic: SCHEMAS[reference]?.['x-kubernetes-map-type'] === 'atomic' }
  }
  if (property.type === 'array') {
    const listType = property['x-kubernetes-list-type'] ?? 'atomic'
    const listMapKeys = property['x-kubernetes-list-map-keys']
    return {
      ...common,
      type: 'list',
      item: compile(property.items ?? {}, false),
      listType,
      atomic: listType === 'atomic',
      ...(listMapKeys === undefined ? {} : { listMapKeys }),
    }
  }
  if (property.additionalProperties !== undefined)
    return {
      ...common,
      type: 'map',
      item: compile(property.additionalProperties, false),
      atomic: property['x-kubernetes-map-type'] === 'atomic',
    }
  return {
    ...common,
    ...scalar(property),
    ...(property.default === undefined ? {} : { default: property.default }),
    atomic: false,
  }
}

function scalar(property: OpenApiSchema): { readonly type: FieldMeta['type']; readonly bits?: 32 | 64 } {
  if (property.type === 'string') return { type: property.format === 'byte' ? 'bytes' : 'string' }
  if (property.type === 'integer') return { type: 'integer', bits: property.format === 'int32' ? 32 : 64 }
  if (property.type === 'number' || property.type === 'boolean') return { type: property.type }
  return { type: 'any' }
}
