import { familyOf } from '../model/datapath.ts'
import { outermost, RangeSet } from './ranges.ts'

/** What the operator of a cluster chose. Ranges are CIDR text of either family. */
export interface PlannerOptions {
  /** Addresses that Services may ask for as externalIPs; none by default. */
  readonly externalIPs?: readonly string[]
  /**
   * Which of a node's addresses answer nodePorts: every one of the machine that is in some range, or `primary`, the first of each family
   * that the Node object has; by default all that it has. Source: kube-proxy's nodePortAddresses.
   */
  readonly nodePortAddresses?: 'primary' | readonly string[]
}

/** What answers no nodePort, whatever ranges it is in. Source: entries `node-range`. */
export const NEVER_NODE_PORT = new RangeSet(['127.0.0.0/8', '::1/128', 'fe80::/10'])

/** The ranges whose addresses answer nodePorts while the machine has them, none of a family within another. */
export function nodePortRanges({ nodePortAddresses: chosen = [] }: PlannerOptions): readonly string[] {
  if (chosen === 'primary') return []
  return (['ipv4', 'ipv6'] as const).flatMap((family) => outermost(chosen.filter((cidr) => familyOf(cidr) === family)))
}

/** Chooses among addresses by `nodePortAddresses`. */
export type ChooseAddresses = (addresses: readonly string[]) => readonly string[]

export function nodePortChoice({ nodePortAddresses: chosen }: PlannerOptions): ChooseAddresses {
  if (chosen === undefined) return (addresses) => addresses
  if (chosen === 'primary') return (addresses) => addresses.filter((one) => one === firstOfFamily(addresses, one))
  const ranges = new RangeSet(chosen)
  return (addresses) => addresses.filter((address) => ranges.has(address) && !NEVER_NODE_PORT.has(address))
}

function firstOfFamily(addresses: readonly string[], one: string): string | undefined {
  return addresses.find((other) => familyOf(other) === familyOf(one))
}
