/** What each namespace of the lab gets, worked out from the topology: pure. */
import { hostNamespace, hostsOf, SWITCH } from '../names.ts'
import type { LabHost, LabNode, Topology } from '../topology.ts'

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

/** As flannel has them: VNI 1, Linux's own VXLAN port, and 50 bytes less than Ethernet for the outer headers. */
const VXLAN = { device: 'flannel.1', id: 1, port: 8472, mtu: 1450 }

/** The uplink of every host. */
export const UPLINK = 'eth0'
const BRIDGE = 'br0'

/**
 * Plans the namespace with the bridge. Its `ip` lines make every veth pair from inside, with the far end put straight into its
 * host's namespace, so that no end is ever in the machine's own; it must be carried out before the hosts' plans.
 */
export function planSwitch(lab: string, topology: Topology): NamespacePlan {
  const hosts = hostsOf(topology)
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
      `link add ${BRIDGE} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link set ${BRIDGE} up`,
      ...hosts.flatMap((host) => [
        `link add ${host.name} type veth peer name ${UPLINK} netns ${hostNamespace(lab, host.name)}`,
        `link set ${host.name} master ${BRIDGE} up`,
      ]),
    ],
    bridge: [],
    nft: '',
  }
}

/** Plans one host: its addresses and routes, and on a node the VXLAN to the others. */
export function planHost(lab: string, topology: Topology, host: LabHost): NamespacePlan {
  const node = topology.nodes.find((one) => one.name === host.name)
  return {
    namespace: hostNamespace(lab, host.name),
    sysctls: hostSysctls(host),
    ip: [...uplinkLines(topology, host), ...(node === undefined ? [] : overlayLines(topology, node))],
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
  ]
}

/** A router says at once that it has no route, however often it is asked. */
const unlimitedRefusals: readonly Sysctl[] = [
  { path: 'ipv4/icmp_ratelimit', value: '0' },
  { path: 'ipv6/icmp/ratelimit', value: '0' },
]

function uplinkLines(topology: Topology, host: LabHost): readonly string[] {
  const gateway = topology.routers[0]
  const lines = [
    'link set lo up',
    `addr add ${host.ipv4}/${topology.prefixIPv4} brd + dev ${UPLINK}`,
    `addr add ${host.ipv6}/${topology.prefixIPv6} dev ${UPLINK} nodad`,
    `link set ${UPLINK} up`,
  ]
  if (host.role === 'router' || gateway === undefined) return lines
  return [...lines, `route add default via ${gateway.ipv4} dev ${UPLINK}`, `route add default via ${gateway.ipv6} dev ${UPLINK}`]
}

/** flannel's VXLAN without its daemon: who has which pod range is known, so neighbours, routes and tunnel ends are fixed. */
function overlayLines(topology: Topology, node: LabNode): readonly string[] {
  const { device } = VXLAN
  const others = topology.nodes.filter((other) => other.name !== node.name)
  return [
    `link add ${device} address ${overlayMac(node)} mtu ${VXLAN.mtu} type vxlan id ${VXLAN.id} local ${node.ipv4} dev ${UPLINK} dstport ${VXLAN.port} nolearning`,
    `addr add ${base(node.podIPv4)}/32 dev ${device}`,
    `addr add ${base(node.podIPv6)}/128 dev ${device} nodad`,
    `link set ${device} up`,
    // A pod that is gone is refused here, and not looked for at the router.
    `route add unreachable ${node.podIPv4}`,
    `route add unreachable ${node.podIPv6} dev lo`,
    ...others.flatMap((other) => [
      `neigh add ${base(other.podIPv4)} lladdr ${overlayMac(other)} dev ${device} nud permanent`,
      `neigh add ${base(other.podIPv6)} lladdr ${overlayMac(other)} dev ${device} nud permanent`,
      `route add ${other.podIPv4} via ${base(other.podIPv4)} dev ${device} onlink`,
      `route add ${other.podIPv6} via ${base(other.podIPv6)} dev ${device} onlink`,
    ]),
  ]
}

function overlayBridgeLines(topology: Topology, node: LabNode): readonly string[] {
  const others = topology.nodes.filter((other) => other.name !== node.name)
  return others.map((other) => `fdb add ${overlayMac(other)} dev ${VXLAN.device} dst ${other.ipv4} self permanent`)
}

/** Pods reach the world outside with their node's address, as flannel's ip-masq has it; pods and nodes see each other's own. */
function masqueradeRules(topology: Topology): string {
  const rule = (family: 'ip' | 'ip6', pods: string, multicast: string) =>
    `    oifname "${UPLINK}" ${family} saddr ${pods} ${family} daddr != { ${pods}, ${multicast} } masquerade fully-random`
  return [
    'table inet lab-cni {',
    '  chain postrouting {',
    '    type nat hook postrouting priority srcnat; policy accept;',
    rule('ip', topology.podRangeIPv4, '224.0.0.0/4'),
    rule('ip6', topology.podRangeIPv6, 'ff00::/8'),
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

/** A locally administered address that follows from the node's, so that every node knows all of them. */
function overlayMac(node: LabNode): string {
  const octets = node.ipv4.split('.').map((part) => Number(part).toString(16).padStart(2, '0'))
  return ['ee', 'fa', ...octets].join(':')
}

/** `10.244.1.0/24` is `10.244.1.0`: the address that flannel gives its device. */
function base(range: string): string {
  return range.slice(0, range.indexOf('/'))
}
