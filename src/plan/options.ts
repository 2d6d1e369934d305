import { familyOf } from '../model/datapath.ts'
import { RangeSet } from './ranges.ts'

/** What the operator of a cluster chose. Ranges are CIDR text of either family. */
export interface PlannerOptions {
  /** Addresses that Services may ask for as externalIPs; none by default. */
  readonly externalIPs?: readonly string[]
  /**
   * Which of a node's addresses answer nodePorts: those in some range, or `primary`, the first of each family; by default all that the
   * Node object has. Source: kube-proxy's nodePortAddresses.
   */
  readonly nodePortAddresses?: 'primary' | readonly string[]
}

/** Chooses among addresses by `nodePortAddresses`. */
export type ChooseAddresses = (addresses: readonly string[]) => readonly string[]

export function nodePortChoice({ nodePortAddresses: chosen }: PlannerOptions): ChooseAddresses {
  if (chosen === undefined) return (addresses) => addresses
  if (chosen === 'primary') return (addresses) => addresses.filter((one) => one === firstOfFamily(addresses, one))
  const ranges = new RangeSet(chosen)
  return (addresses) => addresses.filter((address) => ranges.has(address))
}

function firstOfFamily(addresses: readonly string[], one: string): string | undefined {
  return addresses.find((other) => familyOf(other) === familyOf(one))
}
