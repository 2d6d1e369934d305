/** Fills in defaults. Source: apiextensions-apiserver pkg/apiserver/schema/defaulting (algorithm.go, prune.go). */
import { isMap, type JsonMap } from '../json.ts'
import type { StructuralSchema } from './types.ts'
import { own } from './value.ts'

/**
 * The value with defaults. A null where the schema allows none gives way to the default, or goes from its map if there is none;
 * in a list it stays, for validation to find.
 *
 * What did not change is shared with the argument.
 */
export function defaultValue(schema: StructuralSchema | undefined, value: unknown): unknown {
  if (schema === undefined) return value
  if (Array.isArray(value)) {
    const items = value.map((item) => defaultValue(schema.items, orDefault(schema.items, item)))
    return items.every((item, index) => item === value[index]) ? value : items
  }
  return isMap(value) ? defaultMap(schema, value) : value
}

const forbiddenNull = (schema: StructuralSchema | undefined, value: unknown): boolean =>
  value === null && schema !== undefined && schema.nullable !== true

const orDefault = (schema: StructuralSchema | undefined, value: unknown): unknown =>
  forbiddenNull(schema, value) && schema?.default !== undefined ? structuredClone(schema.default) : value

function defaultMap(schema: StructuralSchema, map: JsonMap): JsonMap {
  const result: JsonMap = {}
  let changed = false
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  for (const [name, value] of Object.entries(map)) {
    const of = own(schema.properties, name) ?? more
    const given = orDefault(of, value)
    if (forbiddenNull(of, given)) {
      changed = true
      continue
    }
    result[name] = defaultValue(of, given)
    if (result[name] !== value) changed = true
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined || property.default === null || Object.hasOwn(result, name)) continue
    result[name] = defaultValue(property, structuredClone(property.default))
    changed = true
  }
  return changed ? result : map
}
