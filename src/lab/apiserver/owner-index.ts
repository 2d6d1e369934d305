/** Who depends on whom, by the owner's uid. */
import type { RawObject } from './kind.ts'

/** `RESOURCE KEY`: one object of the store. */
export type Ref = string

export const refOf = (resource: string, key: string): Ref => `${resource} ${key}`

export interface OwnerReference {
  readonly apiVersion?: string
  readonly kind?: string
  readonly name?: string
  readonly uid?: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export const ownersOf = (object: RawObject): readonly OwnerReference[] => object.metadata.ownerReferences ?? []

export class OwnerIndex {
  readonly #dependents = new Map<string, Set<Ref>>()
  readonly #owners = new Map<Ref, readonly string[]>()

  put(ref: Ref, object: RawObject): void {
    this.remove(ref)
    const uids = ownersOf(object).flatMap(({ uid }) => uid ?? [])
    if (uids.length === 0) return
    this.#owners.set(ref, uids)
    for (const uid of uids) {
      const dependents = this.#dependents.get(uid) ?? new Set<Ref>()
      this.#dependents.set(uid, dependents)
      dependents.add(ref)
    }
  }

  remove(ref: Ref): void {
    for (const uid of this.#owners.get(ref) ?? []) {
      const dependents = this.#dependents.get(uid)
      dependents?.delete(ref)
      if (dependents?.size === 0) this.#dependents.delete(uid)
    }
    this.#owners.delete(ref)
  }

  /** What refers to an owner. */
  dependents(uid: string): readonly Ref[] {
    return [...(this.#dependents.get(uid) ?? [])]
  }
}
