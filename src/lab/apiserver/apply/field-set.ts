/** Sets of field paths, as managedFields hold them (structured-merge-diff, FieldsV1). */
import { isMap, type JsonMap } from '../json.ts'
import type { KindRecord } from '../kind.ts'
import { type FieldMeta, objectMeta } from '../schema/schema.ts'

/** Path elements are FieldsV1's: `f:NAME`, `k:{"KEY":VALUE}`, `v:VALUE`. A set's members are paths joined by `SEPARATOR`. */
export type FieldSet = ReadonlySet<string>

/** Fields of an object with the values of the leaves; a list member or container that is a member itself has `CONTAINER`. */
export type FieldValues = ReadonlyMap<string, unknown>

export const SEPARATOR = '\u0001'
export const CONTAINER: unique symbol = Symbol('container')

/** Whose ownership says nothing. Source: apimachinery managedfields/internal/stripmeta.go. */
const STRIPPED: ReadonlySet<string> = new Set(
  [
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'generation',
    'managedFields',
    'resourceVersion',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ]
    .map((name) => `f:metadata${SEPARATOR}f:${name}`)
    .concat(['f:apiVersion', 'f:kind', 'f:metadata']),
)

/** Owned as a whole: scalars, atomic values, and what is empty. */
function isLeaf(meta: FieldMeta | undefined, value: unknown): boolean {
  if (meta === undefined || meta.atomic || typeof value !== 'object' || value === null) return true
  if (Array.isArray(value) && meta.type !== 'list') return true
  return Object.keys(value).length === 0
}

/** Go structs that are always there, so that nobody is seen to add them. */
const ALWAYS_THERE: ReadonlySet<string> = new Set(['metadata', 'spec', 'status', 'template', 'strategy'])
/** What has no Go type has no such structs. */
const NEVER_THERE: ReadonlySet<string> = new Set()

export function rootMeta({ schema, form }: Pick<KindRecord, 'schema' | 'form'>): FieldMeta {
  return form?.root ?? { type: 'object', schema, optional: false, patchStrategy: [], atomic: false }
}

export function childMeta(meta: FieldMeta | undefined, name: string): FieldMeta | undefined {
  if (meta?.fields !== undefined) return meta.fields.get(name) ?? meta.item
  return meta?.schema === undefined ? meta?.item : objectMeta(meta.schema).get(name)
}

/** Names a member of a list: by its keys, or by its value in a set. */
export function memberElement(meta: FieldMeta, member: unknown): string {
  if (meta.listType !== 'map') return `v:${JSON.stringify(member)}`
  const map = isMap(member) ? member : {}
  const keys = [...(meta.listMapKeys ?? [])].sort()
  const entries = keys
    .map((key) => [key, map[key] ?? childMeta(meta.item, key)?.default] as const)
    .filter(([, value]) => value !== undefined)
  return `k:${JSON.stringify(Object.fromEntries(entries))}`
}

/**
 * The fields of an object. With `containers`, maps, lists and structs that hold something are members themselves: what an
 * update owns; without, only list members are: what an apply owns.
 */
export function fieldsOf(root: FieldMeta, object: JsonMap, containers: boolean): FieldValues {
  const alwaysThere = root.fields === undefined ? ALWAYS_THERE : NEVER_THERE
  const found = new Map<string, unknown>()
  const add = (path: string, value: unknown): void => {
    if (path !== '' && !STRIPPED.has(path)) found.set(path, value)
  }
  const walkMap = (meta: FieldMeta | undefined, map: JsonMap, path: string): void => {
    for (const [name, value] of Object.entries(map)) {
      if (value !== undefined)
        walk(childMeta(meta, name), value, path === '' ? `f:${name}` : `${path}${SEPARATOR}f:${name}`, name)
    }
  }
  const walk = (meta: FieldMeta | undefined, value: unknown, path: string, name: string): void => {
    if (STRIPPED.has(path) && path !== 'f:metadata') return
    if (isLeaf(meta, value)) {
      add(path, value)
      return
    }
    if (containers && meta?.optional !== false && !alwaysThere.has(name)) add(path, CONTAINER)
    if (isMap(value)) walkMap(meta, value, path)
    else if (Array.isArray(value) && meta !== undefined) for (const member of value) walkMember(meta, member, path)
  }
  const walkMember = (meta: FieldMeta, member: unknown, path: string): void => {
    const here = `${path}${SEPARATOR}${memberElement(meta, member)}`
    add(here, CONTAINER)
    if (isMap(member)) walkMap(meta.item, member, here)
  }
  walkMap(root, object, '')
  return found
}

/** A set as FieldsV1 writes it: nested maps, `.` where something with members below is a member itself. */
export function encodeFields(set: FieldSet): JsonMap {
  const root: JsonMap = {}
  for (const path of [...set].sort()) {
    let node = root
    for (const element of path.split(SEPARATOR)) {
      node[element] ??= {}
      node = node[element] as JsonMap
    }
    node['.'] = {}
  }
  return withoutLoneDots(root)
}

function withoutLoneDots(node: JsonMap): JsonMap {
  const names = Object.keys(node)
  if (names.length === 1 && names[0] === '.') return {}
  const sorted = names.sort().map((name) => [name, name === '.' ? {} : withoutLoneDots(node[name] as JsonMap)] as const)
  return Object.fromEntries(sorted)
}

/** The members that a FieldsV1 names. */
export function decodeFields(fields: unknown): Set<string> {
  const found = new Set<string>()
  const walk = (node: unknown, path: string): void => {
    if (!isMap(node)) return
    const names = Object.keys(node)
    if (path !== '' && (names.length === 0 || names.includes('.'))) found.add(path)
    for (const name of names) if (name !== '.') walk(node[name], path === '' ? name : `${path}${SEPARATOR}${name}`)
  }
  walk(fields, '')
  return found
}

/** A path as conflicts print it: `.spec.ports[port=80,protocol="TCP"].nodePort`. */
export function printPath(path: string): string {
  return path.split(SEPARATOR).map(printElement).join('')
}

function printElement(element: string): string {
  const rest = element.slice(2)
  if (element.startsWith('k:')) {
    const keys = Object.entries(JSON.parse(rest) as JsonMap).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    return `[${keys.join(',')}]`
  }
  return element.startsWith('v:') ? `[=${rest}]` : `.${rest}`
}
