/** Where a node is found on a subnet of this machine. */
import type { Node } from '../../model/world.ts'
import type { L2Link } from '../../plan/l2.ts'
import { RangeSet } from '../../plan/ranges.ts'

export interface Reached {
  readonly address: string
  /** The name of the interface. */
  readonly link: string
}

/** Undefined when no subnet of `links` has an address of it. */
export function reach(node: Node | undefined, links: readonly L2Link[]): Reached | undefined {
  for (const { name, subnets } of links) {
    const range = new RangeSet(subnets)
    const address = node?.addresses.find((one) => range.has(one))
    if (address !== undefined) return { address, link: name }
  }
  return undefined
}
