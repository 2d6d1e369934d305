/** What planners return and engines take: keyed entries, and the differences between two sets of them. */
import type { Finding } from './code.ts'

/** Something an engine installs. Two values with the same key are the same thing in two states. */
export interface Keyed {
  readonly key: string
}

/** The result of planning one object: what is to be installed for it, and what a person should know about it. */
export interface Plan<T extends Keyed> {
  readonly entries: readonly T[]
  readonly findings: readonly Finding[]
}

/** A difference. No key is in both lists, or twice in one; the order of either list means nothing. */
export interface Delta<T extends Keyed> {
  readonly upserts: readonly T[]
  readonly removals: readonly string[]
}

export function isEmpty(delta: Delta<Keyed>): boolean {
  return delta.upserts.length === 0 && delta.removals.length === 0
}
