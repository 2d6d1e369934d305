/** The wires of a lab: which host is on which link, by which ports and with which addresses. Pure. */
import { hostsOf, SWITCH } from '../names.ts'
import type { LabHost, Topology } from '../topology.ts'

/** One wire, from a host's device to a port of the link's bridge, which is in the switch's namespace. */
export interface Wire {
  readonly host: string
  readonly link: string
  readonly bridge: string
  /** In the switch: the host's name for its first wire, so that a lab without a record can be told from its ports. */
  readonly port: string
  /** In the host: `eth0` for the first, `eth1` and on. */
  readonly device: string
  readonly mac: string
  /** With prefix length, IPv4 first. */
  readonly addresses: readonly string[]
}

/** The first device of every host. */
export const UPLINK = 'eth0'

/** The bridges of a lab, one for each link, the switch's first. */
export function bridgesOf(topology: Topology): readonly string[] {
  return linksOf(topology).map(({ bridge }) => bridge)
}

/** The wires of one host, in the order of its devices. */
export function wiresOf(topology: Topology, host: LabHost): readonly Wire[] {
  const links = linksOf(topology)
  const place = hostsOf(topology).findIndex(({ name }) => name === host.name)
  const ends = [{ ...host, link: linkOf(host) }, ...(host.wires ?? [])]
  return ends.map((end, index) => {
    const link = links.findIndex(({ name }) => name === end.link)
    const { name, bridge, ipv4, ipv6 } = links[link] ?? { name: end.link, bridge: '' }
    return {
      host: host.name,
      link: name,
      bridge,
      port: index === 0 ? host.name : `${name}.${place}`,
      device: `eth${index}`,
      mac: `02:fa:1b:00:${octet(link)}:${octet(place)}`,
      addresses: [...withLength(end.ipv4, ipv4), ...withLength(end.ipv6, ipv6)],
    }
  })
}

/** The pairs of ports between which two hosts hear each other; none when they share no link. */
export function portsBetween(topology: Topology, hosts: readonly [string, string]): readonly (readonly [string, string])[] {
  const [ones = [], others = []] = hosts.map((name) =>
    hostsOf(topology).flatMap((host) => (host.name === name ? wiresOf(topology, host) : [])),
  )
  return ones.flatMap((one) => others.flatMap((other) => (one.link === other.link ? [[one.port, other.port] as const] : [])))
}

/** Where a host sends everything else: to the first router on its first link. Routers send nothing there. */
export function gatewayAddresses(topology: Topology, host: LabHost): readonly string[] {
  if (host.role === 'router') return []
  const link = linkOf(host)
  const wires = topology.routers.flatMap((router) => wiresOf(topology, router))
  const addresses = wires.find((wire) => wire.link === link)?.addresses ?? []
  return addresses.map((address) => address.slice(0, address.indexOf('/')))
}

function linkOf({ link = SWITCH }: LabHost): string {
  return link
}

interface Link {
  readonly name: string
  readonly bridge: string
  readonly ipv4?: string | undefined
  readonly ipv6?: string | undefined
}

function linksOf(topology: Topology): readonly Link[] {
  const first = { name: SWITCH, ipv4: topology.switchIPv4, ipv6: topology.switchIPv6 }
  return [first, ...(topology.links ?? [])].map((link, index) => ({ ...link, bridge: `br${index}` }))
}

function withLength(address: string | undefined, range: string | undefined): readonly string[] {
  return address === undefined || range === undefined ? [] : [`${address}${range.slice(range.indexOf('/'))}`]
}

function octet(number: number): string {
  return number.toString(16).padStart(2, '0')
}
