/** Drops what a schema does not know. Source: apiextensions-apiserver pkg/apiserver/schema/pruning/algorithm.go. */
import { isMap, type JsonMap } from '../json.ts'
import { objectMeta } from '../schema/schema.ts'
import { child, key } from './path.ts'
import type { Pruned, StructuralSchema } from './types.ts'
import { own } from './value.ts'

const META_FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])
const OBJECT_META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

/** The schema that a value may have besides `undefined`: every field of it is unknown. */
type Schema = StructuralSchema | undefined

/** Prunes an object whose root is a resource. What did not change is shared with the argument. */
export function pruneObject<T extends object>(schema: StructuralSchema, object: T): Pruned<T> {
  const unknown: string[] = []
  const root: StructuralSchema = { ...schema, 'x-kubernetes-embedded-resource': true }
  const pruned = pruneValue(root, object, '', unknown)
  return { object: pruned as T, unknown: unknown.sort().map((path) => `unknown field ${JSON.stringify(path)}`) }
}

/** Prunes a value inside an object; `unknown` gets the paths of what went. */
export function pruneValue(schema: Schema, value: unknown, path: string, unknown: string[]): unknown {
  const keep = schema?.['x-kubernetes-preserve-unknown-fields'] === true
  if (Array.isArray(value)) {
    const items =
      keep && schema?.items !== undefined ? { ...schema.items, 'x-kubernetes-preserve-unknown-fields': true } : schema?.items
    if (keep && items === undefined) return value
    return shared(
      value,
      value.map((item, index) => pruneValue(items, item, key(path, index), unknown)),
    )
  }
  return isMap(value) ? pruneMap(schema, value, path, unknown) : value
}

function pruneMap(schema: Schema, map: JsonMap, path: string, unknown: string[]): JsonMap {
  const embedded = schema?.['x-kubernetes-embedded-resource'] === true
  const result: JsonMap = {}
  let changed = false
  for (const [name, value] of Object.entries(map)) {
    const here = child(path, name)
    const kept =
      embedded && META_FIELDS.has(name) ? pruneMeta(name, value, path, unknown) : pruneField(schema, name, value, here, unknown)
    if (kept === undefined) unknown.push(here)
    else result[name] = kept
    if (kept !== value) changed = true
  }
  return changed ? result : map
}

/** The field's value, or undefined when there is no such field. */
function pruneField(schema: Schema, name: string, value: unknown, path: string, unknown: string[]): unknown {
  const property = own(schema?.properties, name)
  if (property !== undefined) return pruneValue(property, value, path, unknown)
  const more = schema?.additionalProperties
  // `false` too keeps the field: it is for validation to refuse.
  if (more !== undefined) return pruneValue(typeof more === 'object' ? more : undefined, value, path, unknown)
  return schema?.['x-kubernetes-preserve-unknown-fields'] === true ? value : undefined
}

/** The root's metadata is decoded by others; an embedded resource's keeps what ObjectMeta has. */
function pruneMeta(name: string, value: unknown, path: string, unknown: string[]): unknown {
  if (path === '' || name !== 'metadata' || !isMap(value)) return value
  const known = objectMeta(OBJECT_META)
  const names = Object.keys(value)
  const strange = names.filter((field) => !known.has(field))
  if (strange.length === 0) return value
  unknown.push(...strange.map((field) => `${path}.metadata.${field}`))
  return Object.fromEntries(Object.entries(value).filter(([field]) => known.has(field)))
}

const shared = (before: readonly unknown[], after: unknown[]): readonly unknown[] =>
  after.every((item, index) => item === before[index]) ? before : after
