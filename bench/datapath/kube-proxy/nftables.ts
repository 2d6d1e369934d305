/**
 * The rules of kube-proxy 1.36 in nftables mode, as input for `nft -f`.
 * Source: kubernetes pkg/proxy/nftables/proxier.go (setupNFTables, syncProxyRules); recordings in test/golden/kube-proxy.
 */
import type { Family } from '../../../src/model/world.ts'
import { endpointBase, portBase } from './names.ts'
import type { Backend, ProxyNode, ProxyPort, Refusal } from './ports.ts'

/** One set or map: what stands before its elements, and these. */
export interface NftSet {
  readonly kind: 'set' | 'map'
  readonly header: readonly string[]
  readonly elements: readonly string[]
}

/** One table. A chain's first lines may be its hook or its comment. */
export interface NftTable {
  readonly family: 'ip' | 'ip6'
  readonly sets: ReadonlyMap<string, NftSet>
  readonly chains: ReadonlyMap<string, readonly string[]>
}

const MASQUERADE = 'meta mark set meta mark | 0x00004000'
const KEY = 'meta l4proto . th dport'

/** Everything: what the first sync writes for one family. */
export function nftTable(ports: readonly ProxyPort[], node: ProxyNode, family: Family = 'ipv4'): NftTable {
  const chains = new Map(baseChains(family, node))
  const sets = new Map(baseSets(ports, node, family))
  for (const port of ports) {
    for (const [name, rules] of portChains(port, node)) chains.set(name, rules)
    for (const [name, set] of affinitySets(port)) sets.set(name, set)
  }
  return { family: family === 'ipv6' ? 'ip6' : 'ip', sets, chains }
}

/** Text for `nft -f -`. */
export function nftInput(table: NftTable): string {
  const sets = [...table.sets].map(([name, set]) => {
    const elements = set.elements.length > 0 ? [`elements = { ${set.elements.join(', ')} }`] : []
    return block(`${set.kind} ${name}`, [...set.header, ...elements])
  })
  // A chain may go to one that stands later: nft wants those declared first, and refuses it for those with a hook.
  const plain = [...table.chains].filter(([, rules]) => !rules[0]?.startsWith('type '))
  const declared = plain.map(([name]) => `chain ${name} { }`)
  const chains = [...table.chains].map(([name, rules]) => block(`chain ${name}`, rules))
  return `${block(`table ${table.family} kube-proxy`, ['comment "rules for kube-proxy"', ...declared, ...sets, ...chains])}\n`
}

/** What a partial sync writes when only the endpoints of `changed` changed: their chains, and elements that come or go. */
export function nftChange(before: ProxyPort, changed: ProxyPort, node: ProxyNode): string {
  const lines = [...portChains(changed, node)].flatMap(([name, rules]) => [
    `add chain ip kube-proxy ${name}`,
    `flush chain ip kube-proxy ${name}`,
    ...rules.map((rule) => `add rule ip kube-proxy ${name} ${rule}`),
  ])
  const old = hairpins([before])
  const now = hairpins([changed])
  const set = 'element ip kube-proxy hairpin-connections'
  const added = now.filter((element) => !old.includes(element)).map((element) => `add ${set} { ${element} }`)
  const removed = old.filter((element) => !now.includes(element)).map((element) => `delete ${set} { ${element} }`)
  return `${[...lines, ...added, ...removed].join('\n')}\n`
}

function block(head: string, lines: readonly string[]): string {
  return `${head} {\n${lines.map((line) => `\t${line.replaceAll('\n', '\n\t')}`).join('\n')}\n}`
}

type Named<T> = readonly (readonly [string, T])[]

function baseChains(family: Family, node: ProxyNode): Named<readonly string[]> {
  const ip = family === 'ipv6' ? 'ip6' : 'ip'
  const hook = (kind: string, name: string, priority: string) => `type ${kind} hook ${name} priority ${priority}; policy accept;`
  const services = 'ct state new jump service-endpoints-check'
  const strays = 'ct state new jump cluster-ips-check'
  const local =
    node.nodeAddresses.length > 0
      ? `${ip} daddr @nodeport-ips`
      : `fib daddr type local ${ip} daddr != ${ip === 'ip6' ? '::1' : '127.0.0.0/8'}`
  const localCheck = local.replace('fib daddr type local ', '')
  const fromOutside = `${ip} daddr @cluster-ips ${ip} saddr != ${node.podCIDR} ${MASQUERADE} comment "masquerade clusterIP traffic from outside cluster"`
  const unallocated = `${ip} daddr ${node.serviceCIDR} drop comment "Drop traffic to unallocated ClusterIPs"`
  return [
    ['filter-prerouting-pre-dnat', [hook('filter', 'prerouting', 'dstnat - 10'), 'ct state new jump firewall-check']],
    ['filter-output-pre-dnat', [hook('filter', 'output', '-110'), 'ct state new jump firewall-check']],
    ['filter-input', [hook('filter', 'input', 'filter'), 'ct state new jump nodeport-endpoints-check', services]],
    ['filter-forward', [hook('filter', 'forward', 'filter'), services, strays]],
    ['filter-output', [hook('filter', 'output', 'filter'), services, strays]],
    ['nat-prerouting', [hook('nat', 'prerouting', 'dstnat'), 'jump services']],
    ['nat-output', [hook('nat', 'output', '-100'), 'jump services']],
    ['nat-postrouting', [hook('nat', 'postrouting', 'srcnat'), 'jump masquerading']],
    ['nodeport-endpoints-check', [`${localCheck} ${KEY} vmap @no-endpoint-nodeports`]],
    ['service-endpoints-check', [`${ip} daddr . ${KEY} vmap @no-endpoint-services`]],
    ['firewall-check', [`${ip} daddr . ${KEY} vmap @firewall-ips`]],
    [
      'services',
      [
        ...(node.podCIDR === '' ? [] : [fromOutside]),
        `${ip} daddr . ${KEY} vmap @service-ips`,
        `${local} ${KEY} vmap @service-nodeports`,
      ],
    ],
    [
      'masquerading',
      [
        'meta mark & 0x00004000 != 0x00000000 meta mark set meta mark ^ 0x00004000 masquerade fully-random',
        `ct status dnat ${ip} saddr . ${ip} daddr . ${KEY} @hairpin-connections masquerade fully-random`,
      ],
    ],
    [
      'cluster-ips-check',
      [
        `${ip} daddr @cluster-ips reject comment "Reject traffic to invalid ports of ClusterIPs"`,
        ...(node.serviceCIDR === '' ? [] : [unallocated]),
      ],
    ],
    ['reject-chain', ['comment "helper for @no-endpoint-services / @no-endpoint-nodeports"', 'reject']],
  ]
}

function baseSets(ports: readonly ProxyPort[], node: ProxyNode, family: Family): Named<NftSet> {
  const address = family === 'ipv6' ? 'ipv6_addr' : 'ipv4_addr'
  const make = (kind: NftSet['kind'], type: string, comment: string, elements: readonly string[]): NftSet => ({
    kind,
    header: [`type ${type}`, `comment "${comment}"`],
    elements: [...new Set(elements)],
  })
  const full = `${address} . inet_proto . inet_service`
  const nodeAddresses = make('set', address, 'IPs that accept NodePort traffic', node.nodeAddresses)
  return [
    ['hairpin-connections', make('set', `${address} . ${full}`, 'service hairpin connections', hairpins(ports))],
    [
      'cluster-ips',
      make(
        'set',
        address,
        'Active ClusterIPs',
        ports.map((port) => port.clusterIP),
      ),
    ],
    ...(node.nodeAddresses.length > 0 ? ([['nodeport-ips', nodeAddresses]] as const) : []),
    [
      'no-endpoint-services',
      make(
        'map',
        `${full} : verdict`,
        'vmap to drop or reject packets to services with no endpoints',
        ports.flatMap(refusedServices),
      ),
    ],
    [
      'no-endpoint-nodeports',
      make(
        'map',
        'inet_proto . inet_service : verdict',
        'vmap to drop or reject packets to service nodeports with no endpoints',
        ports.flatMap(refusedNodePorts),
      ),
    ],
    [
      'firewall-ips',
      make('map', `${full} : verdict`, 'destinations that are subject to LoadBalancerSourceRanges', ports.flatMap(firewalled)),
    ],
    [
      'service-ips',
      make('map', `${full} : verdict`, 'ClusterIP, ExternalIP and LoadBalancer IP traffic', ports.flatMap(serviceAddresses)),
    ],
    ['service-nodeports', make('map', 'inet_proto . inet_service : verdict', 'NodePort traffic', ports.flatMap(nodePorts))],
  ]
}

function hairpins(ports: readonly ProxyPort[]): readonly string[] {
  return ports.flatMap((port) =>
    [...port.cluster, ...port.local]
      .filter((backend) => backend.local)
      .map(({ address, port: number }) => `${address} . ${address} . ${port.protocol} . ${number}`),
  )
}

const verdict = (refusal: Refusal) => (refusal === 'drop' ? 'drop' : 'goto reject-chain')
const key = (port: ProxyPort, address: string) => `${address} . ${port.protocol} . ${port.port}`

function refusedServices(port: ProxyPort): readonly string[] {
  const { internalRefusal, externalRefusal } = port
  const refuse = (address: string, refusal: Refusal) => `${key(port, address)} comment "${port.name}" : ${verdict(refusal)}`
  const outside =
    externalRefusal === undefined
      ? []
      : [...port.externalIPs, ...port.loadBalancerIPs].map((address) => refuse(address, externalRefusal))
  return internalRefusal === undefined ? outside : [refuse(port.clusterIP, internalRefusal), ...outside]
}

function refusedNodePorts(port: ProxyPort): readonly string[] {
  if (port.nodePort === 0 || port.externalRefusal === undefined) return []
  return [`${port.protocol} . ${port.nodePort} comment "${port.name}" : ${verdict(port.externalRefusal)}`]
}

function firewalled(port: ProxyPort): readonly string[] {
  if (port.sourceRanges.length === 0 || !port.hasEndpoints) return []
  return port.loadBalancerIPs.map((address) => `${key(port, address)} : goto firewall-${portBase(port)}`)
}

function serviceAddresses(port: ProxyPort): readonly string[] {
  const chain = port.service.internalPolicy === 'Local' ? 'local' : 'service'
  const inside = port.internalRefusal === undefined ? [`${key(port, port.clusterIP)} : goto ${chain}-${portBase(port)}`] : []
  if (!port.hasEndpoints) return inside
  return [
    ...inside,
    ...[...port.externalIPs, ...port.loadBalancerIPs].map((address) => `${key(port, address)} : goto external-${portBase(port)}`),
  ]
}

function nodePorts(port: ProxyPort): readonly string[] {
  if (port.nodePort === 0 || !port.hasEndpoints) return []
  return [`${port.protocol} . ${port.nodePort} : goto external-${portBase(port)}`]
}

/** The chains of one Service port. */
function portChains(port: ProxyPort, node: ProxyNode): Named<readonly string[]> {
  if (!port.hasEndpoints) return []
  const base = portBase(port)
  const affine = port.service.affinityInSeconds > 0
  const ranges = port.sourceRanges.join(', ')
  const firewall = port.sourceRanges.length > 0 && port.loadBalancerIPs.length > 0
  return [
    ...(affine ? allBackends(port).map((backend) => endpointChain(port, backend)) : []),
    ...(port.cluster.length > 0 ? [[`service-${base}`, policyChain(port, port.cluster)] as const] : []),
    ...(port.local.length > 0 ? [[`local-${base}`, policyChain(port, port.local)] as const] : []),
    ...(port.externallyAccessible ? [[`external-${base}`, externalChain(port, node)] as const] : []),
    ...(firewall ? [[`firewall-${base}`, [`ip saddr != { ${ranges} } drop`]] as const] : []),
  ]
}

function allBackends(port: ProxyPort): readonly Backend[] {
  return [...new Map([...port.cluster, ...port.local].map((backend) => [backend.address, backend])).values()]
}

function endpointChain(port: ProxyPort, backend: Backend): readonly [string, readonly string[]] {
  const base = endpointBase(port, backend)
  return [
    `endpoint-${base}`,
    [`update @affinity-${base} { ip saddr }`, `meta l4proto ${port.protocol} dnat to ${backend.address}:${backend.port}`],
  ]
}

function policyChain(port: ProxyPort, backends: readonly Backend[]): readonly string[] {
  const count = backends.length
  if (port.service.affinityInSeconds > 0) {
    const names = backends.map((backend) => endpointBase(port, backend))
    return [
      ...names.map((name) => `ip saddr @affinity-${name} goto endpoint-${name}`),
      `numgen random mod ${count} vmap { ${names.map((name, index) => `${index} : goto endpoint-${name}`).join(', ')} }`,
    ]
  }
  const choices = backends.map((backend, index) => `${index} : ${backend.address} . ${backend.port}`).join(', ')
  return [`meta l4proto ${port.protocol} dnat ip addr . port to numgen random mod ${count} map { ${choices} }`]
}

function externalChain(port: ProxyPort, node: ProxyNode): readonly string[] {
  const base = portBase(port)
  if (port.service.externalPolicy === 'Cluster') return [`${MASQUERADE} comment "masquerade"`, `goto service-${base}`]
  return [
    `ip saddr ${node.podCIDR} goto service-${base} comment "short-circuit pod traffic"`,
    `fib saddr type local ${MASQUERADE} comment "masquerade local traffic"`,
    `fib saddr type local goto service-${base} comment "short-circuit local traffic"`,
    ...(port.externalRefusal === undefined ? [`goto local-${base}`] : []),
  ]
}

function affinitySets(port: ProxyPort): Named<NftSet> {
  if (port.service.affinityInSeconds === 0) return []
  const minutes = port.service.affinityInSeconds / 60
  const timeout = Number.isInteger(minutes) && minutes < 60 ? `${minutes}m` : `${port.service.affinityInSeconds}s`
  const header = ['type ipv4_addr', 'size 65535', 'flags dynamic,timeout', `timeout ${timeout}`]
  return allBackends(port).map((backend) => [`affinity-${endpointBase(port, backend)}`, { kind: 'set', header, elements: [] }])
}
