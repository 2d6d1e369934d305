/** What is announced on a node's own subnets by ARP and NDP: input of the address engine. */
import type { Keyed } from './plan.ts'
import type { Family } from './world.ts'

/** An address that the node holds and answers for. */
export interface AnnouncedAddress extends Keyed {
  readonly kind: 'announced-address'
  /** `announced-address/ADDRESS`. */
  readonly key: string
  readonly family: Family
  /** Canonical. */
  readonly address: string
  /** Names of the interfaces that hold it and answer for it, and no others do; sorted, at least one. */
  readonly interfaces: readonly string[]
}

/** Somebody else on the segment says that an address of ours is theirs. */
export interface AddressConflict {
  readonly address: string
  /** The interface of ours that heard it. */
  readonly interface: string
  /** The sender's hardware address, `02:00:00:00:00:01`. */
  readonly mac: string
}

/** `interfaces` in any order. */
export function announcedAddress(family: Family, address: string, interfaces: readonly string[]): AnnouncedAddress {
  return { kind: 'announced-address', key: `announced-address/${address}`, family, address, interfaces: interfaces.toSorted() }
}
