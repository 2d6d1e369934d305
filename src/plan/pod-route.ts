/** The prefixes of pods and of node ranges that a node announces, as PodRouteAdvertisements ask. */
import type { Announcement, BgpSession } from '../model/bgp.ts'
import type { BgpConfig, PodRouteAdvertisement } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { BGP_AGGREGATE_TOO_WIDE, BGP_NO_POD_RANGE } from '../model/codes/bgp-plan.ts'
import { familyOf } from '../model/datapath.ts'
import type { Node, Pod } from '../model/world.ts'
import { announcementOf } from './announcement.ts'
import { networkOf, RangeSet } from './ranges.ts'
import type { RouteWish } from './route-book.ts'
import { anyChooses, chooses } from './selector.ts'

/** An advertisement as it is for one node: what its routes carry, and to whom. */
export interface LocalAdvertisement {
  readonly advertisement: PodRouteAdvertisement
  readonly announcement: Announcement
  /** The node's own, each with a set of it. */
  readonly ranges: readonly OwnRange[]
}

interface OwnRange {
  readonly cidr: string
  readonly set: RangeSet
}

export interface AdvertisementPlan {
  readonly local: readonly LocalAdvertisement[]
  readonly findings: readonly Finding[]
}

export interface AdvertisementInput {
  readonly node: Node
  readonly config: BgpConfig
  readonly sessions: readonly BgpSession[]
}

/** The advertisements that this node and one of its sessions are meant by, in the order of their names. */
export function planAdvertisements({ node, config, sessions }: AdvertisementInput): AdvertisementPlan {
  const findings: Finding[] = []
  const all = [...config.podRouteAdvertisements.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
  const ranges = node.podCIDRs.map((cidr) => ({ cidr, set: new RangeSet([cidr]) }))
  const local = all.flatMap((advertisement) => {
    const { name, nodes } = advertisement
    const asked = { ...advertisement, title: `PodRouteAdvertisement ${name}`, subject: subjectOf(name) }
    const announcement = announcementOf(asked, { config, sessions }, findings)
    if (announcement === undefined || !anyChooses(nodes, node.labels)) return []
    tellRanges(advertisement, node, findings)
    return [{ advertisement, announcement, ranges }]
  })
  return { local, findings }
}

/** What the node's own ranges ask for. */
export function nodeWishes(local: readonly LocalAdvertisement[], node: Node): readonly RouteWish[] {
  return local
    .filter(({ advertisement }) => advertisement.nodeRanges)
    .flatMap(({ announcement }) => node.podCIDRs.map((prefix) => ({ prefix, announcement })))
}

/** What a pod of this node asks for: nothing unless it is Ready, stays, and has addresses of its own. */
export function podWishes(pod: Pod, local: readonly LocalAdvertisement[], node: Node, config: BgpConfig): readonly RouteWish[] {
  if (pod.node !== node.name || !pod.ready || pod.terminating || pod.finished || pod.hostNetwork) return []
  const namespace = config.namespaces.get(pod.key.slice(0, pod.key.indexOf('/')))
  return local
    .filter(({ advertisement: { pods } }) => {
      if (pods === undefined || !chooses(pods.selector, pod.labels)) return false
      // of a namespace that is not known yet nothing is known but that it is there
      return pods.namespaces.length === 0 || (namespace !== undefined && chooses(pods.namespaces, namespace.labels))
    })
    .flatMap((one) => pod.addresses.map((address) => ({ prefix: prefixOf(address, one), announcement: one.announcement })))
}

/**
 * The prefix that an address is announced in. Never wider than the node's own range, else the node would draw other nodes' packets;
 * an address that is in none of the node's ranges is announced alone.
 */
function prefixOf(address: string, { advertisement: { lengths }, ranges }: LocalAdvertisement): string {
  const full = familyOf(address) === 'ipv4' ? 32 : 128
  const asked = lengths[familyOf(address)]
  if (asked >= full) return `${address}/${full}`
  const range = ranges.find(({ set }) => set.has(address))
  if (range === undefined) return `${address}/${full}`
  const length = Math.max(asked, lengthOf(range.cidr))
  return `${networkOf(address, length)}/${length}`
}

function lengthOf(cidr: string): number {
  return Number(cidr.slice(cidr.indexOf('/') + 1))
}

/** What of this node stands against an advertisement. */
function tellRanges({ name, pods, nodeRanges, lengths }: PodRouteAdvertisement, node: Node, findings: Finding[]): void {
  const subjects = [`node/${node.name}`, subjectOf(name)]
  if (nodeRanges && node.podCIDRs.length === 0) {
    const message = `PodRouteAdvertisement ${name} announces the pod ranges of nodes, and node ${node.name} has none in its spec.podCIDRs.`
    findings.push({ code: BGP_NO_POD_RANGE, subjects, message, fix: BGP_NO_POD_RANGE.fix })
  }
  const narrower = pods === undefined ? [] : node.podCIDRs.filter((cidr) => lengths[familyOf(cidr)] < lengthOf(cidr))
  if (narrower.length === 0) return
  const asked = narrower.map((cidr) => lengths[familyOf(cidr)]).join(' and ')
  const message = `PodRouteAdvertisement ${name} asks for prefixes of length ${asked}, which would hold pods of other nodes than ${node.name}: ${narrower.join(' and ')} is announced there.`
  findings.push({ code: BGP_AGGREGATE_TOO_WIDE, subjects, message, fix: BGP_AGGREGATE_TOO_WIDE.fix })
}

export function subjectOf(advertisement: string): string {
  return `podrouteadvertisement/${advertisement}`
}
