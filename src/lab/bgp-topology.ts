/** What `--with bgp` adds to a lab: routers that speak BGP, and a client that only they know the way to. */
import type { LabHost, LabLink, LabWire, Topology } from './topology.ts'

/** Private autonomous systems (RFC 6996). */
const ASN = { firstRouter: 64_512, aggregation: 64_500, nodes: 64_513 } as const

/** Outside of the ranges that labs, flannel and kubeadm use. */
const LINKS = [
  { name: 'core', ipv4: '172.31.0.0/30', ipv6: 'fd00:172:31::/64' },
  { name: 'far', ipv4: '172.30.0.0/24', ipv6: 'fd00:172:30::/64' },
] as const satisfies readonly LabLink[]

/** The first router's wire to the aggregation router. */
const CORE_WIRE = { link: 'core', ipv4: '172.31.0.1', ipv6: 'fd00:172:31::1' } as const satisfies LabWire

const AGGREGATION = {
  name: 'agg',
  role: 'router',
  link: 'core',
  ipv4: '172.31.0.2',
  ipv6: 'fd00:172:31::2',
  wires: [{ link: 'far', ipv4: '172.30.0.1', ipv6: 'fd00:172:30::1' }],
  asn: ASN.aggregation,
} as const satisfies LabHost

const FAR_CLIENT = {
  name: 'far-client',
  role: 'client',
  link: 'far',
  ipv4: '172.30.0.10',
  ipv6: 'fd00:172:30::10',
} as const satisfies LabHost

/**
 * The same lab with BGP: its first router gets an AS and a wire to `agg`, behind which is `far-client`. The families are those of the
 * lab. A lab that has it already is returned as it is.
 */
export function withBgp(topology: Topology): Topology {
  if (topology.nodeAsn !== undefined) return topology
  const [first, ...others] = topology.routers
  if (first === undefined) return topology
  const of = <T extends { readonly ipv4?: string; readonly ipv6?: string }>(value: T): T => ofFamilies(topology, value)
  const aggregation = { ...of<LabHost>(AGGREGATION), wires: AGGREGATION.wires.map((wire) => of<LabWire>(wire)) }
  return {
    ...topology,
    clients: [...topology.clients, of<LabHost>(FAR_CLIENT)],
    routers: [{ ...first, wires: [of<LabWire>(CORE_WIRE)], asn: ASN.firstRouter }, ...others, aggregation],
    links: LINKS.map((link) => of<LabLink>(link)),
    nodeAsn: ASN.nodes,
  }
}

/** What a lab was before `withBgp`. */
export function withoutBgp({ links: _links, nodeAsn: _nodeAsn, ...topology }: Topology): Topology {
  const onSwitch = ({ link }: LabHost): boolean => link === undefined
  return {
    ...topology,
    clients: topology.clients.filter(onSwitch),
    routers: topology.routers.filter(onSwitch).map(({ wires: _wires, asn: _asn, ...router }) => router),
  }
}

function ofFamilies<T extends { readonly ipv4?: string; readonly ipv6?: string }>(topology: Topology, value: T): T {
  const { ipv4, ipv6, ...rest } = value
  return {
    ...rest,
    ...(topology.switchIPv4 === undefined || ipv4 === undefined ? {} : { ipv4 }),
    ...(topology.switchIPv6 === undefined || ipv6 === undefined ? {} : { ipv6 }),
  } as T
}
