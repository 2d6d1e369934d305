/** Duplicates in lists of type set and map. Source: apiextensions-apiserver pkg/apiserver/schema/listtype/validation.go. */
import { isMap, sortedKeys } from '../json.ts'
import type { FieldError } from '../kind.ts'
import { child, key } from './path.ts'
import type { StructuralSchema } from './types.ts'
import { own } from './value.ts'

/** Duplicates anywhere in a value; a member that comes many times is told once, at its second place. */
export function duplicates(schema: StructuralSchema | undefined, value: unknown, path: string): readonly FieldError[] {
  if (schema === undefined) return []
  if (Array.isArray(value)) {
    return [...ofList(schema, value, path), ...value.flatMap((item, index) => duplicates(schema.items, item, key(path, index)))]
  }
  if (!isMap(value)) return []
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  return Object.entries(value).flatMap(([name, field]) => {
    const property = own(schema.properties, name)
    return property === undefined ? duplicates(more, field, key(path, name)) : duplicates(property, field, child(path, name))
  })
}

function ofList(schema: StructuralSchema, items: readonly unknown[], path: string): readonly FieldError[] {
  const type = schema['x-kubernetes-list-type']
  if (type === 'set') return second(items).map((index) => ({ type: 'Duplicate', field: key(path, index), value: items[index] }))
  if (type !== 'map') return []
  const odd = items.findIndex((item) => item !== null && !isMap(item))
  if (odd >= 0)
    return [
      { type: 'Invalid', field: key(path, odd), value: items[odd], detail: 'must be an object for an array of list-type map' },
    ]
  const names = schema['x-kubernetes-list-map-keys'] ?? []
  const keys = items.map((item) =>
    Object.fromEntries(names.flatMap((name) => (isMap(item) && name in item ? [[name, item[name]]] : []))),
  )
  return second(keys).map((index) => ({ type: 'Duplicate', field: key(path, index), value: sortedKeys(keys[index]) }))
}

/** Indices at which a value is seen for the second time. */
function second(values: readonly unknown[]): readonly number[] {
  const seen = new Map<string, number>()
  return values.flatMap((value, index) => {
    const text = JSON.stringify(sortedKeys(value)) ?? ''
    const times = (seen.get(text) ?? 0) + 1
    seen.set(text, times)
    return times === 2 ? [index] : []
  })
}
