/** Gives one Service the addresses that were planned for it, and takes away those that were not: claims first, then its status. */
import { isDeepStrictEqual } from 'node:util'
import { convertAddressRequest, currentAddresses, isOurs } from '../kube/address-request.ts'
import { isConflict, isNotFound } from '../kube/api-error.ts'
import type { KubeClient } from '../kube/client.ts'
import { SERVICES } from '../kube/resource.ts'
import type { Service } from '../kube/types.ts'
import type { ObjectKey } from '../model/world.ts'
import type { ClaimBook } from './claim-book.ts'

/** Source: MetalLB, which shows the pool of an address so. */
const POOL = 'metallb.io/ip-allocated-from-pool'
/** Written, with the time, where a Service must get a new version though nothing else of it changes. */
const CHECKED = 'fairway.dev/addresses-checked'
/** Someone else changes the Service all the time: what is planned is looked at anew. */
const MOST_ATTEMPTS = 5

/** What one Service is to have. */
export interface Assignment {
  readonly key: ObjectKey
  /** In the order of its families; empty: none. */
  readonly addresses: readonly string[]
  /** '' without addresses. */
  readonly pool: string
  /** Addresses that claims say it has. */
  readonly held: ReadonlySet<string>
  /** Who may have one of the addresses beside it, by the plan. */
  readonly company: ReadonlySet<ObjectKey>
}

/** `done`: it is as planned; `stale`: what the plan was made from is not so any more. `wrote`: whether the addresses are new to it. */
export interface Settled {
  readonly result: 'done' | 'stale'
  readonly wrote: boolean
}

export interface ServiceWriterOptions {
  readonly client: KubeClient
  readonly book: ClaimBook
  readonly signal: AbortSignal
  /** '' for Services that name no class. */
  readonly loadBalancerClass: string
}

export class ServiceWriter {
  private readonly options: ServiceWriterOptions

  constructor(options: ServiceWriterOptions) {
    this.options = options
  }

  /** `planned` is the Service that the plan was made from; absent: there was none. @throws {FairwayError} */
  async settle(assignment: Assignment, planned: Service | undefined): Promise<Settled> {
    let service = planned
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      try {
        return await this.attempt(assignment, service)
      } catch (error) {
        // a claim or the Service is not as it was read
        if (!isConflict(error)) throw error
      }
      service = await this.read(assignment.key)
      if (!this.asksTheSame(planned, service)) break
    }
    return { result: 'stale', wrote: false }
  }

  private async attempt(assignment: Assignment, service: Service | undefined): Promise<Settled> {
    const { key, addresses, pool, held, company } = assignment
    const drops = [...held].filter((address) => !addresses.includes(address))
    const wrong = service !== undefined && !this.isAs(assignment, service)
    for (const address of addresses) {
      if (!wrong && held.has(address)) continue
      if (!(await this.options.book.take({ address, pool, holder: key, company }, held.has(address)))) return STALE
    }
    if (drops.length > 0) await this.drop(assignment, service, drops)
    else if (wrong) await this.write(assignment, service, false)
    return { result: 'done', wrote: wrong && addresses.length > 0 }
  }

  /** Marks all, sees to it that the Service is without them at a new version, frees all. */
  private async drop(assignment: Assignment, known: Service | undefined, drops: readonly string[]): Promise<void> {
    const { book } = this.options
    const marked = []
    for (const address of drops) {
      const claim = await book.mark(address, assignment.key)
      if (claim !== undefined) marked.push(claim)
    }
    const service = await this.unlessWithout(assignment, known)
    if (service !== undefined) await this.write(assignment, service, this.isAs(assignment, service))
    for (const claim of marked) await book.free(claim, assignment.key)
  }

  /**
   * The Service, unless it is seen to be without the addresses already: gone, or not ours. It may have come again, or become ours
   * again, since it was last heard of.
   */
  private async unlessWithout(assignment: Assignment, known: Service | undefined): Promise<Service | undefined> {
    const isSettled = (one: Service) => !isOurs(one, this.options.loadBalancerClass) && this.isAs(assignment, one)
    if (known !== undefined && !isSettled(known)) return known
    const now = await this.read(assignment.key)
    return now === undefined || isSettled(now) ? undefined : now
  }

  /**
   * The status and annotation, on the condition that the Service is as it was read. What is not ours loses the addresses of ours only.
   * `always`: it gets a new version in any case.
   */
  private async write(assignment: Assignment, service: Service, always: boolean): Promise<void> {
    const { client, loadBalancerClass, signal } = this.options
    const { held, pool } = assignment
    const { namespace, name = '', resourceVersion } = service.metadata
    const foreign = (service.status?.loadBalancer?.ingress ?? []).filter(({ ip = '' }) => !held.has(ip))
    const own = assignment.addresses.map((ip) => ({ ip, ipMode: 'VIP' }))
    const ingress = isOurs(service, loadBalancerClass) ? own : foreign
    const annotations = {
      ...(hasPool(service, pool) ? {} : { [POOL]: pool === '' ? null : pool }),
      ...(always ? { [CHECKED]: new Date().toISOString() } : {}),
    }
    const patch = { metadata: { resourceVersion, annotations }, status: { loadBalancer: { ingress } } }
    const request = { type: 'merge', subresource: 'status', signal } as const
    const answer = await client.patch(SERVICES, { namespace, name }, patch, request).catch((error: unknown) => {
      if (isNotFound(error)) return undefined // gone: it has no address
      throw error
    })
    if (answer === undefined || hasPool(answer, pool)) return
    // a server that takes no annotations with a status
    const version = answer.metadata.resourceVersion
    await client.patch(
      SERVICES,
      { namespace, name },
      { metadata: { resourceVersion: version, annotations } },
      { type: 'merge', signal },
    )
  }

  private isAs({ addresses, pool, held }: Assignment, service: Service): boolean {
    // an address in its status that no claim knows of is not ours to take
    if (addresses.length + held.size === 0) return true
    if (isOurs(service, this.options.loadBalancerClass))
      return isDeepStrictEqual(currentAddresses(service), addresses) && hasPool(service, pool)
    return !currentAddresses(service).some((address) => held.has(address)) && hasPool(service, '')
  }

  private async read(key: ObjectKey): Promise<Service | undefined> {
    const [namespace, name = ''] = key.split('/')
    try {
      return await this.options.client.get(SERVICES, { namespace, name }, { signal: this.options.signal })
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  private asksTheSame(before: Service | undefined, after: Service | undefined): boolean {
    if (before?.metadata.uid !== after?.metadata.uid) return false
    const asked = (service: Service | undefined) =>
      service === undefined ? undefined : { ...convertAddressRequest(service, this.options.loadBalancerClass).value, current: [] }
    return isDeepStrictEqual(asked(before), asked(after))
  }
}

const STALE: Settled = { result: 'stale', wrote: false }

function hasPool({ metadata: { annotations = {} } }: Service, pool: string): boolean {
  return (annotations[POOL] ?? '') === pool
}
