/** What the controllers of workloads share: writes that are remembered until the watch shows them, and objects that change hands. */
import { isConflict, isNotFound } from '../../../kube/api-error.ts'
import type { KubeClient } from '../../../kube/client.ts'
import type { Change, Reflector } from '../../../kube/reflector.ts'
import { apiVersionOf, type Resource } from '../../../kube/resource.ts'
import type { KubeObject } from '../../../kube/types.ts'
import { OwnWrites } from '../own-writes.ts'
import { adoption, type Claim, releasing } from './ownership.ts'

/** A collection as it is once our own writes are in it. */
export class Dependents<T extends KubeObject> {
  readonly own = new OwnWrites<T>()
  readonly #client: KubeClient
  readonly #resource: Resource<T>
  readonly #signal: AbortSignal

  constructor(client: KubeClient, resource: Resource<T>, signal: AbortSignal) {
    this.#client = client
    this.#resource = resource
    this.#signal = signal
  }

  /** To be told of every change that the watch shows. */
  heard(changes: readonly Change<T>[]): void {
    for (const { before, after } of changes) if (after === undefined && before !== undefined) this.own.removed(before)
  }

  view(copy: Reflector<T>, wanted: (object: T) => boolean): readonly T[] {
    return this.own.view(copy.store, wanted)
  }

  async create(object: T): Promise<T> {
    const made = await this.#client.create(this.#resource, object, { signal: this.#signal })
    this.own.wrote(made)
    return made
  }

  async update(object: T): Promise<void> {
    this.own.wrote(await this.#client.update(this.#resource, object, { signal: this.#signal }))
  }

  /** Deletes it, or asks for that: an object with a grace period is there, marked, until it is over. False when somebody else was first. */
  async remove(object: T): Promise<boolean> {
    const { namespace, name = '', uid } = object.metadata
    try {
      const left = await this.#client.delete(this.#resource, { namespace, name }, { uid, signal: this.#signal })
      const marked = 'metadata' in left && left.metadata?.deletionTimestamp !== undefined && left.metadata.uid === uid
      if (marked) this.own.wrote(left as T)
      else this.own.deleted(object)
      return true
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
      this.own.deleted(object)
      return false
    }
  }

  /** Takes and lets go what is to change hands; true when something did. @throws {ApiError} */
  async changeHands<O extends KubeObject>(owner: O, resource: Resource<O>, claim: Claim<T>): Promise<boolean> {
    if (claim.adopt.length + claim.release.length === 0) return false
    const { namespace, name = '', uid } = owner.metadata
    // the owner itself is asked for anew: one that is gone, or going, must adopt nothing
    const now = await this.#client.get(resource, { namespace, name }, { signal: this.#signal })
    if (now.metadata.uid !== uid || now.metadata.deletionTimestamp !== undefined) return false
    for (const object of claim.adopt) await this.#patch(object, adoption(typed(owner, resource), object))
    for (const object of claim.release) await this.#patch(object, releasing(owner, object))
    return true
  }

  async #patch(object: T, patch: object): Promise<void> {
    const { namespace, name = '' } = object.metadata
    const options = { type: 'merge', signal: this.#signal } as const
    try {
      this.own.wrote(await this.#client.patch(this.#resource, { namespace, name }, patch, options))
    } catch (error) {
      if (!isNotFound(error)) throw error
    }
  }
}

/** An object of a list or watch with the kind that it is of. */
export function typed<T extends KubeObject>(object: T, resource: Resource<T>): T {
  return { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind }
}
