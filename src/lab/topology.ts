/** The lab's one typed topology value: hosts, addresses and ranges, from which wires, certificates and node objects are made. */

/** A network of its own beside the switch's, with ranges of the families that the lab has. */
export interface LabLink {
  readonly name: string
  readonly ipv4?: string
  readonly ipv6?: string
}

/** A wire to a link, and the host's addresses there, without prefix length. */
export interface LabWire {
  readonly link: string
  readonly ipv4?: string
  readonly ipv6?: string
}

/** A host has an address of each family that the lab has: of one in a single-stack lab, of both in a dual-stack one. */
export interface LabHost {
  readonly name: string
  readonly role: 'node' | 'client' | 'router'
  /** Addresses on its first link, without prefix length. */
  readonly ipv4?: string
  readonly ipv6?: string
  /** Where its first wire, `eth0`, goes; absent: to the switch. */
  readonly link?: string
  /** Further wires: `eth1` and on. */
  readonly wires?: readonly LabWire[]
  /** A router's autonomous system; absent where it speaks no BGP. */
  readonly asn?: number
}

export interface LabNode extends LabHost {
  readonly role: 'node'
  readonly podIPv4?: string
  readonly podIPv6?: string
  readonly controlPlane: boolean
  /** Beside those that every node has; never empty. */
  readonly labels?: Readonly<Record<string, string>>
}

/**
 * How long the lab's cluster waits: `quick`, for who watches it, or as Kubernetes does: 40 s until a silent node is missed, and
 * 300 s more until its pods are given up. Kubelets are told too.
 */
export const TIMES = ['quick', 'kubernetes'] as const
export type Times = (typeof TIMES)[number]

/** Ranges are CIDRs without host bits. A family has all of its ranges or none, and so have its hosts. */
export interface Topology {
  /** One of them is the control plane. */
  readonly nodes: readonly LabNode[]
  readonly clients: readonly LabHost[]
  /** The first router on a host's first link is its default gateway; routers have none. */
  readonly routers: readonly LabHost[]
  /** Beside the switch. */
  readonly links?: readonly LabLink[]
  /** The autonomous system that the nodes are taken for; absent in a lab whose routers speak no BGP. */
  readonly nodeAsn?: number
  readonly switchIPv4?: string
  readonly switchIPv6?: string
  readonly podRangeIPv4?: string
  readonly podRangeIPv6?: string
  readonly serviceRangeIPv4?: string
  readonly serviceRangeIPv6?: string
  /** Absent: quick. */
  readonly times?: 'kubernetes'
}

export function timesOf(topology: Topology): Times {
  return topology.times ?? 'quick'
}

/** The same lab with these times. */
export function withTimes({ times: _times, ...topology }: Topology, times: Times): Topology {
  return times === 'quick' ? topology : { ...topology, times }
}

/** The addresses of a host, IPv4 first. */
export function addressesOf(host: LabHost): readonly string[] {
  return present(host.ipv4, host.ipv6)
}

/** The ranges that a node's pods are in, IPv4 first. */
export function podRangesOf(node: LabNode): readonly string[] {
  return present(node.podIPv4, node.podIPv6)
}

/** IPv4 first: the first range's family is the one that Services get by default. */
export function serviceRangesOf(topology: Topology): readonly string[] {
  return present(topology.serviceRangeIPv4, topology.serviceRangeIPv6)
}

function present(...values: readonly (string | undefined)[]): readonly string[] {
  return values.filter((value) => value !== undefined)
}

/** The cluster of the text that Fairway came from: its node names and addresses, dual-stack. */
export const DEFAULT_TOPOLOGY = {
  nodes: [
    {
      name: 'ubuntu-1',
      role: 'node',
      ipv4: '192.168.0.154',
      ipv6: 'fd00:192:168::154',
      podIPv4: '10.244.0.0/24',
      podIPv6: 'fd00:10:244::/64',
      controlPlane: true,
    },
    {
      name: 'optiplex-1',
      role: 'node',
      ipv4: '192.168.0.240',
      ipv6: 'fd00:192:168::240',
      podIPv4: '10.244.1.0/24',
      podIPv6: 'fd00:10:244:1::/64',
      controlPlane: false,
    },
    {
      name: 'optiplex-2',
      role: 'node',
      ipv4: '192.168.0.161',
      ipv6: 'fd00:192:168::161',
      podIPv4: '10.244.4.0/24',
      podIPv6: 'fd00:10:244:4::/64',
      controlPlane: false,
    },
  ],
  clients: [{ name: 'client', role: 'client', ipv4: '192.168.0.10', ipv6: 'fd00:192:168::10' }],
  routers: [{ name: 'tor', role: 'router', ipv4: '192.168.0.1', ipv6: 'fd00:192:168::1' }],
  switchIPv4: '192.168.0.0/16',
  switchIPv6: 'fd00:192:168::/64',
  podRangeIPv4: '10.244.0.0/16',
  podRangeIPv6: 'fd00:10:244::/56',
  serviceRangeIPv4: '10.96.0.0/12',
  serviceRangeIPv6: 'fd00:10:96::/112',
} as const satisfies Topology
