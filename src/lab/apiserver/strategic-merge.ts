/** Strategic merge patch: a merge that knows which lists are maps (apimachinery pkg/util/strategicpatch). */
import { isMap, type JsonMap } from './json.ts'
import { sameJson } from './kinds/check.ts'
import { type FieldMeta, objectMeta } from './schema/schema.ts'
import { badRequest } from './status.ts'

const DIRECTIVE = '$patch'
const RETAIN = '$retainKeys'
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/'
const ORDER = '$setElementOrder/'

/** Applies `patch` to an object of `schema`; neither is changed. @throws {ApiError} 400 for a patch that cannot be read */
export function strategicMerge(schema: string, original: JsonMap, patch: JsonMap): JsonMap {
  return mergeMap({ type: 'object', schema, optional: false, patchStrategy: [], atomic: false }, original, patch)
}

function childMeta(meta: FieldMeta | undefined, name: string): FieldMeta | undefined {
  if (meta === undefined) return undefined
  return meta.schema === undefined ? meta.item : objectMeta(meta.schema).get(name)
}

function mergeMap(meta: FieldMeta | undefined, original: JsonMap, patch: JsonMap): JsonMap {
  const { [DIRECTIVE]: directive, ...rest } = patch
  if (directive === 'replace') return strip(rest) as JsonMap
  if (directive === 'delete') return {}
  if (directive !== undefined && directive !== 'merge') throw badRequest(`invalid value for "${DIRECTIVE}": ${String(directive)}`)
  const result = retained(original, rest)
  for (const [name, value] of Object.entries(rest)) {
    if (name === RETAIN || name.startsWith(ORDER)) continue
    if (name.startsWith(DELETE_PRIMITIVES)) {
      const field = name.slice(DELETE_PRIMITIVES.length)
      const gone = asList(value, name)
      const list = result[field]
      if (Array.isArray(list)) result[field] = list.filter((member) => !gone.includes(member))
      continue
    }
    if (value === null) delete result[name]
    else result[name] = mergeValue(childMeta(meta, name), result[name], value)
  }
  reorder(meta, result, original, rest)
  return result
}

function retained(original: JsonMap, patch: JsonMap): JsonMap {
  const keys = patch[RETAIN]
  if (keys === undefined) return { ...original }
  const kept = new Set(asList(keys, RETAIN))
  return Object.fromEntries(Object.entries(original).filter(([name]) => kept.has(name)))
}

function mergeValue(meta: FieldMeta | undefined, original: unknown, patch: unknown): unknown {
  if (isMap(patch)) {
    if (meta?.type === 'any') return strip(patch)
    return mergeMap(meta, isMap(original) ? original : {}, patch)
  }
  if (Array.isArray(patch) && meta?.patchStrategy.includes('merge'))
    return mergeList(meta, Array.isArray(original) ? original : [], patch)
  return strip(patch)
}

function mergeList(meta: FieldMeta, original: readonly unknown[], patch: readonly unknown[]): readonly unknown[] {
  const key = meta.mergeKey
  if (key === undefined) return inOrder([...original, ...patch.filter((member) => !original.includes(member))], original, patch)
  if (patch.some((member) => isMap(member) && member[DIRECTIVE] === 'replace'))
    return patch.filter((member) => !(isMap(member) && member[DIRECTIVE] === 'replace')).map(strip)
  const result = [...original]
  for (const member of patch) {
    if (!isMap(member)) throw badRequest(`unable to merge a list of maps with ${JSON.stringify(member)}`)
    if (member[key] === undefined) throw badRequest(`map: ${JSON.stringify(member)} does not contain declared merge key: ${key}`)
    const at = result.findIndex((candidate) => isMap(candidate) && sameJson(candidate[key], member[key]))
    const found = result[at]
    if (member[DIRECTIVE] === 'delete') {
      if (at >= 0) result.splice(at, 1)
    } else if (isMap(found)) result[at] = mergeMap(meta.item, found, member)
    else result.push(strip(mergeMap(meta.item, {}, member)))
  }
  return inOrder(result, original, patch, key)
}

/** Members of the patch in its order; new ones come first, as strategicpatch's mergeSortedSlice has it. */
function inOrder(
  merged: readonly unknown[],
  original: readonly unknown[],
  patch: readonly unknown[],
  key?: string,
): readonly unknown[] {
  const identity = identityBy(key)
  return ordered(merged, identity, patch.map(identity), original.map(identity))
}

/** What tells members of a list apart: the merge key of maps, the whole of others. */
function identityBy(key: string | undefined): (member: unknown) => string {
  return (member) => JSON.stringify(isMap(member) && key !== undefined ? (member[key] ?? null) : member)
}

/** Puts merged lists in the order that `$setElementOrder` names; members that only the server has keep their place before what follows them. */
function reorder(meta: FieldMeta | undefined, result: JsonMap, original: JsonMap, patch: JsonMap): void {
  for (const [name, value] of Object.entries(patch)) {
    if (!name.startsWith(ORDER)) continue
    const field = name.slice(ORDER.length)
    const list = result[field]
    if (!Array.isArray(list)) continue
    const identity = identityBy(childMeta(meta, field)?.mergeKey)
    const wanted = asList(value, name).map(identity)
    const old = (Array.isArray(original[field]) ? (original[field] as unknown[]) : []).map(identity)
    result[field] = ordered(list, identity, wanted, old)
  }
}

function ordered(
  list: readonly unknown[],
  identity: (member: unknown) => string,
  wanted: readonly string[],
  old: readonly string[],
): readonly unknown[] {
  const named = list
    .filter((member) => wanted.includes(identity(member)))
    .sort((a, b) => wanted.indexOf(identity(a)) - wanted.indexOf(identity(b)))
  const others = list.filter((member) => !wanted.includes(identity(member)))
  const result = [...named]
  for (const other of others) {
    const before = old.indexOf(identity(other))
    const at = result.findIndex((member) => {
      const place = old.indexOf(identity(member))
      return place > before && place >= 0
    })
    if (at === -1) result.push(other)
    else result.splice(at, 0, other)
  }
  return result
}

/** A value without directives and nulls: what a patch adds where nothing was. */
function strip(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((member) => !(isMap(member) && member[DIRECTIVE] === 'delete')).map(strip)
  if (!isMap(value)) return value
  const entries = Object.entries(value).filter(
    ([name, inner]) =>
      inner !== null && name !== DIRECTIVE && name !== RETAIN && !name.startsWith(ORDER) && !name.startsWith(DELETE_PRIMITIVES),
  )
  return Object.fromEntries(entries.map(([name, inner]) => [name, strip(inner)]))
}

function asList(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw badRequest(`invalid value for ${name}: a list is needed`)
}
