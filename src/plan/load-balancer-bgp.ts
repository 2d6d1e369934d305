/** The prefixes of load-balancer addresses that a node announces, as BGPAdvertisements ask. */
import { titleOf } from '../model/address-holder.ts'
import type { Announcement, BgpSession } from '../model/bgp.ts'
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { BGP_POOL_AGGREGATE_TOO_WIDE } from '../model/codes/bgp-load-balancer.ts'
import { familyOf } from '../model/datapath.ts'
import type { AddressPool, AddressSpan, BgpAdvertisement, FloatingAddress } from '../model/load-balancer.ts'
import type { EndpointSlice, Node, ObjectKey, Service } from '../model/world.ts'
import { ownAdvertisements } from './address-tenant.ts'
import { addressesToAnnounce, advertisementsOf, meansPool, poolOf } from './advertisement.ts'
import { announcementOf } from './announcement.ts'
import { mayReceive } from './local-traffic.ts'
import { networkOf, numberOf, spanOf } from './ranges.ts'
import type { RouteWish } from './route-book.ts'
import { anyChooses } from './selector.ts'

/** What of the advertisements is for one node, and how each one's routes are announced there. */
export interface LocalBgpAdvertisements {
  /** Of Services of this class; '': of those that name none. */
  readonly loadBalancerClass: string
  /** Addresses of nodes, which are announced for nobody: packets for the node would go elsewhere. */
  readonly nodeAddresses: ReadonlySet<string>
  readonly pools: BgpConfig['pools']
  readonly advertisements: ReadonlyMap<ObjectKey, BgpAdvertisement>
  readonly announcements: ReadonlyMap<ObjectKey, Announcement>
}

export const NO_ADVERTISEMENTS: LocalBgpAdvertisements = {
  loadBalancerClass: '',
  nodeAddresses: new Set(),
  pools: new Map(),
  advertisements: new Map(),
  announcements: new Map(),
}

/** The advertisements that this node and one of its sessions are meant by. */
export function planBgpAdvertisements(input: {
  readonly node: Node
  /** All nodes of the cluster. */
  readonly nodes: Iterable<Pick<Node, 'addresses'>>
  readonly config: BgpConfig
  readonly sessions: readonly BgpSession[]
  readonly loadBalancerClass: string
}): { readonly local: LocalBgpAdvertisements; readonly findings: readonly Finding[] } {
  const { node, config, loadBalancerClass } = input
  const nodeAddresses = new Set([...input.nodes].flatMap(({ addresses }) => addresses))
  const findings: Finding[] = []
  const advertisements = new Map<ObjectKey, BgpAdvertisement>()
  const announcements = new Map<ObjectKey, Announcement>()
  for (const one of [...config.bgpAdvertisements.values()].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const asked = { ...one, title: `BGPAdvertisement ${one.key}`, subject: subjectOf(one) }
    const announcement = announcementOf(asked, input, findings)
    if (announcement === undefined || !anyChooses(one.nodes, node.labels)) continue
    tellNarrowPools(one, config, findings)
    advertisements.set(one.key, one)
    announcements.set(one.key, announcement)
  }
  for (const floating of [...config.floatingAddresses.values()].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const own = ownAdvertisements(floating)?.bgp
    if (own === undefined) continue
    const asked = { ...own, title: titleOf(own.key), subject: own.key }
    const announcement = announcementOf(asked, input, findings)
    if (announcement !== undefined) announcements.set(own.key, announcement)
  }
  return { local: { loadBalancerClass, nodeAddresses, pools: config.pools, advertisements, announcements }, findings }
}

/**
 * What a FloatingAddress asks for on a node: its addresses, from each of its candidates, with the metric that its place among them gives. So
 * routers go to the first one, and when that is silent to the next one, without asking anybody.
 *
 * Errors: never throws; a node that is no candidate announces nothing.
 */
export function floatingWishes(
  floating: FloatingAddress,
  node: Pick<Node, 'name' | 'labels'>,
  { nodeAddresses, pools, advertisements, announcements }: LocalBgpAdvertisements,
): readonly RouteWish[] {
  const place = floating.candidates.findIndex((candidate) => candidate.node === node.name)
  if (place === -1) return []
  const own = ownAdvertisements(floating)
  return floating.addresses.flatMap((address) => {
    if (nodeAddresses.has(address)) return []
    const ofPool = advertisementsOf(floating, address, node, { pools, advertisements })
    const keys = own === undefined ? ofPool.map(({ key }) => key) : own.bgp === undefined ? [] : [own.bgp.key]
    return keys.flatMap((key) => {
      const announcement = announcements.get(key)
      // one address of several nodes is never part of a wider prefix
      return announcement === undefined
        ? []
        : { prefix: hostPrefix(address), announcement: { ...announcement, metric: place * METRIC_STEP } }
    })
  })
}

/** Leaves room for routers that add to it. */
const METRIC_STEP = 100

/**
 * What a Service asks for on a node: each of its load-balancer addresses, or the range that holds it, once each advertisement.
 *
 * Shape:  nothing of a Service of another class, nor under policy Local where the node is none of `receivingNodes`.
 * Order:  the order of slices, pools and advertisements never matters.
 * Errors: never throws; an address from no pool, or without an advertisement, is not announced.
 */
export function serviceWishes(
  service: Service,
  slices: readonly EndpointSlice[],
  node: Pick<Node, 'name' | 'labels'>,
  { loadBalancerClass, nodeAddresses, pools, advertisements, announcements }: LocalBgpAdvertisements,
): readonly RouteWish[] {
  return addressesToAnnounce(service, loadBalancerClass).flatMap((address) => {
    const family = familyOf(address)
    const found = advertisementsOf(service, address, node, { pools, advertisements })
    if (found.length === 0 || nodeAddresses.has(address) || !mayReceive(node.name, service, family, slices)) return []
    const spans = poolOf(service, address, pools)?.spans ?? []
    return found.flatMap(({ key, lengths }) => {
      const announcement = announcements.get(key)
      return announcement === undefined ? [] : { prefix: prefixOf(address, lengths[family], spans), announcement }
    })
  })
}

/**
 * The prefix that an address is announced in: of the length that is asked for, or the widest one that does not leave the pool, since a
 * wider one would draw packets for addresses that are somebody else's. An address in no span of its pool is announced alone.
 */
function prefixOf(address: string, asked: number, spans: readonly AddressSpan[]): string {
  const family = familyOf(address)
  const full = family === 'ipv4' ? 32 : 128
  if (asked < full) {
    const own = spans
      .filter((span) => span.family === family)
      .map(({ first, last }) => ({ first: numberOf(first), last: numberOf(last) }))
    for (let length = asked; length < full; length++) {
      const prefix = `${networkOf(address, length)}/${length}`
      const { first, last } = spanOf(prefix)
      if (own.some((span) => span.first <= first && last <= span.last)) return prefix
    }
  }
  return hostPrefix(address)
}

function hostPrefix(address: string): string {
  return `${address}/${familyOf(address) === 'ipv4' ? 32 : 128}`
}

function tellNarrowPools(advertisement: BgpAdvertisement, { pools }: BgpConfig, findings: Finding[]): void {
  for (const pool of pools.values()) {
    if (!meansPool(advertisement, pool)) continue
    const cut = pool.spans.filter(({ family, first, last }) => !isWhole(first, last, advertisement.lengths[family]))
    if (cut.length === 0) continue
    const [{ family, first, last } = { family: 'ipv4', first: '', last: '' } as const] = cut
    const message = `BGPAdvertisement ${advertisement.key} asks for prefixes of length ${advertisement.lengths[family]}, and ${first}-${last} of IPAddressPool ${pool.key} is not made of whole ones; narrower prefixes are announced at its ends.`
    const subjects = [subjectOf(advertisement), poolSubject(pool)]
    findings.push({ code: BGP_POOL_AGGREGATE_TOO_WIDE, subjects, message, fix: BGP_POOL_AGGREGATE_TOO_WIDE.fix })
  }
}

function isWhole(first: string, last: string, length: number): boolean {
  return networkOf(first, length) === first && spanOf(`${networkOf(last, length)}/${length}`).last === numberOf(last)
}

function subjectOf({ key }: BgpAdvertisement): string {
  return `bgpadvertisement/${key}`
}

function poolSubject({ key }: AddressPool): string {
  return `ipaddresspool/${key}`
}
