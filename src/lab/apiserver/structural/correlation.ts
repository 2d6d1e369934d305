/** Which old member of a list a new one was. Source: apiserver pkg/cel/common/values.go (CorrelatedObject). */
import { isMap } from '../json.ts'
import type { StructuralSchema } from './types.ts'

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
