/** Gives one holder the addresses that were planned for it, and takes away those that were not: claims first, then its status. */
import { isDeepStrictEqual } from 'node:util'
import { isConflict, isNotFound } from '../kube/api-error.ts'
import type { KubeClient } from '../kube/client.ts'
import type { KubeObject } from '../kube/types.ts'
import { type HolderKey, holderOf } from '../model/address-holder.ts'
import type { ClaimBook } from './claim-book.ts'
import { type HolderResource, holderResources, type Shown } from './holder-resource.ts'

/** Written, with the time, where a holder must get a new version though nothing else of it changes. */
const CHECKED = 'fairway.dev/addresses-checked'
/** Someone else changes the object all the time: what is planned is looked at anew. */
const MOST_ATTEMPTS = 5

/** What one holder is to have. */
export interface Assignment extends Shown {
  readonly key: HolderKey
  /** Who may have one of the addresses beside it, by the plan. */
  readonly company: ReadonlySet<HolderKey>
}

/** `done`: it is as planned; `stale`: what the plan was made from is not so any more. `wrote`: whether the addresses are new to it. */
export interface Settled {
  readonly result: 'done' | 'stale'
  readonly wrote: boolean
}

export interface HolderWriterOptions {
  readonly client: KubeClient
  readonly book: ClaimBook
  readonly signal: AbortSignal
  /** '' for Services that name no class. */
  readonly loadBalancerClass: string
}

export class HolderWriter {
  private readonly options: HolderWriterOptions
  private readonly resources: ReturnType<typeof holderResources>

  constructor(options: HolderWriterOptions) {
    this.options = options
    this.resources = holderResources(options.loadBalancerClass)
  }

  /** `planned` is the object that the plan was made from; absent: there was none. @throws {FairwayError} */
  async settle(assignment: Assignment, planned: KubeObject | undefined): Promise<Settled> {
    let object = planned
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      try {
        return await this.attempt(assignment, object)
      } catch (error) {
        // a claim or the object is not as it was read
        if (!isConflict(error)) throw error
      }
      object = await this.read(assignment.key)
      if (!this.asksTheSame(assignment.key, planned, object)) break
    }
    return { result: 'stale', wrote: false }
  }

  private async attempt(assignment: Assignment, object: KubeObject | undefined): Promise<Settled> {
    const { key, addresses, pool, held, company } = assignment
    const drops = [...held].filter((address) => !addresses.includes(address))
    const wrong = object !== undefined && !this.isAs(assignment, object)
    for (const address of addresses) {
      if (!wrong && held.has(address)) continue
      if (!(await this.options.book.take({ address, pool, holder: key, company }, held.has(address)))) return STALE
    }
    if (drops.length > 0) await this.drop(assignment, object, drops)
    else if (wrong) await this.write(assignment, object, false)
    return { result: 'done', wrote: wrong && addresses.length > 0 }
  }

  /** Marks all, sees to it that the object is without them at a new version, frees all. */
  private async drop(assignment: Assignment, known: KubeObject | undefined, drops: readonly string[]): Promise<void> {
    const { book } = this.options
    const marked = []
    for (const address of drops) {
      const claim = await book.mark(address, assignment.key)
      if (claim !== undefined) marked.push(claim)
    }
    const object = await this.unlessWithout(assignment, known)
    if (object !== undefined) await this.write(assignment, object, this.isAs(assignment, object))
    for (const claim of marked) await book.free(claim, assignment.key)
  }

  /**
   * The object, unless it is seen to be without the addresses already: gone, or not ours. It may have come again, or become ours
   * again, since it was last heard of.
   */
  private async unlessWithout(assignment: Assignment, known: KubeObject | undefined): Promise<KubeObject | undefined> {
    const isSettled = (one: KubeObject) => !this.resourceOf(assignment.key).isOurs(one) && this.isAs(assignment, one)
    if (known !== undefined && !isSettled(known)) return known
    const now = await this.read(assignment.key)
    return now === undefined || isSettled(now) ? undefined : now
  }

  /** The status and annotations, on the condition that the object is as it was read. `always`: it gets a new version in any case. */
  private async write(assignment: Assignment, object: KubeObject, always: boolean): Promise<void> {
    const { client, signal } = this.options
    const { pool } = assignment
    const kind = this.resourceOf(assignment.key)
    const { namespace, name = '', resourceVersion } = object.metadata
    const annotations = {
      ...kind.annotations(object, pool),
      ...(always ? { [CHECKED]: new Date().toISOString() } : {}),
    }
    const patch = { metadata: { resourceVersion, annotations }, status: kind.status(object, assignment) }
    const request = { type: 'merge', subresource: 'status', signal } as const
    const answer = await client.patch(kind.resource, { namespace, name }, patch, request).catch((error: unknown) => {
      if (isNotFound(error)) return undefined // gone: it has no address
      throw error
    })
    if (answer === undefined || kind.showsPool(answer, pool)) return
    // a server that takes no annotations with a status
    const version = answer.metadata.resourceVersion
    await client.patch(
      kind.resource,
      { namespace, name },
      { metadata: { resourceVersion: version, annotations } },
      { type: 'merge', signal },
    )
  }

  private isAs({ key, addresses, pool, held }: Assignment, object: KubeObject): boolean {
    // an address in its status that no claim knows of is not ours to take
    if (addresses.length + held.size === 0) return true
    const kind = this.resourceOf(key)
    if (kind.isOurs(object)) return isDeepStrictEqual(kind.current(object), addresses) && kind.showsPool(object, pool)
    return !kind.current(object).some((address) => held.has(address)) && kind.showsPool(object, '')
  }

  private async read(holder: HolderKey): Promise<KubeObject | undefined> {
    const [namespace, name = ''] = holderOf(holder).key.split('/')
    try {
      return await this.options.client.get(this.resourceOf(holder).resource, { namespace, name }, { signal: this.options.signal })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  private asksTheSame(key: HolderKey, before: KubeObject | undefined, after: KubeObject | undefined): boolean {
    if (before?.metadata.uid !== after?.metadata.uid) return false
    const asked = (object: KubeObject | undefined) =>
      object === undefined ? undefined : { ...this.resourceOf(key).request(object), current: [] }
    return isDeepStrictEqual(asked(before), asked(after))
  }

  private resourceOf(holder: HolderKey): HolderResource {
    return this.resources[holderOf(holder).kind]
  }
}

const STALE: Settled = { result: 'stale', wrote: false }
