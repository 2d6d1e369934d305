/** FRR's configuration of one router, written from the topology: pure. */
import { hostsOf } from '../names.ts'
import type { LabHost, Topology } from '../topology.ts'
import { type Wire, wiresOf } from '../wires/wiring.ts'

/** The peer group of the nodes, which the router does not know beforehand. */
const NODES = 'NODES'
/** A profile for who asks for BFD: three packets lost at 50 ms each. */
const BFD = { profile: 'fast', intervalInMs: 50, multiplier: 3 } as const
/** Ways of equal cost that are used at once. */
const MOST_PATHS = 16

interface Peer {
  readonly address: string
  readonly asn: number
}

/** FRR's daemons that a router runs, zebra first: who does not find it tries again after ten seconds. */
export const DAEMONS = ['zebra', 'bgpd', 'bfdd'] as const
export type Daemon = (typeof DAEMONS)[number]

/** What each daemon starts with, as none of them takes the words of another, and what bgpd is told once it knows its interfaces. */
export interface FrrConfig {
  readonly files: Readonly<Record<Daemon, string>>
  readonly sessions: string
}

/**
 * A router's configuration: sessions with the routers that share a link with it, and with whatever node calls it from the switch's
 * ranges; it announces the ranges of its links, and accepts everything. A router without an AS has no sessions.
 *
 * Source: https://docs.frrouting.org/en/stable-8.4/bgp.html; `frr defaults datacenter` is RFC 7938's: 3 s and 9 s, no delays.
 */
export function frrConfig(topology: Topology, router: LabHost): FrrConfig {
  const header = ['frr defaults datacenter', `hostname ${router.name}`, 'log stdout informational']
  const file = (lines: readonly string[]): string => [...lines, ''].join('\n')
  return {
    files: { zebra: file(header), bgpd: file(header), bfdd: file([...header, ...bfdLines()]) },
    sessions: file(bgpLines(topology, router)),
  }
}

function bfdLines(): readonly string[] {
  const { profile, intervalInMs, multiplier } = BFD
  return [
    'bfd',
    ` profile ${profile}`,
    `  detect-multiplier ${multiplier}`,
    `  transmit-interval ${intervalInMs}`,
    `  receive-interval ${intervalInMs}`,
    ' exit',
    'exit',
  ]
}

function bgpLines(topology: Topology, router: LabHost): readonly string[] {
  if (router.asn === undefined) return []
  const peers = peersOf(topology, router)
  const ranges = isOnSwitch(router) ? [topology.switchIPv4, topology.switchIPv6].filter((range) => range !== undefined) : []
  return [
    `router bgp ${router.asn}`,
    ` bgp router-id ${routerId(topology, router)}`,
    ' no bgp default ipv4-unicast',
    ...(ranges.length === 0 ? [] : nodeLines(topology)),
    ...ranges.map((range) => ` bgp listen range ${range} peer-group ${NODES}`),
    ...peers.flatMap(({ address, asn }) => [
      ` neighbor ${address} remote-as ${asn}`,
      ` neighbor ${address} timers connect 1`,
      ` neighbor ${address} bfd`, // FRR's own times: 900 ms
    ]),
    ...familyLines(topology, router, { family: 'ipv4', peers, hears: ranges.length > 0 }),
    ...familyLines(topology, router, { family: 'ipv6', peers, hears: ranges.length > 0 }),
    'exit',
  ]
}

/** Every session carries both families, whichever it goes over, if the node wants both. */
function nodeLines({ nodeAsn }: Topology): readonly string[] {
  return [
    ` neighbor ${NODES} peer-group`,
    ` neighbor ${NODES} remote-as ${nodeAsn}`,
    ` neighbor ${NODES} bfd profile ${BFD.profile}`,
  ]
}

interface FamilyPart {
  readonly family: 'ipv4' | 'ipv6'
  readonly peers: readonly Peer[]
  /** Whether nodes call. */
  readonly hears: boolean
}

function familyLines(topology: Topology, router: LabHost, { family, peers, hears }: FamilyPart): readonly string[] {
  const ofFamily = (text: string): boolean => text.includes(':') === (family === 'ipv6')
  const networks = networksOf(topology, router).filter(ofFamily)
  if (networks.length === 0) return []
  return [
    ` address-family ${family} unicast`,
    ...networks.map((network) => `  network ${network}`),
    ...(hears ? [`  neighbor ${NODES} activate`] : []),
    ...peers.flatMap(({ address }) => (ofFamily(address) ? [`  neighbor ${address} activate`] : [])),
    `  maximum-paths ${MOST_PATHS}`,
    ' exit-address-family',
  ]
}

/** Routers with an AS on a link of its own, the switch apart; each by the addresses that it has there. */
function peersOf(topology: Topology, router: LabHost): readonly Peer[] {
  const own = new Set(linkWires(topology, router).map(({ link }) => link))
  return hostsOf(topology)
    .filter(({ name }) => name !== router.name)
    .flatMap((host) => {
      const { asn } = host
      if (asn === undefined) return []
      const wires = linkWires(topology, host).filter(({ link }) => own.has(link))
      return wires.flatMap(({ addresses }) => addresses.map((address) => ({ address: withoutLength(address), asn })))
    })
}

function linkWires(topology: Topology, host: LabHost): readonly Wire[] {
  const links = new Set(topology.links?.map(({ name }) => name))
  return wiresOf(topology, host).filter(({ link }) => links.has(link))
}

function networksOf(topology: Topology, router: LabHost): readonly string[] {
  const links = new Set(linkWires(topology, router).map(({ link }) => link))
  const ranges = (topology.links ?? []).flatMap(({ name, ipv4, ipv6 }) => (links.has(name) ? [ipv4, ipv6] : []))
  const all = isOnSwitch(router) ? [topology.switchIPv4, topology.switchIPv6, ...ranges] : ranges
  return all.filter((range) => range !== undefined)
}

function isOnSwitch({ link }: LabHost): boolean {
  return link === undefined
}

/** 32 bits; where there is no IPv4, any that no other router here has (RFC 5737's range is nobody's). */
function routerId(topology: Topology, { name, ipv4 }: LabHost): string {
  return ipv4 ?? `192.0.2.${hostsOf(topology).findIndex((host) => host.name === name) + 1}`
}

function withoutLength(address: string): string {
  return address.slice(0, address.indexOf('/'))
}
