/** The prefixes of pods and of node ranges that a node announces, as PodRouteAdvertisements ask. */
import ipaddr from 'ipaddr.js'
import type { Announcement, BgpSession } from '../model/bgp.ts'
import type { BgpConfig, PodRouteAdvertisement } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { BGP_AGGREGATE_TOO_WIDE, BGP_COMMUNITY_UNKNOWN, BGP_NO_POD_RANGE, BGP_PEER_UNKNOWN } from '../model/codes/bgp-plan.ts'
import { familyOf } from '../model/datapath.ts'
import type { Node, Pod } from '../model/world.ts'
import { RangeSet } from './ranges.ts'
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
  const names = new Set([...config.peers.values()].map(({ name }) => name))
  const ranges = node.podCIDRs.map((cidr) => ({ cidr, set: new RangeSet([cidr]) }))
  const local = all.flatMap((advertisement) => {
    tellUnknownPeers(advertisement, names, findings)
    const communities = communitiesOf(advertisement, config, findings)
    const heard = sessions.filter(({ name }) => advertisement.peers.length === 0 || advertisement.peers.includes(name))
    if (communities === undefined || heard.length === 0 || !anyChooses(advertisement.nodes, node.labels)) return []
    tellRanges(advertisement, node, findings)
    const { localPreference, peers } = advertisement
    const announcement: Announcement = {
      sessions: peers.length === 0 ? [] : heard.map(({ key }) => key).sort(),
      communities,
      ...(localPreference === undefined ? {} : { localPreference }),
    }
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

/** The first address of the range of this length that holds an address, canonical. */
function networkOf(address: string, length: number): string {
  const bytes = ipaddr.parse(address).toByteArray()
  const cut = bytes.map((byte, at) => byte & ~(0xff >> Math.max(0, Math.min(8, length - at * 8))))
  return ipaddr.fromByteArray(cut).toString()
}

function lengthOf(cidr: string): number {
  return Number(cidr.slice(cidr.indexOf('/') + 1))
}

function tellUnknownPeers({ name, peers }: PodRouteAdvertisement, known: ReadonlySet<string>, findings: Finding[]): void {
  const unknown = peers.filter((each) => !known.has(each))
  if (unknown.length === 0) return
  const message = `PodRouteAdvertisement ${name} names the BGPPeer ${unknown.join(', ')}, which is not there.`
  findings.push({ code: BGP_PEER_UNKNOWN, subjects: [subjectOf(name)], message, fix: BGP_PEER_UNKNOWN.fix })
}

/** Sorted values; undefined if a name means nothing: without its community a route might go where it must not. */
function communitiesOf(
  { name, communities }: PodRouteAdvertisement,
  config: BgpConfig,
  findings: Finding[],
): readonly string[] | undefined {
  const values = communities.map((each) => (each.includes(':') ? each : meaningOf(each, config)))
  const unknown = communities.filter((_, at) => values[at] === undefined)
  if (unknown.length === 0) return [...new Set(values as readonly string[])].sort()
  const message = `PodRouteAdvertisement ${name} uses the community ${unknown.join(', ')}, which no Community explains; its routes are not announced.`
  findings.push({ code: BGP_COMMUNITY_UNKNOWN, subjects: [subjectOf(name)], message, fix: BGP_COMMUNITY_UNKNOWN.fix })
  return undefined
}

function meaningOf(name: string, { communities }: BgpConfig): string | undefined {
  const holders = [...communities.values()].filter(({ names }) => Object.hasOwn(names, name))
  return holders.sort((one, other) => (one.key < other.key ? -1 : 1))[0]?.names[name]
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
