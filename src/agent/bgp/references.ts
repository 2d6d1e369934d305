/** What is wrong between settings of BGP, and seen by all agents alike: what is not there, planned for a node that every selector chooses; what is there twice on some node. */
import type { BgpConfig } from '../../model/bgp-config.ts'
import type { Finding } from '../../model/code.ts'
import {
  BGP_BFD_PROFILE_MISSING,
  BGP_COMMUNITY_UNKNOWN,
  BGP_PEER_TWICE,
  BGP_PEER_UNKNOWN,
  BGP_SECRET_MISSING,
} from '../../model/codes/bgp-plan.ts'
import type { Node } from '../../model/world.ts'
import { createBgpPlanner } from '../../plan/bgp.ts'
import { peersOf, peersTwice, subjectOf } from '../../plan/bgp-session.ts'

const NO_MATTER_WHERE: ReadonlySet<string> = new Set(
  [BGP_SECRET_MISSING, BGP_BFD_PROFILE_MISSING, BGP_PEER_UNKNOWN, BGP_COMMUNITY_UNKNOWN].map(({ code }) => code),
)
const ANY_NODE: Node = {
  name: 'any',
  addresses: [],
  podCIDRs: [],
  labels: {},
  zone: '',
  ready: true,
  unschedulable: false,
  networkUnavailable: false,
  leaving: false,
}

/** Secrets, profiles, peers and names of communities that are asked for and are not there. */
export function referenceFindings(config: BgpConfig): readonly Finding[] {
  const planner = createBgpPlanner(ANY_NODE.name, { kernelTable: 0 })
  const everywhere = {
    ...config,
    peers: everyNode(config.peers),
    podRouteAdvertisements: everyNode(config.podRouteAdvertisements),
    routeImports: everyNode(config.routeImports),
    bgpAdvertisements: everyNode(config.bgpAdvertisements),
  }
  const world = { nodes: new Map([[ANY_NODE.name, ANY_NODE]]), pods: new Map(), services: new Map(), endpointSlices: new Map() }
  planner.update({ world, config: everywhere, drain: 'none' }, [])
  return planner.findings.filter(({ code }) => NO_MATTER_WHERE.has(code.code))
}

/** Peers that are not used on some of these nodes, since another one names their neighbour. Only they are at fault: the others are used. */
export function twiceFindings(config: BgpConfig, nodes: Iterable<Node>): readonly Finding[] {
  const found = [...nodes].flatMap((node) => peersTwice(peersOf(node, config)))
  const messages = new Map(found.map(({ peer, message }) => [message, peer]))
  return [...messages].map(([message, peer]) => ({
    ...{ code: BGP_PEER_TWICE, message, fix: BGP_PEER_TWICE.fix },
    subjects: [subjectOf(peer)],
  }))
}

function everyNode<T extends { readonly nodes: readonly unknown[] }>(objects: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  return new Map([...objects].map(([key, object]) => [key, { ...object, nodes: [] }]))
}
