/** Which old member of a list a new one was. Source: apiserver pkg/cel/common/values.go (CorrelatedObject). */
import { isMap, sortedKeys } from '../json.ts'
import type { StructuralSchema } from './types.ts'
import { own } from './value.ts'

const nothing = (): undefined => undefined

/** The name of a member of a list by its keys; undefined for what is no object. */
export function memberKey(keys: readonly string[], member: unknown): string | undefined {
  return isMap(member) ? JSON.stringify(keys.map((key) => member[key] ?? null)) : undefined
}

/** Finds the old member that a new one was: by its keys in a list of type map; members of other lists are nobody. */
export function correlate(schema: StructuralSchema, old: unknown): (member: unknown) => unknown {
  const keys = schema['x-kubernetes-list-map-keys']
  if (!Array.isArray(old) || schema['x-kubernetes-list-type'] !== 'map' || keys === undefined) return nothing
  const byKey = new Map(old.map((member) => [memberKey(keys, member), member]))
  return (member) => (isMap(member) ? byKey.get(memberKey(keys, member)) : undefined)
}

/**
 * The old value with the members of its sets and lists of type map in the order of the new value, where both have them: the order
 * of such lists says nothing, so a rule that compares old and new must not see it.
 */
export function align(schema: StructuralSchema | undefined, old: unknown, value: unknown): unknown {
  if (schema === undefined) return old
  if (Array.isArray(old) && Array.isArray(value)) return alignList(schema, old, value)
  if (!isMap(old) || !isMap(value)) return old
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
  return Object.fromEntries(
    Object.entries(old).map(([name, field]) => [name, align(own(schema.properties, name) ?? more, field, own(value, name))]),
  )
}

function alignList(schema: StructuralSchema, old: readonly unknown[], value: readonly unknown[]): readonly unknown[] {
  const type = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys']
  if (type !== 'set' && type !== 'map') return old
  const nameOf = (member: unknown): string =>
    (type === 'map' ? memberKey(keys ?? [], member) : JSON.stringify(sortedKeys(member))) ?? ''
  const places = new Map(value.map((member, index) => [nameOf(member), index]))
  const placeOf = (member: unknown): number => places.get(nameOf(member)) ?? value.length
  return old
    .toSorted((left, right) => placeOf(left) - placeOf(right))
    .map((member) => align(schema.items, member, value[placeOf(member)]))
}
