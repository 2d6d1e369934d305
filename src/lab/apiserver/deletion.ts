/** DELETE: at once, or in steps for what has finalizers, a grace period, or contents. */
import { isMap, type JsonMap } from './json.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { timestamp } from './metadata.ts'
import { badRequest, conflict, forbidden, invalidOptions } from './status.ts'
import { resourceOf, type Stored } from './stored.ts'
import { deletionIsOver, type Writer } from './writer.ts'

/** What becomes of the dependents of a deleted object. */
export type PropagationPolicy = 'Background' | 'Foreground' | 'Orphan'

/** Finalizers by which the garbage collector keeps an object until its dependents are seen to. */
export const FOREGROUND = 'foregroundDeletion'
export const ORPHAN = 'orphan'

const FINALIZER: Readonly<Record<PropagationPolicy, readonly string[]>> = {
  Background: [],
  Foreground: [FOREGROUND],
  Orphan: [ORPHAN],
}

export interface DeleteOptions {
  readonly dryRun: boolean
  readonly graceInSeconds: number | undefined
  readonly uid: string | undefined
  readonly version: string | undefined
  /** Absent: as an earlier deletion asked for, else in the background. */
  readonly propagation: PropagationPolicy | undefined
}

/** @throws {ApiError} 422 */
function parsePropagation(options: JsonMap, query: URLSearchParams): PropagationPolicy | undefined {
  const asked = query.get('propagationPolicy') ?? options.propagationPolicy
  const orphan = query.get('orphanDependents') ?? options.orphanDependents
  if (asked === undefined || asked === null || asked === '')
    return orphan === undefined || orphan === null ? undefined : String(orphan) === 'true' ? 'Orphan' : 'Background'
  if (typeof asked === 'string' && asked in FINALIZER) return asked as PropagationPolicy
  const supported = [...Object.keys(FINALIZER), 'nil']
  throw invalidOptions('DeleteOptions', [{ type: 'NotSupported', field: 'propagationPolicy', value: asked, supported }])
}

/** Reads DeleteOptions from the body and the query; the query decides. @throws {ApiError} 400, 422 */
export function parseDeleteOptions(body: unknown, query: URLSearchParams): DeleteOptions {
  const options = isMap(body) ? body : {}
  const preconditions = isMap(options.preconditions) ? options.preconditions : {}
  const grace = query.get('gracePeriodSeconds') ?? options.gracePeriodSeconds
  const graceInSeconds = grace === undefined || grace === null ? undefined : Number(grace)
  if (graceInSeconds !== undefined && !Number.isInteger(graceInSeconds))
    throw badRequest(`gracePeriodSeconds: ${String(grace)} is not a number`)
  return {
    dryRun: query.has('dryRun') || (Array.isArray(options.dryRun) && options.dryRun.length > 0),
    graceInSeconds,
    uid: typeof preconditions.uid === 'string' ? preconditions.uid : undefined,
    version: typeof preconditions.resourceVersion === 'string' ? preconditions.resourceVersion : undefined,
    propagation: parsePropagation(options, query),
  }
}

/** What a deletion left: the object as it is now, and whether it is gone. */
export interface Deleted {
  readonly object: RawObject
  readonly gone: boolean
}

function checkPreconditions(record: KindRecord, stored: Stored, options: DeleteOptions): void {
  const { name = '', uid } = stored.object.metadata
  const of = { group: record.group, plural: record.kind }
  if (options.uid !== undefined && options.uid !== uid)
    throw conflict(
      of,
      name,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    )
  if (options.version !== undefined && options.version !== String(stored.version))
    throw conflict(
      of,
      name,
      `the ResourceVersion in the precondition (${options.version}) does not match the ResourceVersion in record (${stored.version}). The object might have been modified`,
    )
}

/** Seconds to wait for a confirmation; a deletion under way can only be shortened. */
function graceOf(record: KindRecord, object: RawObject, options: DeleteOptions): number {
  const own = record.gracePeriodInSeconds?.(object) ?? 0
  if (own === 0) return 0
  const asked = options.graceInSeconds ?? own
  const grace = asked < 0 ? 1 : asked
  const { deletionTimestamp, deletionGracePeriodSeconds } = object.metadata
  return deletionTimestamp === undefined ? grace : Math.min(grace, deletionGracePeriodSeconds ?? grace)
}

/** Sets the finalizer of a policy in place of another's. Returns whether that changed anything. */
function propagate(object: RawObject, policy: PropagationPolicy | undefined): boolean {
  if (policy === undefined) return false
  const { finalizers: old = [] } = object.metadata
  const others = old.filter((name) => name !== FOREGROUND && name !== ORPHAN)
  const finalizers = [...others, ...FINALIZER[policy]]
  if (finalizers.length === 0) delete object.metadata.finalizers
  else object.metadata.finalizers = finalizers
  return finalizers.join() !== old.join()
}

/** Deletes one object, or begins to. @throws {ApiError} 403 when it may not be, 409 when a precondition fails */
export function deleteObject(writer: Writer, record: KindRecord, stored: Stored, options: DeleteOptions): Deleted {
  const why = record.undeletable?.(stored.object)
  if (why !== undefined) throw forbidden(record, stored.object.metadata.name ?? '', why)
  checkPreconditions(record, stored, options)
  const object = structuredClone(stored.object)
  const { metadata } = object
  const begun = metadata.deletionTimestamp !== undefined
  const grace = graceOf(record, object, options)
  const changed = propagate(object, options.propagation)
  if (begun && !changed && grace === (metadata.deletionGracePeriodSeconds ?? 0) && !deletionIsOver(record, object))
    return { object: stored.object, gone: false }
  metadata.deletionTimestamp = timestamp(writer.now() + grace * 1000)
  if (record.heldBack === undefined) metadata.deletionGracePeriodSeconds = grace
  if (!begun) {
    record.beginDeletion?.(object)
    if (record.countsGeneration) metadata.generation = (metadata.generation ?? 0) + 1
  }
  const gone = deletionIsOver(record, object)
  if (options.dryRun) return { object, gone }
  if (!gone) return { object: writer.store.put(resourceOf(record), object).object, gone }
  // What knows no grace period and was not on its way already was never marked as going.
  const last = record.gracePeriodInSeconds === undefined && !begun ? stored.object : object
  return { object: writer.remove(record, last).object, gone }
}
