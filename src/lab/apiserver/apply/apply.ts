/** Server-side apply: merges a configuration into an object, by who owns which field. */
import { isMap, type JsonMap } from '../json.ts'
import type { RawObject } from '../kind.ts'
import { sameJson } from '../kinds/check.ts'
import type { FieldMeta } from '../schema/schema.ts'
import { applyConflict } from '../status.ts'
import {
  CONTAINER,
  childMeta,
  type FieldSet,
  type FieldValues,
  fieldsOf,
  memberElement,
  printPath,
  SEPARATOR,
} from './field-set.ts'
import { decodeOwners, type Manager, type Owner, sameManager, setOwners } from './managed-fields.ts'

export interface ApplyRequest {
  readonly root: FieldMeta
  readonly manager: Manager
  /** Takes fields over from other managers instead of failing. */
  readonly force: boolean
  readonly time: string
}

/**
 * The object after `config` was applied to `live`, with its new managedFields; neither is changed.
 * @throws {ApiError} 409 when another manager owns a field that would get another value
 */
export function applyConfig(request: ApplyRequest, live: RawObject, config: RawObject): RawObject {
  const { root, manager } = request
  const wanted = fieldsOf(root, config, false)
  const set = new Set(wanted.keys())
  const owners = decodeOwners(live)
  const own = owners.find((owner) => sameManager(owner, manager))
  let others = owners.filter((owner) => owner !== own)
  const conflicts = conflictsOf(others, wanted, fieldsOf(root, live, false))
  if (conflicts.length > 0 && !request.force) throw conflictError(conflicts)
  for (const { owner, path } of conflicts)
    others = others.map((other) => (sameManager(other, owner) ? { ...other, set: other.set.difference(new Set([path])) } : other))

  const merged = mergeConfig(root, live, config) as RawObject
  const abandoned = (own?.set ?? new Set<string>()).difference(set)
  const result = structuredClone(merged)
  prune(
    root,
    result,
    abandoned,
    others.reduce<FieldSet>((all, owner) => all.union(owner.set), set),
  )
  const same = sameJson(withoutOwners(result), withoutOwners(live)) && (own === undefined || sameSet(own.set, set))
  setOwners(result, [...others, { ...manager, time: same ? (own?.time ?? '') : request.time, set }])
  return result
}

const sameSet = (a: FieldSet, b: FieldSet): boolean => a.size === b.size && a.isSubsetOf(b)

const withoutOwners = (object: RawObject): RawObject => ({
  ...object,
  metadata: { ...object.metadata, managedFields: undefined },
})

interface Conflict {
  readonly owner: Owner
  readonly path: string
}

function conflictsOf(others: readonly Owner[], wanted: FieldValues, live: FieldValues): readonly Conflict[] {
  return others.flatMap((owner) =>
    [...wanted]
      .filter(([path, value]) => value !== CONTAINER && owner.set.has(path) && !sameJson(value, live.get(path)))
      .map(([path]) => ({ owner, path })),
  )
}

function printOwner(owner: Manager): string {
  const name = JSON.stringify(owner.manager)
  const subresource = owner.subresource === '' ? '' : ` with subresource ${JSON.stringify(owner.subresource)}`
  return owner.operation === 'Update' ? `${name}${subresource} using ${owner.apiVersion}` : `${name}${subresource}`
}

/** In the words of structured-merge-diff's merge/conflict.go. */
function conflictError(conflicts: readonly Conflict[]): Error {
  const causes = conflicts.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${printOwner(owner)}`,
    field: printPath(path),
  }))
  const [first] = causes
  if (causes.length === 1 && first !== undefined)
    return applyConflict(`Apply failed with 1 conflict: ${first.message}: ${first.field}`, causes)
  const names = [...new Set(conflicts.map(({ owner }) => printOwner(owner)))].sort()
  const lines = names.flatMap((name) => [
    `conflicts with ${name}:`,
    ...conflicts.filter(({ owner }) => printOwner(owner) === name).map(({ path }) => `- ${printPath(path)}`),
  ])
  return applyConflict(`Apply failed with ${causes.length} conflicts: ${lines.join('\n')}`, causes)
}

function mergeConfig(meta: FieldMeta | undefined, live: unknown, config: unknown): unknown {
  if (meta === undefined || meta.atomic) return config
  if (isMap(config)) {
    const result: JsonMap = isMap(live) ? { ...live } : {}
    for (const [name, value] of Object.entries(config)) result[name] = mergeConfig(childMeta(meta, name), result[name], value)
    return result
  }
  return Array.isArray(config) && meta.type === 'list' ? mergeMembers(meta, Array.isArray(live) ? live : [], config) : config
}

function mergeMembers(meta: FieldMeta, live: readonly unknown[], config: readonly unknown[]): readonly unknown[] {
  const result = new Map(live.map((member) => [memberElement(meta, member), member]))
  for (const member of config) {
    const element = memberElement(meta, member)
    result.set(element, mergeConfig(meta.item, result.get(element), member))
  }
  return [...result.values()]
}

/** Takes away what only this manager wanted, and nobody wants any more; what is around something wanted stays. */
function prune(root: FieldMeta, object: RawObject, abandoned: FieldSet, wanted: FieldSet): void {
  const needed = [...wanted]
  const paths = [...abandoned].filter(
    (path) => !wanted.has(path) && !needed.some((other) => other.startsWith(`${path}${SEPARATOR}`)),
  )
  for (const path of paths.sort((a, b) => a.length - b.length)) removeAt(root, object, path.split(SEPARATOR))
}

function removeAt(meta: FieldMeta | undefined, node: unknown, path: readonly string[]): void {
  const [element = '', ...rest] = path
  if (Array.isArray(node)) {
    const at = meta === undefined ? -1 : node.findIndex((member) => memberElement(meta, member) === element)
    if (at === -1) return
    if (rest.length === 0) node.splice(at, 1)
    else removeAt(meta?.item, node[at], rest)
  } else if (isMap(node)) {
    const name = element.slice(2)
    if (rest.length === 0) delete node[name]
    else removeAt(childMeta(meta, name), node[name], rest)
  }
}
