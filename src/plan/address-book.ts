/** Who has which addresses: by the plan, and by the claims that are stored. */
import type { AddressClaim, AddressRequest } from '../model/load-balancer.ts'
import type { ObjectKey } from '../model/world.ts'

/** What a Service is given. */
export interface Given {
  /** In the order of its families; empty: none. */
  readonly addresses: readonly string[]
  /** By name; '' without addresses. */
  readonly pool: string
}

export interface Holding extends Given {
  readonly request: AddressRequest
}

export class AddressBook {
  readonly holdings = new Map<ObjectKey, Holding>()
  private readonly planned = new Map<string, Set<ObjectKey>>()
  private readonly claims = new Map<string, AddressClaim>()
  private readonly claimed = new Map<ObjectKey, Set<string>>()
  /** Addresses of Services with a sharing key. */
  private readonly shared = new Map<string, Map<string, number>>()
  /** Whether a Service may still keep what claims say it has: it is being looked at. */
  private isOpen: (key: ObjectKey) => boolean = () => false
  private readonly onUse: (address: string, isUsed: boolean) => void

  /** `onUse` hears of an address that nobody had, or has any more. */
  constructor(onUse: (address: string, isUsed: boolean) => void) {
    this.onUse = onUse
  }

  get usedAddresses(): ReadonlySet<string> {
    return new Set([...this.planned.keys(), ...this.claims.keys()])
  }

  isUsed(address: string): boolean {
    return this.planned.has(address) || this.claims.has(address)
  }

  claimOf(address: string): AddressClaim | undefined {
    return this.claims.get(address)
  }

  /** Addresses that claims say a Service has. */
  claimedBy(key: ObjectKey): ReadonlySet<string> {
    return this.claimed.get(key) ?? NOTHING
  }

  /** Replaces a claim, and gives who had it or has it. */
  setClaim(address: string, claim: AddressClaim | undefined): readonly ObjectKey[] {
    const before = this.claims.get(address)?.holders ?? []
    const after = claim?.holders ?? []
    this.changeUse(address, () => {
      if (claim === undefined) this.claims.delete(address)
      else this.claims.set(address, claim)
    })
    for (const key of before) drop(this.claimed, key, address)
    for (const key of after) put(this.claimed, key, address)
    return [...before, ...after]
  }

  /** Who is to have an address, by the plan. */
  holdersOf(address: string): ReadonlySet<ObjectKey> {
    return this.planned.get(address) ?? NOTHING
  }

  set(holding: Holding): void {
    const { key, sharingKey } = holding.request
    this.clear(key)
    this.holdings.set(key, holding)
    for (const address of holding.addresses) {
      this.changeUse(address, () => put(this.planned, address, key))
      if (sharingKey !== '') this.countShared(sharingKey, address, 1)
    }
  }

  clear(key: ObjectKey): void {
    const before = this.holdings.get(key)
    if (before === undefined) return
    this.holdings.delete(key)
    for (const address of before.addresses) {
      this.changeUse(address, () => drop(this.planned, address, key))
      if (before.request.sharingKey !== '') this.countShared(before.request.sharingKey, address, -1)
    }
  }

  /** Does `work`, in which a claim of one of these does not yet mean that it gives the address up: it has its turn to keep it. */
  whileOpen(keys: ReadonlySet<ObjectKey>, work: () => void): void {
    this.isOpen = (key) => keys.has(key)
    work()
    this.isOpen = () => false
  }

  /** Who stands in the way of giving an address to a Service; sorted. A claim of one that is to lose the address holds it until it is gone. */
  obstacles(address: string, request: AddressRequest): readonly ObjectKey[] {
    const planned = this.planned.get(address) ?? NOTHING
    const leaving = (this.claims.get(address)?.holders ?? []).filter((key) => !planned.has(key) && !this.isOpen(key))
    const others = [...planned].filter((key) => !mayShare(request, this.holdings.get(key)?.request))
    return [...new Set([...others, ...leaving])].filter((key) => key !== request.key).sort()
  }

  /** Addresses of Services with the same sharing key. */
  sharedUnder(sharingKey: string): Iterable<string> {
    return this.shared.get(sharingKey)?.keys() ?? []
  }

  private changeUse(address: string, change: () => void): void {
    const before = this.isUsed(address)
    change()
    const after = this.isUsed(address)
    if (before !== after) this.onUse(address, after)
  }

  private countShared(sharingKey: string, address: string, by: 1 | -1): void {
    const counts = this.shared.get(sharingKey) ?? new Map<string, number>()
    const count = (counts.get(address) ?? 0) + by
    if (count === 0) counts.delete(address)
    else counts.set(address, count)
    if (counts.size === 0) this.shared.delete(sharingKey)
    else this.shared.set(sharingKey, counts)
  }
}

const NOTHING: ReadonlySet<string> = new Set()

/** Source: MetalLB internal/allocator, sharingOK: the same key, other ports, and traffic that goes to the same nodes. */
function mayShare(one: AddressRequest, other: AddressRequest | undefined): boolean {
  if (other === undefined || one.key === other.key) return true
  if (one.sharingKey === '' || one.sharingKey !== other.sharingKey || one.localBackends !== other.localBackends) return false
  return !one.ports.some(({ protocol, port }) => other.ports.some((two) => two.protocol === protocol && two.port === port))
}

function put(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, new Set([value]))
  else values.add(value)
}

function drop(map: Map<string, Set<string>>, key: string, value: string): void {
  const values = map.get(key)
  values?.delete(value)
  if (values?.size === 0) map.delete(key)
}
