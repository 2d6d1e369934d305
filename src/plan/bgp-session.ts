/** A node's BGP speaker and its sessions, from the peers that choose the node. */
import { createHash } from 'node:crypto'
import { type BgpSession, type BgpSpeaker, type Drain, sessionKey } from '../model/bgp.ts'
import type { BgpConfig, BgpPeer } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { BGP_ENTRY_INVALID } from '../model/codes/bgp.ts'
import { BGP_BFD_PROFILE_MISSING, BGP_PEER_TWICE, BGP_ROUTER_ID_DIFFERS, BGP_SECRET_MISSING } from '../model/codes/bgp-plan.ts'
import { familyOf } from '../model/datapath.ts'
import type { Family, Node } from '../model/world.ts'
import { anyChooses } from './selector.ts'

export interface SessionPlan {
  readonly speaker?: BgpSpeaker
  readonly sessions: readonly BgpSession[]
  readonly findings: readonly Finding[]
}

export interface SessionInput {
  readonly node: Node
  readonly config: BgpConfig
  readonly drain: Drain
  readonly kernelTable: number
  /** A speaker is needed also without sessions. */
  readonly watches?: boolean
}

/** More than any path has; the neighbour's packets are what limits it. */
const MOST_HOPS = 255

/** A session a peer, in the order of the peers' keys; a peer that cannot be used is a finding, and the others go on. */
export function planSessions(input: SessionInput): SessionPlan {
  const { node, config, kernelTable, watches = false } = input
  const findings: Finding[] = []
  const peers = peersOf(node, config)
  const twice = peersTwice(peers)
  for (const { peer, other, message } of twice)
    findings.push({ code: BGP_PEER_TWICE, subjects: [subjectOf(other), subjectOf(peer)], message, fix: BGP_PEER_TWICE.fix })
  const unused = new Set(twice.map(({ peer }) => peer))
  const sessions = peers.filter((peer) => !unused.has(peer)).flatMap((peer) => sessionOf(peer, input, findings))
  if (sessions.length === 0 && !watches) return { sessions, findings }
  const routerId = routerIdOf(peers, node, findings)
  return { speaker: { kind: 'speaker', key: 'speaker', routerId, kernelTable }, sessions, findings }
}

/** The peers that are meant for a node, in the order of their keys. */
export function peersOf(node: Pick<Node, 'labels'>, config: Pick<BgpConfig, 'peers'>): readonly BgpPeer[] {
  const chosen = [...config.peers.values()].filter((peer) => anyChooses(peer.nodes, node.labels))
  return chosen.sort((one, other) => (one.key < other.key ? -1 : 1))
}

/** A peer that is not used beside `other`, and how to say so. */
export interface PeerTwice {
  readonly peer: BgpPeer
  readonly other: BgpPeer
  readonly message: string
}

/** A neighbour is one address and port: of two of a node's peers that name it, the first is used. */
export function peersTwice(peers: readonly BgpPeer[]): readonly PeerTwice[] {
  const first = new Map<string, BgpPeer>()
  return peers.flatMap((peer) => {
    const end = `${peer.peerAddress}%${peer.interface} ${peer.peerPort}`
    const other = first.get(end)
    if (other === undefined) {
      first.set(end, peer)
      return []
    }
    const message = `BGPPeer ${peer.key} names the neighbour ${peer.peerAddress} port ${peer.peerPort}, as ${other.key} does, which is used.`
    return [{ peer, other, message }]
  })
}

function sessionOf(peer: BgpPeer, { node, config, drain }: SessionInput, findings: Finding[]): readonly BgpSession[] {
  const password = passwordOf(peer, config, findings)
  if (password === undefined || !isReachable(peer, findings)) return []
  const profile = profileOf(peer, config, findings)
  const { localAs, peerAs, peerAddress, peerPort, sourceAddress, holdTimeInS, keepaliveInS, connectInS, gracefulRestart } = peer
  return [
    {
      kind: 'session',
      key: sessionKey(peer.key),
      name: peer.name,
      localAs,
      peerAs,
      peerAddress,
      peerPort,
      sourceAddress,
      interface: peer.interface,
      holdTimeInS,
      keepaliveInS,
      connectInS,
      hops: peer.multihop ? MOST_HOPS : 0,
      password,
      ...(profile === undefined ? {} : { bfd: profile }),
      gracefulRestart,
      nextHops: nextHopsOf(peer, node),
      accept: acceptedOf(peer, node, config),
      drain,
    },
  ]
}

/** An unnumbered neighbour is found by router advertisements in FRR; BIRD has to be told its address. */
function isReachable(peer: BgpPeer, findings: Finding[]): boolean {
  if (peer.peerAddress !== '') return true
  const message = `BGPPeer ${peer.key} names the interface ${peer.interface} and no address: BIRD must be told the neighbour's.`
  const fix = 'Set spec.peerAddress instead of spec.interface.'
  findings.push({ code: BGP_ENTRY_INVALID, subjects: [subjectOf(peer)], message, fix })
  return false
}

/** '' for no password; undefined when there is to be one and it cannot be had. */
function passwordOf(peer: BgpPeer, config: BgpConfig, findings: Finding[]): string | undefined {
  if (peer.password === undefined) return ''
  if ('text' in peer.password) return peer.password.text
  const { secret } = peer.password
  const known = config.secrets.get(secret)
  if (known?.text !== undefined) return known.text
  const why = known?.problem || `the Secret ${secret} has not been read yet`
  const message = `BGPPeer ${peer.key} is without its password: ${why}.`
  findings.push({ code: BGP_SECRET_MISSING, subjects: [subjectOf(peer)], message, fix: BGP_SECRET_MISSING.fix })
  return undefined
}

/** Profiles are in the namespace of their peers; without its profile a session works and is watched by its hold time alone. */
function profileOf(peer: BgpPeer, config: BgpConfig, findings: Finding[]): BgpSession['bfd'] {
  if (peer.bfdProfile === '') return undefined
  const namespace = peer.key.includes('/') ? `${peer.key.slice(0, peer.key.indexOf('/'))}/` : ''
  const profile = config.bfdProfiles.get(`${namespace}${peer.bfdProfile}`)
  if (profile !== undefined) {
    const { receiveInMs, transmitInMs, detectMultiplier, passive } = profile
    return { receiveInMs, transmitInMs, detectMultiplier, passive }
  }
  const message = `BGPPeer ${peer.key} asks for the BFDProfile ${peer.bfdProfile}, which is not there; the session has no BFD.`
  findings.push({ code: BGP_BFD_PROFILE_MISSING, subjects: [subjectOf(peer)], message, fix: BGP_BFD_PROFILE_MISSING.fix })
  return undefined
}

/** Routes of the session's own family point to its source address; those of the other to the node's address of that family, if it has one. */
function nextHopsOf(peer: BgpPeer, node: Node): BgpSession['nextHops'] {
  const own = familyOf(peer.peerAddress)
  const other: Family = own === 'ipv4' ? 'ipv6' : 'ipv4'
  const hop = node.addresses.find((address) => familyOf(address) === other)
  return { [own]: '', ...(peer.bothFamilies && hop !== undefined ? { [other]: hop } : {}) }
}

function acceptedOf(peer: BgpPeer, node: Node, { routeImports }: BgpConfig): BgpSession['accept'] {
  const meant = [...routeImports.values()].filter(
    ({ peers, nodes }) => (peers.length === 0 || peers.includes(peer.name)) && anyChooses(nodes, node.labels),
  )
  const longest = new Map<string, number>()
  for (const { cidr, maxLength } of meant.flatMap(({ prefixes }) => prefixes))
    longest.set(cidr, Math.max(maxLength, longest.get(cidr) ?? 0))
  return [...longest].map(([cidr, maxLength]) => ({ cidr, maxLength })).sort((one, other) => (one.cidr < other.cidr ? -1 : 1))
}

/** One of a node, since it tells speakers apart: a peer's, or the node's first IPv4 address, or what follows from its name. */
function routerIdOf(peers: readonly BgpPeer[], node: Node, findings: Finding[]): string {
  const asked = peers.filter(({ routerId }) => routerId !== '')
  const [first] = asked
  if (first === undefined) return node.addresses.find((address) => familyOf(address) === 'ipv4') ?? numberedBy(node.name)
  const others = asked.filter(({ routerId }) => routerId !== first.routerId)
  if (others.length > 0) {
    const message = `BGPPeer ${first.key} asks for the router ID ${first.routerId} and ${others[0]?.key} for ${others[0]?.routerId}, of one node; the first is used.`
    const subjects = [first, ...others].map(subjectOf).sort()
    findings.push({ code: BGP_ROUTER_ID_DIFFERS, subjects, message, fix: BGP_ROUTER_ID_DIFFERS.fix })
  }
  return first.routerId
}

/** A node without an IPv4 address still needs 32 bits that no other has; from 240.0.0.0/4, which are nobody's addresses. */
function numberedBy(name: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = createHash('sha256').update(name).digest()
  return [240 + (a % 15), b, c, d].join('.')
}

export function subjectOf(peer: BgpPeer): string {
  return `bgppeer/${peer.key}`
}
