/** What each namespace of the lab gets, worked out from the topology: pure. */
import { hostNamespace, hostsOf, SWITCH } from '../names.ts'
import { type LabHost, type LabNode, podRangesOf, type Topology } from '../topology.ts'
import { bridgesOf, gatewayAddresses, UPLINK, wiresOf } from './wiring.ts'

/** All that is done in one namespace, in this order. */
export interface NamespacePlan {
  readonly namespace: string
  /** Paths below /proc/sys/net and their values; set before there are links, which inherit from `default`. A missing `optional` one is left. */
  readonly sysctls: readonly Sysctl[]
  /** Lines for `ip -batch`. */
  readonly ip: readonly string[]
  /** Lines for `bridge -batch`. */
  readonly bridge: readonly string[]
  /** A file for `nft -f`; '' for none. */
  readonly nft: string
}

export interface Sysctl {
  readonly path: string
  readonly value: string
  readonly optional?: boolean
}

/** As flannel has them: VNI 1, Linux's own VXLAN port, and as many bytes less than Ethernet as the outer headers take. */
const VXLAN = { device: 'flannel.1', id: 1, port: 8472, mtuOverIPv4: 1450, mtuOverIPv6: 1430 }

/**
 * Plans the namespace with the bridges, one for each link. Its `ip` lines make every veth pair from inside, with the far end put straight into its
 * host's namespace, so that no end is ever in the machine's own; it must be carried out before the hosts' plans. Hosts that are
 * `absent` (powered off) get no pair.
 */
export function planSwitch(lab: string, topology: Topology, absent: readonly string[] = []): NamespacePlan {
  const hosts = hostsOf(topology).filter(({ name }) => !absent.includes(name))
  return {
    namespace: hostNamespace(lab, SWITCH),
    sysctls: [
      { path: 'ipv6/conf/all/disable_ipv6', value: '1' },
      { path: 'ipv6/conf/default/disable_ipv6', value: '1' },
      { path: 'bridge/bridge-nf-call-iptables', value: '0', optional: true },
      { path: 'bridge/bridge-nf-call-ip6tables', value: '0', optional: true },
    ],
    ip: [
      // Multicast snooping without a querier would lose neighbour solicitations sooner or later.
      ...bridgesOf(topology).flatMap((bridge) => [
        `link add ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
        `link set ${bridge} up`,
      ]),
      ...hosts.flatMap((host) => pairLines(lab, topology, host.name)),
    ],
    bridge: [],
    nft: '',
  }
}

/** `ip -batch` lines for the switch: the wires of one host, whose namespace is there. A host keeps its hardware addresses for life. */
export function pairLines(lab: string, topology: Topology, host: string): readonly string[] {
  const wires = hostsOf(topology).flatMap((one) => (one.name === host ? wiresOf(topology, one) : []))
  return wires.flatMap(({ port, device, mac, bridge }) => [
    `link add name ${port} type veth peer name ${device} address ${mac} netns ${hostNamespace(lab, host)}`,
    `link set dev ${port} master ${bridge} up`,
  ])
}

/** Plans one host: its addresses and routes, and on a node the VXLAN to the others. */
export function planHost(lab: string, topology: Topology, host: LabHost): NamespacePlan {
  const node = topology.nodes.find((one) => one.name === host.name)
  return {
    namespace: hostNamespace(lab, host.name),
    sysctls: hostSysctls(host),
    ip: [...wireLines(topology, host), ...(node === undefined ? [] : overlayLines(topology, node))],
    bridge: node === undefined ? [] : overlayBridgeLines(topology, node),
    nft: node !== undefined ? masqueradeRules(topology) : host.role === 'router' ? refusalRules() : '',
  }
}

function hostSysctls(host: LabHost): readonly Sysctl[] {
  const forwards = host.role !== 'client'
  // Loose on nodes, as Debian and Kubernetes have it: pods answer by another way than the one they were asked by. A router has no
  // default route, so even loose filtering would drop what it should answer.
  const rpFilter = host.role === 'node' ? '2' : '0'
  const both = (family: 'ipv4' | 'ipv6', name: string, value: string) =>
    ['all', 'default'].map((which) => ({ path: `${family}/conf/${which}/${name}`, value }))
  return [
    // Forwarding goes first: writing it resets others.
    { path: 'ipv4/ip_forward', value: forwards ? '1' : '0' },
    ...both('ipv6', 'forwarding', forwards ? '1' : '0'),
    ...both('ipv6', 'disable_ipv6', '0'),
    ...both('ipv6', 'accept_ra', '0'),
    ...both('ipv6', 'accept_dad', '0'), // duplicates cannot be, and waiting for them costs a second
    ...both('ipv4', 'rp_filter', rpFilter),
    ...both('ipv4', 'send_redirects', '0'), // all hosts share one segment: else the router would talk hosts out of using it
    ...both('ipv4', 'accept_redirects', '0'),
    ...both('ipv6', 'accept_redirects', '0'),
    ...both('ipv4', 'arp_ignore', '0'),
    ...both('ipv4', 'arp_announce', '0'),
    ...both('ipv4', 'route_localnet', '0'),
    ...(host.role === 'router' ? unlimitedRefusals : []),
    ...(host.asn === undefined ? [] : flowHashing),
  ]
}

/** A router says at once that it has no route, however often it is asked. */
const unlimitedRefusals: readonly Sysctl[] = [
  { path: 'ipv4/icmp_ratelimit', value: '0' },
  { path: 'ipv6/icmp/ratelimit', value: '0' },
]

/** Of several ways of equal cost, each connection takes one: ports count, too. */
const flowHashing: readonly Sysctl[] = [
  { path: 'ipv4/fib_multipath_hash_policy', value: '1' },
  { path: 'ipv6/fib_multipath_hash_policy', value: '1' },
]

function wireLines(topology: Topology, host: LabHost): readonly string[] {
  const wires = wiresOf(topology, host).flatMap(({ device, addresses }) => [
    ...addresses.map(
      (address) => `addr add ${address} ${isIPv6(address) ? '' : 'brd + '}dev ${device}${isIPv6(address) ? ' nodad' : ''}`,
    ),
    `link set ${device} up`,
  ])
  const gateways = gatewayAddresses(topology, host).map((address) => `route add default via ${address} dev ${UPLINK}`)
  return ['link set lo up', ...wires, ...gateways]
}

/** flannel's VXLAN without its daemon: who has which pod range is known, so neighbours, routes and tunnel ends are fixed. */
function overlayLines(topology: Topology, node: LabNode): readonly string[] {
  const { device } = VXLAN
  const mac = overlayMac(topology, node)
  const mtu = node.ipv4 === undefined ? VXLAN.mtuOverIPv6 : VXLAN.mtuOverIPv4
  const others = topology.nodes.filter((other) => other.name !== node.name)
  return [
    `link add ${device} address ${mac} mtu ${mtu} type vxlan id ${VXLAN.id} local ${tunnelEnd(node)} dev ${UPLINK} dstport ${VXLAN.port} nolearning`,
    ...podRangesOf(node).map((range) =>
      isIPv6(range) ? `addr add ${base(range)}/128 dev ${device} nodad` : `addr add ${base(range)}/32 dev ${device}`,
    ),
    `link set ${device} up`,
    // A pod that is gone is refused here, and not looked for at the router.
    ...podRangesOf(node).map((range) => `route add unreachable ${range}${isIPv6(range) ? ' dev lo' : ''}`),
    ...others.flatMap((other) =>
      podRangesOf(other).flatMap((range) => [
        `neigh add ${base(range)} lladdr ${overlayMac(topology, other)} dev ${device} nud permanent`,
        `route add ${range} via ${base(range)} dev ${device} onlink`,
      ]),
    ),
  ]
}

function overlayBridgeLines(topology: Topology, node: LabNode): readonly string[] {
  const others = topology.nodes.filter((other) => other.name !== node.name)
  return others.map(
    (other) => `fdb add ${overlayMac(topology, other)} dev ${VXLAN.device} dst ${tunnelEnd(other)} self permanent`,
  )
}

/** Pods reach the world outside with their node's address, as flannel's ip-masq has it; pods and nodes see each other's own. */
function masqueradeRules(topology: Topology): string {
  const rule = (family: 'ip' | 'ip6', pods: string | undefined, multicast: string) =>
    pods === undefined
      ? []
      : [`    oifname "${UPLINK}" ${family} saddr ${pods} ${family} daddr != { ${pods}, ${multicast} } masquerade fully-random`]
  return [
    'table inet lab-cni {',
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    ...rule('ip', topology.podRangeIPv4, '224.0.0.0/4'),
    ...rule('ip6', topology.podRangeIPv6, 'ff00::/8'),
    '  }',
    '}',
    '',
  ].join('\n')
}

/**
 * A router refuses what it has no route for by itself, but to each sender five times and then once a second, and that cannot be
 * changed within a namespace; a rule can.
 */
function refusalRules(): string {
  return [
    'table inet lab-router {',
    '  chain prerouting {',
    '    type filter hook prerouting priority filter; policy accept;',
    '    fib daddr type { unicast, unreachable } fib daddr oif missing reject with icmpx no-route',
    '  }',
    '}',
    '',
  ].join('\n')
}

/** A locally administered address that follows from the node's, or else from its place, so that every node knows all of them. */
function overlayMac(topology: Topology, node: LabNode): string {
  const numbers = node.ipv4?.split('.').map(Number) ?? [0, 0, 0, topology.nodes.indexOf(node)]
  return ['ee', 'fa', ...numbers.map((number) => number.toString(16).padStart(2, '0'))].join(':')
}

/** The address that the other nodes send the overlay's packets to. */
function tunnelEnd(node: LabNode): string {
  return node.ipv4 ?? node.ipv6 ?? ''
}

function isIPv6(range: string): boolean {
  return range.includes(':')
}

/** `10.244.1.0/24` is `10.244.1.0`: the address that flannel gives its device. */
function base(range: string): string {
  return range.slice(0, range.indexOf('/'))
}
