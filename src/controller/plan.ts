/** What the controller asks of the planner of addresses: it knows the world, and who shares an address. */
import type { HolderKey } from '../model/address-holder.ts'
import type { Finding } from '../model/code.ts'
import type { ObjectKey } from '../model/world.ts'
import { type AddressPlanner, createAddressPlanner } from '../plan/load-balancer-address.ts'
import type { PoolCounts } from '../plan/pool-space.ts'
import type { AddressWorld, AddressWorldChange } from './address-world.ts'

export interface PlannedAddresses {
  /** In the order of its families; empty: none. */
  readonly addresses: readonly string[]
  /** By name; '' without addresses. */
  readonly pool: string
  /** Who may have one of them too, by the plan. */
  readonly company: ReadonlySet<HolderKey>
}

export class AddressPlan {
  private readonly world: AddressWorld
  private readonly planner: AddressPlanner = createAddressPlanner()

  constructor(world: AddressWorld) {
    this.world = world
  }

  /** Plans everything, and gives all Services that it is about. */
  begin(): ReadonlySet<HolderKey> {
    return this.planner.update(this.world, [])
  }

  /** Gives the Services that are to be settled anew: what they are to have, or what claims say of them, may be different. */
  change(changes: readonly AddressWorldChange[]): ReadonlySet<HolderKey> {
    return this.planner.update(this.world, changes)
  }

  of(key: HolderKey): PlannedAddresses {
    const { addresses, pool } = this.planner.given(key)
    const company = new Set(addresses.flatMap((address) => [...this.planner.holdersOf(address)]))
    return { addresses, pool, company }
  }

  findingsOf(key: HolderKey): readonly Finding[] {
    return this.planner.findingsOf(key)
  }

  get findings(): readonly Finding[] {
    return this.planner.findings
  }

  countsOf(pool: ObjectKey): PoolCounts {
    return this.planner.counts(pool)
  }
}
