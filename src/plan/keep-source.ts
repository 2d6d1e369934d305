/** Where packets of this node's pods keep their own source address, as PodRouteAdvertisements ask (`keepSourceTo`). */
import type { BgpConfig } from '../model/bgp-config.ts'
import { type DataPathEntry, familyOf, rangeKey } from '../model/datapath.ts'
import type { Node } from '../model/world.ts'
import { outermost } from './ranges.ts'
import { anyChooses } from './selector.ts'

/** The ranges that advertisements for this node name, as canonical CIDR text, sorted, none within another. */
export function keepSourceRanges(node: Node | undefined, config: Pick<BgpConfig, 'podRouteAdvertisements'>): readonly string[] {
  if (node === undefined) return []
  const meant = [...config.podRouteAdvertisements.values()].filter(({ nodes }) => anyChooses(nodes, node.labels))
  const cidrs = meant.flatMap(({ keepSourceTo }) => keepSourceTo)
  return (['ipv4', 'ipv6'] as const).flatMap((family) => outermost(cidrs.filter((cidr) => familyOf(cidr) === family)))
}

export function planKeepSource(cidrs: readonly string[]): readonly DataPathEntry[] {
  return cidrs.map((cidr) => ({ kind: 'keep-source', key: rangeKey('keep-source', cidr), family: familyOf(cidr), cidr }))
}
