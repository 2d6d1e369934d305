/** One address on the segments of one node: who may announce it, the first one first, and on which of this node's interfaces. */

import type { HolderKey } from '../model/address-holder.ts'
import { familyOf } from '../model/datapath.ts'
import type { Advertisement, BgpAdvertisement, L2Advertisement, LoadBalancerConfig } from '../model/load-balancer.ts'
import type { Node, NodeName } from '../model/world.ts'
import { PLAIN_L2, type Tenant } from './address-tenant.ts'
import { meansPool, poolOf, type SourcePool } from './advertisement.ts'
import { meshOf, ranked } from './l2-rank.ts'
import type { RangeSet } from './ranges.ts'
import { anyChooses, chooses } from './selector.ts'

/** A subnet that this node is on. */
export interface Segment {
  readonly interface: string
  readonly range: RangeSet
  /** The next hops of this node's default routes. */
  readonly gateways: readonly string[]
}

/** What of the cluster decides about an address, as this node sees it. */
export interface L2Surroundings {
  readonly node: NodeName
  readonly nodes: ReadonlyMap<NodeName, Node>
  readonly segments: readonly Segment[]
  readonly config: LoadBalancerConfig
}

/** Why no node may announce an address. */
export type Obstacle =
  | 'node-address'
  | 'gateway-address'
  | 'not-advertised'
  | 'no-node-chosen'
  | 'no-subnet'
  | 'no-endpoint'
  | 'all-out'

export interface AddressPlan {
  readonly address: string
  /** Sorted. */
  readonly holders: readonly HolderKey[]
  /** Who may announce it; the first live one does. Empty unless this node is on a segment of the address, as far as it can tell. */
  readonly ranking: readonly NodeName[]
  /** Those of `ranking`, and those that may be in it another day: they keep an eye on each other. */
  readonly mesh: ReadonlySet<NodeName>
  /** This node's, sorted; empty: it cannot announce it. */
  readonly interfaces: readonly string[]
  /** Whether this node holds it also where it does not announce it here: BGP brings packets for it, and no Service translates it. */
  readonly isLocal: boolean
  /** Names of advertisements that choose this node and name none of its interfaces. */
  readonly without: readonly string[]
  /** The name of its pool; '' for an address from none, which is not ours to say anything about. */
  readonly pool: string
  readonly obstacle?: Obstacle
}

/** Source: k8s.io/api/core/v1 LabelNodeExcludeBalancers; that it is there is enough, whatever its value. */
const EXCLUDED = 'node.kubernetes.io/exclude-from-external-load-balancers'

/**
 * Plans one address.
 *
 * Shape:  without names of interfaces an advertisement means the nodes that have an address of their own on a subnet which holds this
 *         one: a node knows its own subnets, and of the others their addresses. Named interfaces mean every node that is chosen.
 * Order:  all nodes of a segment find the same ranking, whatever the order of anything. A cordoned node is in it only when no other
 *         node may announce: an address is better where it can be than nowhere.
 * Errors: never throws; why nobody may announce it is in `obstacle`.
 */
export function planAddress(address: string, tenants: readonly Tenant[], around: L2Surroundings): AddressPlan {
  const holders = tenants.map(({ key }) => key).sort()
  const nothing = { address, holders, ranking: [], mesh: new Set<NodeName>(), interfaces: [], without: [], isLocal: false }
  const pool = tenants.map((tenant) => poolOf(tenant, address, around.config.pools)).find((one) => one !== undefined)
  // who announced it elsewhere would take the node off its network
  const isOfNode = [...around.nodes.values()].some(({ addresses }) => addresses.includes(address))
  if (isOfNode) return { ...nothing, pool: pool?.name ?? '', obstacle: 'node-address' }
  if (around.segments.some(({ gateways }) => gateways.includes(address)))
    return { ...nothing, pool: pool?.name ?? '', obstacle: 'gateway-address' }
  const { l2, bgp } = meant(tenants, pool, around.config)
  const base = { ...nothing, pool: pool?.name ?? '', isLocal: isLocal(tenants, address, bgp, around) }
  if (l2.length > 0) {
    const chosen = choose(address, tenants, l2, around)
    // an advertisement for all pools means those, too, that BGP alone can announce
    const isForBgp = bgp.length > 0 && (chosen.obstacle === 'no-subnet' || chosen.obstacle === 'no-node-chosen')
    return isForBgp ? base : { ...base, ...chosen }
  }
  return bgp.length > 0 || pool === undefined ? base : { ...base, obstacle: 'not-advertised' }
}

interface Meant {
  readonly l2: readonly L2Advertisement[]
  readonly bgp: readonly BgpAdvertisement[]
}

/** What tenants say themselves, and of the others what is said of the pool. */
function meant(tenants: readonly Tenant[], pool: SourcePool | undefined, config: LoadBalancerConfig): Meant {
  const own = tenants.flatMap(({ order, own }) => own ?? (pool === undefined && order !== undefined ? PLAIN_L2 : []))
  const others = tenants.filter((tenant) => tenant.own === undefined)
  const ofPool = <A extends Advertisement>(advertisements: ReadonlyMap<string, A>): readonly A[] =>
    pool === undefined ? [] : [...advertisements.values()].filter((one) => isMeant(one, pool, others))
  const inOrder = <A extends Advertisement>(all: readonly A[]) => all.toSorted((one, other) => (one.key < other.key ? -1 : 1))
  return {
    l2: inOrder([...own.flatMap(({ l2 }) => l2 ?? []), ...ofPool(config.l2Advertisements)]),
    bgp: inOrder([...own.flatMap(({ bgp }) => bgp ?? []), ...ofPool(config.bgpAdvertisements)]),
  }
}

function isMeant(one: Advertisement, pool: SourcePool, tenants: readonly Tenant[]): boolean {
  return meansPool(one, pool) && tenants.some(({ labels }) => anyChooses(one.services, labels))
}

/** What floats is delivered to the node itself, so that whoever announces it by BGP must hold it. */
function isLocal(
  tenants: readonly Tenant[],
  address: string,
  bgp: readonly BgpAdvertisement[],
  { node, nodes }: L2Surroundings,
): boolean {
  const labels = nodes.get(node)?.labels
  if (labels === undefined || !bgp.some((one) => anyChooses(one.nodes, labels))) return false
  return tenants.some((tenant) => tenant.order !== undefined && tenant.receiving(familyOf(address))?.has(node))
}

function choose(
  address: string,
  tenants: readonly Tenant[],
  advertisements: readonly L2Advertisement[],
  around: L2Surroundings,
): Partial<AddressPlan> {
  const segments = around.segments.filter(({ range }) => range.has(address))
  const isNear = ({ addresses }: Node) => addresses.some((own) => segments.some(({ range }) => range.has(own)))
  const chosen = [...around.nodes.values()].flatMap((node) => {
    const here = advertisements.filter(({ nodes }) => anyChooses(nodes, node.labels))
    return here.length === 0
      ? []
      : [{ node, here, isThere: here.some(({ interfaces }) => interfaces.length > 0) || isNear(node) }]
  })
  if (chosen.length === 0) return { obstacle: 'no-node-chosen' }
  const near = chosen.filter(({ isThere }) => isThere)
  if (near.length === 0)
    return isFlat(
      around,
      chosen.map(({ node }) => node),
    )
      ? { obstacle: 'no-subnet' }
      : {}
  const mesh = meshOf(near.map(({ node }) => node.name))
  const receiving = receivers(tenants, address)
  const able = near.filter(({ node }) => receiving?.has(node.name) ?? true)
  const own = near.find(({ node }) => node.name === around.node)
  const found = { mesh, ...(own === undefined ? {} : ownInterfaces(own.here, segments, isNear(own.node), around)) }
  if (able.length === 0) return { ...found, obstacle: 'no-endpoint' }
  const usable = inUse(able.map((one) => ({ ...one, weight: weightOf(one.node, one.here) })))
  if (usable.length === 0) return { ...found, obstacle: 'all-out' }
  const watched = usable.filter(({ node }) => mesh.has(node.name))
  const candidates = (watched.length > 0 ? watched : usable).map(({ node, weight }) => ({ node: node.name, weight }))
  return { ...found, ranking: ranked(address, candidates, tenants.find(({ order }) => order !== undefined)?.order) }
}

/** Whether this node is on a subnet with each of the others, so that it can say what none of them is on. */
function isFlat({ node, nodes, segments }: L2Surroundings, chosen: readonly Node[]): boolean {
  return (
    nodes.has(node) &&
    chosen.every(({ addresses }) => addresses.some((address) => segments.some(({ range }) => range.has(address))))
  )
}

/** Those that every tenant may be reached by; where no node is one for all, those of any. Undefined: every node. */
function receivers(tenants: readonly Tenant[], address: string): ReadonlySet<NodeName> | undefined {
  const sets = tenants.flatMap((tenant) => tenant.receiving(familyOf(address)) ?? [])
  const first = sets[0]
  if (first === undefined) return undefined
  const common = sets.reduce((one, other) => one.intersection(other))
  return common.size > 0 ? common : sets.reduce((one, other) => one.union(other))
}

/** Without the nodes that are taken out of load balancing, have no network, or are leaving; cordoned ones only when there are no others. */
function inUse<T extends { readonly node: Node }>(candidates: readonly T[]): readonly T[] {
  const staying = candidates.filter(
    ({ node }) => !node.leaving && !node.networkUnavailable && !Object.hasOwn(node.labels, EXCLUDED),
  )
  const open = staying.filter(({ node }) => !node.unschedulable)
  return open.length > 0 ? open : staying
}

function weightOf({ labels }: Node, advertisements: readonly L2Advertisement[]): number {
  const weights = advertisements.flatMap(({ preferredNodes }) =>
    preferredNodes.filter(({ selector }) => chooses(selector, labels)).map(({ weight }) => weight),
  )
  return weights.reduce((sum, weight) => sum + weight, 0)
}

function ownInterfaces(
  advertisements: readonly L2Advertisement[],
  segments: readonly Segment[],
  isNear: boolean,
  around: L2Surroundings,
): Pick<AddressPlan, 'interfaces' | 'without'> {
  const there = new Set(around.segments.map((segment) => segment.interface))
  const found = new Set<string>()
  const without: string[] = []
  for (const { interfaces, name } of advertisements) {
    const named = interfaces.filter((one) => there.has(one))
    // a node without any link is not asked for one
    if (interfaces.length > 0 && named.length === 0 && there.size > 0) without.push(name)
    for (const one of named) found.add(one)
    if (interfaces.length === 0 && isNear) for (const segment of segments) found.add(segment.interface)
  }
  return { interfaces: [...found].sort(), without: without.sort() }
}
