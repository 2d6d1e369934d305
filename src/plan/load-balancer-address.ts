/**
 * Which addresses Services of type LoadBalancer have. Pure: from pools, claims, requests and what was planned before.
 *
 * Services keep what they have as long as they may; then those that lack addresses are given some, the oldest Service first. What is planned
 * is remembered, so that it holds before claims say so; an address that a claim says is another's is free for nobody until the claim is gone.
 */
import { namespaceOf } from '../model/address-holder.ts'
import type { Finding } from '../model/code.ts'
import type { AddressClaim, AddressPool, AddressRequest } from '../model/load-balancer.ts'
import type { ObjectKey } from '../model/world.ts'
import { AddressBook, type Given } from './address-book.ts'
import { type Choice, choose, chooseAnew, type Market, NOTHING_GIVEN } from './address-choice.ts'
import { overlap } from './address-finding.ts'
import { type Kept, keep, mayAdopt } from './address-keep.ts'
import { inOrder, type NamespaceLabels } from './pool-choice.ts'
import { type PoolCounts, PoolSpace } from './pool-space.ts'

export interface AddressInput {
  readonly pools: ReadonlyMap<ObjectKey, AddressPool>
  /** By address. */
  readonly claims: ReadonlyMap<string, AddressClaim>
  readonly requests: ReadonlyMap<ObjectKey, AddressRequest>
  /** By name. */
  readonly namespaces: NamespaceLabels
}

/** One object that is new, different or gone. `key`: of a claim its address, of a namespace its name. */
export interface AddressChange {
  readonly kind: 'pool' | 'claim' | 'request' | 'namespace'
  readonly key: string
}

export interface AddressPlanner {
  /**
   * Brings the plan up to date, and gives the Services that were looked at: what they are given, or what claims say of them, may be
   * different. The first time it looks at everything, whatever `changes` are.
   */
  update(input: AddressInput, changes: readonly AddressChange[]): ReadonlySet<ObjectKey>
  /** What a Service is to have. Every claim of it for another address is to be given up. */
  given(service: ObjectKey): Given
  /** All Services that have an address. */
  readonly services: Iterable<ObjectKey>
  /** Who is to have an address; more than one share it. */
  holdersOf(address: string): ReadonlySet<ObjectKey>
  /** Of one Service. */
  findingsOf(service: ObjectKey): readonly Finding[]
  /** Of all Services and pools. */
  readonly findings: readonly Finding[]
  /** Addresses of a pool: how many it has, and how many of them are given. */
  counts(pool: ObjectKey): PoolCounts
  /** What it cost so far, in steps of searching. */
  readonly steps: number
}

export function createAddressPlanner(): AddressPlanner {
  return new Planner()
}

class Planner implements AddressPlanner {
  private input: AddressInput | undefined
  private space = new PoolSpace([])
  private automatic: readonly AddressPool[] = []
  private readonly book = new AddressBook((address, isUsed) => {
    if (isUsed) this.space.occupy(address)
    else this.space.vacate(address)
  })
  private readonly found = new Map<ObjectKey, readonly Finding[]>()
  /** Those that lack an address, or would take one more. */
  private readonly waiting = new Set<ObjectKey>()
  private stepsBefore = 0

  update(input: AddressInput, changes: readonly AddressChange[]): ReadonlySet<ObjectKey> {
    const isFirst = this.input === undefined
    this.input = input
    const all = isFirst ? everything(input) : changes
    const dirty = new Set<ObjectKey>()
    let mayFree = false
    for (const change of all) mayFree = this.note(change, dirty) || mayFree
    if (all.some(({ kind }) => kind === 'pool')) this.layOut()
    if (mayFree) for (const key of this.waiting) dirty.add(key)
    this.withCompany(dirty)
    this.settle(dirty)
    return dirty
  }

  given(service: ObjectKey): Given {
    return this.book.holdings.get(service) ?? NOTHING_GIVEN
  }

  get services(): Iterable<ObjectKey> {
    return this.book.holdings.keys()
  }

  holdersOf(address: string): ReadonlySet<ObjectKey> {
    return this.book.holdersOf(address)
  }

  findingsOf(service: ObjectKey): readonly Finding[] {
    return this.found.get(service) ?? []
  }

  get findings(): readonly Finding[] {
    return [...this.space.overlaps.map(overlap), ...[...this.found.values()].flat()]
  }

  counts(pool: ObjectKey): PoolCounts {
    return this.space.counts(pool)
  }

  get steps(): number {
    return this.stepsBefore + this.space.steps
  }

  private get market(): Market {
    const { space, book } = this
    return { space, book, automatic: this.automatic, namespaces: this.input?.namespaces ?? new Map() }
  }

  /** Whether addresses may be free, or may be shared, that were not. */
  private note({ kind, key }: AddressChange, dirty: Set<ObjectKey>): boolean {
    const { claims, requests } = this.input as AddressInput
    if (kind === 'claim') for (const holder of this.book.setClaim(key, claims.get(key))) dirty.add(holder)
    if (kind === 'request') dirty.add(key)
    if (kind === 'request') return this.book.holdings.has(key)
    if (kind === 'pool') for (const service of [...requests.keys(), ...this.book.holdings.keys()]) dirty.add(service)
    if (kind === 'namespace') for (const holder of requests.keys()) if (namespaceOf(holder) === key) dirty.add(holder)
    return true
  }

  private layOut(): void {
    const pools = [...(this.input as AddressInput).pools.values()]
    this.stepsBefore += this.space.steps
    this.space = new PoolSpace(pools)
    this.automatic = inOrder(pools)
    for (const address of this.book.usedAddresses) this.space.occupy(address)
  }

  /** Adds those that share an address with one of them, and so may lose it. */
  private withCompany(dirty: Set<ObjectKey>): void {
    // a set gives what is added while it is read
    for (const key of dirty)
      for (const address of this.given(key).addresses) for (const other of this.book.holdersOf(address)) dirty.add(other)
  }

  private settle(dirty: ReadonlySet<ObjectKey>): void {
    const requests = this.inTurn(dirty)
    const formers = new Map(requests.map((request) => [request.key, this.formerOf(request.key)]))
    for (const key of dirty) {
      this.book.clear(key)
      this.found.delete(key)
      this.waiting.delete(key)
    }
    const kept = new Map<ObjectKey, Kept>()
    this.book.whileOpen(new Set(formers.keys()), () => {
      for (const request of requests) this.keep(request, formers.get(request.key) ?? new Map(), kept)
    })
    for (const request of requests) this.adopt(request, kept)
    for (const request of requests) {
      const found = kept.get(request.key)
      if (found !== undefined) this.give(request, found)
    }
  }

  private inTurn(keys: ReadonlySet<ObjectKey>): readonly AddressRequest[] {
    const requests = [...keys].flatMap((key) => this.input?.requests.get(key) ?? [])
    return requests.sort((one, other) => one.createdAtInMs - other.createdAtInMs || (one.key < other.key ? -1 : 1))
  }

  /** What it has by the plan before, then by claims, each with the name of its pool. */
  private formerOf(key: ObjectKey): ReadonlyMap<string, string> {
    const { addresses, pool } = this.given(key)
    const former = new Map(addresses.map((address) => [address, pool]))
    for (const address of [...this.book.claimedBy(key)].sort())
      if (!former.has(address)) former.set(address, this.book.claimOf(address)?.pool ?? '')
    return former
  }

  private keep(request: AddressRequest, former: ReadonlyMap<string, string>, kept: Map<ObjectKey, Kept>): void {
    const found = keep(this.market, request, former)
    kept.set(request.key, found)
    if (found.addresses.length > 0) this.book.set({ request, addresses: found.addresses, pool: found.pool })
  }

  /** Only what nobody has by the plan or a claim, and before anything new is given. */
  private adopt(request: AddressRequest, kept: Map<ObjectKey, Kept>): void {
    const before = kept.get(request.key)
    if (before === undefined || before.addresses.length >= request.families.length) return
    const own = new Map(before.addresses.map((address) => [address, before.pool]))
    const more = request.current.filter((address) => !own.has(address) && mayAdopt(this.market, request, address))
    if (more.length === 0) return
    for (const address of more) own.set(address, '')
    this.keep(request, own, kept)
  }

  private chooseFor(request: AddressRequest, kept: Kept): Choice {
    if (kept.isAll) return { ...kept, findings: [] }
    return (kept.isRobbed ? chooseAnew : choose)(this.market, request, kept)
  }

  private give(request: AddressRequest, kept: Kept): void {
    const { addresses, pool, findings } = this.chooseFor(request, kept)
    if (addresses.length > 0) this.book.set({ request, addresses, pool })
    if (addresses.length < request.families.length) this.waiting.add(request.key)
    const all = [...kept.findings, ...findings]
    if (all.length > 0) this.found.set(request.key, all)
  }
}

/** Pools first: claims and Services are looked at when they are laid out. */
function everything({ pools, claims, requests }: AddressInput): readonly AddressChange[] {
  const of = (kind: AddressChange['kind'], keys: Iterable<string>) => [...keys].map((key) => ({ kind, key }))
  return [...of('pool', pools.keys()), ...of('claim', claims.keys()), ...of('request', requests.keys())]
}
