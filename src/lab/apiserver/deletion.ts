/** DELETE: at once, or in steps for what has finalizers, a grace period, or contents. */
import { isMap } from './json.ts'
import type { KindRecord, RawObject } from './kind.ts'
import { timestamp } from './metadata.ts'
import { badRequest, conflict } from './status.ts'
import { resourceOf, type Stored } from './stored.ts'
import { deletionIsOver, type Writer } from './writer.ts'

export interface DeleteOptions {
  readonly dryRun: boolean
  readonly graceInSeconds: number | undefined
  readonly uid: string | undefined
  readonly version: string | undefined
}

/** Reads DeleteOptions from the body and the query; the query decides. @throws {ApiError} 400 */
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

/** Deletes one object, or begins to. @throws {ApiError} 409 when a precondition fails */
export function deleteObject(writer: Writer, record: KindRecord, stored: Stored, options: DeleteOptions): Deleted {
  checkPreconditions(record, stored, options)
  const object = structuredClone(stored.object)
  const { metadata } = object
  const begun = metadata.deletionTimestamp !== undefined
  const grace = graceOf(record, object, options)
  if (begun && grace === (metadata.deletionGracePeriodSeconds ?? 0) && !deletionIsOver(record, object))
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
