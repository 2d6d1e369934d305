/** Removes objects whose kind is kept for a time only (events), as etcd's leases do. */
import type { KindRecord } from './kind.ts'
import type { Registry } from './registry.ts'
import { resourceOf } from './stored.ts'
import type { Writer } from './writer.ts'

const SWEEP_EVERY_IN_MS = 60_000

/** Removes what has outlived its time; returns how many. */
export function sweepExpired(writer: Writer, registry: Registry): number {
  const now = writer.now()
  const expired = registry.kinds.flatMap((record) => expiredOf(writer, record, now))
  for (const { record, object } of expired) writer.remove(record, object)
  return expired.length
}

function expiredOf(writer: Writer, record: KindRecord, now: number) {
  const { retention } = record
  if (retention === undefined || record.conversion !== undefined) return []
  return writer.store
    .list(resourceOf(record))
    .filter(({ object }) => now - retention.lastUsedInMs(object) > retention.inMs)
    .map(({ object }) => ({ record, object }))
}

/** Sweeps once a minute; call the result to stop. */
export function keepForATime(writer: Writer, registry: Registry): () => void {
  const timer = setInterval(() => sweepExpired(writer, registry), SWEEP_EVERY_IN_MS)
  return () => clearInterval(timer)
}
