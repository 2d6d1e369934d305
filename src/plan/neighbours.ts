/** What the plan of a Service depends on beside itself. */
import type { EndpointSlice, NodeName } from '../model/world.ts'
import type { ClaimsOn } from './claim.ts'

/** This node, as far as Services are concerned. */
export interface Here {
  readonly node: NodeName
  /** '' when not known. */
  readonly zone: string
  readonly addresses: readonly string[]
  /** Those of them that answer nodePorts. */
  readonly nodePortAddresses: readonly string[]
  /** Ranges of addresses that answer them while the machine has them, as CIDR text. */
  readonly nodePortRanges: readonly string[]
  /** Whether this or another node of the cluster has the address. */
  isNodeAddress(address: string): boolean
  /** Whether Services may ask for the address as an externalIP. */
  isAllowed(address: string): boolean
}

export interface ServiceNeighbours {
  /** The slices of this Service, in any order. */
  readonly slices: readonly EndpointSlice[]
  readonly claimsOn: ClaimsOn
  readonly here: Here
}
