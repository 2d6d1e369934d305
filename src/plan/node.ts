/** What the data path needs to know of the node itself: its addresses, and which sources are its own pods. */
import { addressKey, type DataPathEntry, familyOf, rangeKey } from '../model/datapath.ts'
import type { Family, Node, Pod } from '../model/world.ts'
import type { ChooseAddresses } from './options.ts'

/**
 * Plans the node's own entries: `node-address` for each address that shall answer nodePorts, `node-range` for each range of such, and
 * `local-source` for each pod range.
 */
export function planNode(node: Node, choose: ChooseAddresses, nodeRanges: readonly string[]): readonly DataPathEntry[] {
  const addresses = choose(node.addresses).map((address): DataPathEntry => {
    return { kind: 'node-address', key: addressKey('node-address', address), family: familyOf(address), address }
  })
  const ranges = nodeRanges.map((cidr): DataPathEntry => {
    return { kind: 'node-range', key: rangeKey('node-range', cidr), family: familyOf(cidr), cidr }
  })
  return [...addresses, ...ranges, ...node.podCIDRs.map(localSource)]
}

/**
 * Plans what a pod of this node is to the data path, whatever it serves: a hairpin pair each address, and a source of its own
 * in families for which the node has no pod range (address management by another than the node controller).
 */
export function planLocalPod(pod: Pod, node: Node | undefined): readonly DataPathEntry[] {
  if (pod.hostNetwork || pod.finished) return []
  const ranged = new Set<Family>((node?.podCIDRs ?? []).map(familyOf))
  return pod.addresses.flatMap((address): readonly DataPathEntry[] => {
    const family = familyOf(address)
    const pair: DataPathEntry = { kind: 'local-pod', key: addressKey('local-pod', address), family, address }
    return ranged.has(family) ? [pair] : [pair, localSource(`${address}/${family === 'ipv4' ? 32 : 128}`)]
  })
}

function localSource(cidr: string): DataPathEntry {
  return { kind: 'local-source', key: rangeKey('local-source', cidr), family: familyOf(cidr), cidr }
}
