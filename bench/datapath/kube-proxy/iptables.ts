/**
 * The rules of kube-proxy 1.36 in iptables mode, as input for `iptables-restore --noflush`, in the words of `iptables-save`.
 * Source: kubernetes pkg/proxy/iptables/proxier.go (syncProxyRules); recordings in test/golden/kube-proxy.
 */
import type { Family } from '../../../src/model/world.ts'
import { addressPort, endpointChain, portChain } from './names.ts'
import type { Backend, ProxyNode, ProxyPort, Refusal } from './ports.ts'

/** Rules by chain, in order. */
export type Chains = Map<string, string[]>

/** `nfacct`: whether the kernel counts with nfacct objects; without them kube-proxy leaves out the rules that only count. */
export interface IptablesOptions {
  readonly family: Family
  readonly nfacct: boolean
}

export interface IptablesRules {
  readonly filter: Chains
  readonly nat: Chains
}

const MARK = '0x4000/0x4000'
const FILTER_CHAINS = [
  'KUBE-EXTERNAL-SERVICES',
  'KUBE-FIREWALL',
  'KUBE-FORWARD',
  'KUBE-NODEPORTS',
  'KUBE-PROXY-CANARY',
  'KUBE-PROXY-FIREWALL',
  'KUBE-SERVICES',
]
const NAT_CHAINS = ['KUBE-MARK-MASQ', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-PROXY-CANARY', 'KUBE-SERVICES']
const BUILT_IN: readonly string[] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']
const comment = (text: string) => `-m comment --comment "${text}"`

/** Everything: what the first sync writes. */
export function iptablesRules(ports: readonly ProxyPort[], node: ProxyNode, options: IptablesOptions): IptablesRules {
  const rules: IptablesRules = { filter: chains(FILTER_CHAINS), nat: chains(NAT_CHAINS) }
  baseFilter(rules.filter, options)
  baseNat(rules.nat)
  for (const port of ports) {
    filterRules(port, rules.filter)
    serviceRules(port, rules.nat, options)
    portChains(port, rules.nat, node)
  }
  const notLoopback = options.family === 'ipv6' ? '! -d ::1/128 ' : ''
  const last = comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain')
  add(rules.nat, 'KUBE-SERVICES', `${notLoopback}${last} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`)
  return rules
}

/**
 * What a partial sync writes when only `changed` ports changed: the chains of those, and every jump of KUBE-SERVICES and
 * KUBE-NODEPORTS again. Chains of endpoints that left stay until the next full sync, as in kube-proxy.
 */
export function iptablesChange(rules: IptablesRules, changed: readonly ProxyPort[], node: ProxyNode): string {
  const nat: Chains = new Map(
    NAT_CHAINS.filter((chain) => chain !== 'KUBE-PROXY-CANARY').map((chain) => [chain, rules.nat.get(chain) ?? []]),
  )
  for (const port of changed) portChains(port, nat, node)
  const filter = new Map([...rules.filter].filter(([chain]) => chain.startsWith('KUBE-') && !/CANARY|FIREWALL$/.test(chain)))
  return restoreInput({ filter, nat })
}

/** Text for `iptables-restore --noflush --counters`. */
export function restoreInput(rules: IptablesRules): string {
  const table = (name: string, table: Chains) => [
    `*${name}`,
    ...[...table.keys()].filter((chain) => !BUILT_IN.includes(chain)).map((chain) => `:${chain} - [0:0]`),
    ...[...table].flatMap(([chain, lines]) => lines.map((line) => `-A ${chain} ${line}`)),
    'COMMIT',
  ]
  return `${[...table('filter', rules.filter), ...table('nat', rules.nat)].join('\n')}\n`
}

function chains(names: readonly string[]): Chains {
  return new Map(names.map((name) => [name, []]))
}

function add(table: Chains, chain: string, rule: string): void {
  const rules = table.get(chain)
  if (rules === undefined) table.set(chain, [rule])
  else rules.push(rule)
}

function baseFilter(filter: Chains, { family, nfacct }: IptablesOptions): void {
  const fresh = '-m conntrack --ctstate NEW '
  const firewall = `${fresh}${comment('kubernetes load balancer firewall')} -j KUBE-PROXY-FIREWALL`
  const external = `${fresh}${comment('kubernetes externally-visible service portals')} -j KUBE-EXTERNAL-SERVICES`
  const portals = `${fresh}${comment('kubernetes service portals')} -j KUBE-SERVICES`
  const health = `${comment('kubernetes health check service ports')} -j KUBE-NODEPORTS`
  const forward = `${comment('kubernetes forwarding rules')} -j KUBE-FORWARD`
  filter.set('INPUT', ['-j KUBE-FIREWALL', firewall, health, external])
  filter.set('FORWARD', [firewall, forward, portals, external])
  filter.set('OUTPUT', ['-j KUBE-FIREWALL', firewall, portals])
  if (family === 'ipv4') {
    const localnet = `! -s 127.0.0.0/8 -d 127.0.0.0/8 ${comment('block incoming localnet connections')}`
    add(filter, 'KUBE-FIREWALL', `${localnet} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`)
  }
  const counted = nfacct ? '-m nfacct --nfacct-name  ct_state_invalid_dropped_pkts ' : ''
  add(filter, 'KUBE-FORWARD', `-m conntrack --ctstate INVALID ${counted}-j DROP`)
  add(filter, 'KUBE-FORWARD', `${comment('kubernetes forwarding rules')} -m mark --mark ${MARK} -j ACCEPT`)
  add(
    filter,
    'KUBE-FORWARD',
    `${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
  )
}

function baseNat(nat: Chains): void {
  nat.set('PREROUTING', [`${comment('kubernetes service portals')} -j KUBE-SERVICES`])
  nat.set('OUTPUT', [`${comment('kubernetes service portals')} -j KUBE-SERVICES`])
  nat.set('POSTROUTING', [`${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING`])
  add(nat, 'KUBE-MARK-MASQ', `-j MARK --set-xmark ${MARK}`)
  add(nat, 'KUBE-POSTROUTING', `-m mark ! --mark ${MARK} -j RETURN`)
  add(nat, 'KUBE-POSTROUTING', '-j MARK --set-xmark 0x4000/0x0')
  add(nat, 'KUBE-POSTROUTING', `${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully`)
}

const host = (address: string) => (address.includes(':') ? `${address}/128` : `${address}/32`)
const toPort = (port: ProxyPort, text: string, number: number, between = '') =>
  `-p ${port.protocol} ${comment(text)} ${between}-m ${port.protocol} --dport ${number}`

/** filter table: who is refused, who may not come, and health checks. */
function filterRules(port: ProxyPort, filter: Chains): void {
  const why = (refusal: Refusal) => `${port.name} has no ${refusal === 'drop' ? 'local ' : ''}endpoints`
  const target = (refusal: Refusal) => (refusal === 'drop' ? 'DROP' : 'REJECT --reject-with icmp-port-unreachable')
  const { internalRefusal, externalRefusal } = port
  if (internalRefusal !== undefined) {
    add(
      filter,
      'KUBE-SERVICES',
      `-d ${host(port.clusterIP)} ${toPort(port, why(internalRefusal), port.port)} -j ${target(internalRefusal)}`,
    )
  }
  if (externalRefusal !== undefined) {
    for (const address of [...port.externalIPs, ...port.loadBalancerIPs]) {
      add(
        filter,
        'KUBE-EXTERNAL-SERVICES',
        `-d ${host(address)} ${toPort(port, why(externalRefusal), port.port)} -j ${target(externalRefusal)}`,
      )
    }
    if (port.nodePort > 0) {
      const local = toPort(port, why(externalRefusal), port.nodePort, '-m addrtype --dst-type LOCAL ')
      add(filter, 'KUBE-EXTERNAL-SERVICES', `${local} -j ${target(externalRefusal)}`)
    }
  }
  if (port.sourceRanges.length > 0 && port.hasEndpoints) {
    const text = `${port.name} traffic not accepted by ${portChain('FW', port)}`
    for (const address of port.loadBalancerIPs)
      add(filter, 'KUBE-PROXY-FIREWALL', `-d ${host(address)} ${toPort(port, text, port.port)} -j DROP`)
  }
  if (port.service.healthCheckNodePort > 0) {
    const text = comment(`${port.name} health check node port`)
    add(filter, 'KUBE-NODEPORTS', `-p tcp ${text} -m tcp --dport ${port.service.healthCheckNodePort} -j ACCEPT`)
  }
}

/** nat table: the jumps of KUBE-SERVICES and KUBE-NODEPORTS, which every sync writes anew for all Services. */
function serviceRules(port: ProxyPort, nat: Chains, { family, nfacct }: IptablesOptions): void {
  if (port.internalRefusal === undefined) {
    const chain = portChain(port.service.internalPolicy === 'Local' ? 'SVL' : 'SVC', port)
    add(nat, 'KUBE-SERVICES', `-d ${host(port.clusterIP)} ${toPort(port, `${port.name} cluster IP`, port.port)} -j ${chain}`)
  }
  if (!port.hasEndpoints) return
  const external = portChain('EXT', port)
  const balanced = port.sourceRanges.length > 0 ? portChain('FW', port) : external
  for (const address of port.externalIPs) {
    add(nat, 'KUBE-SERVICES', `-d ${host(address)} ${toPort(port, `${port.name} external IP`, port.port)} -j ${external}`)
  }
  for (const address of port.loadBalancerIPs) {
    add(nat, 'KUBE-SERVICES', `-d ${host(address)} ${toPort(port, `${port.name} loadbalancer IP`, port.port)} -j ${balanced}`)
  }
  if (port.nodePort === 0) return
  if (nfacct && family === 'ipv4') {
    const counted = '-m nfacct --nfacct-name  localhost_nps_accepted_pkts'
    add(nat, 'KUBE-NODEPORTS', `-d 127.0.0.0/8 ${toPort(port, port.name, port.nodePort)} ${counted} -j ${external}`)
  }
  add(nat, 'KUBE-NODEPORTS', `${toPort(port, port.name, port.nodePort)} -j ${external}`)
}

/** nat table: the chains of one Service port, which a sync writes only when it changed. */
function portChains(port: ProxyPort, nat: Chains, node: ProxyNode): void {
  if (!port.hasEndpoints) return
  if (port.externallyAccessible) externalChain(port, nat, node)
  if (port.sourceRanges.length > 0 && port.loadBalancerIPs.length > 0) firewallChain(port, nat)
  if (port.cluster.length > 0) policyChain(port, nat, node, 'SVC')
  if (port.local.length > 0) policyChain(port, nat, node, 'SVL')
  const backends = new Map([...port.cluster, ...port.local].map((backend) => [backend.address, backend]))
  for (const backend of backends.values()) endpointRules(port, backend, nat)
}

function externalChain(port: ProxyPort, nat: Chains, node: ProxyNode): void {
  const chain = portChain('EXT', port)
  const cluster = portChain('SVC', port)
  const to = `${port.name} external destinations`
  if (port.service.externalPolicy === 'Cluster') {
    add(nat, chain, `${comment(`masquerade traffic for ${to}`)} -j KUBE-MARK-MASQ`)
    add(nat, chain, `-j ${cluster}`)
    return
  }
  const fromNode = '-m addrtype --src-type LOCAL'
  add(nat, chain, `-s ${node.podCIDR} ${comment(`pod traffic for ${to}`)} -j ${cluster}`)
  add(nat, chain, `${comment(`masquerade LOCAL traffic for ${to}`)} ${fromNode} -j KUBE-MARK-MASQ`)
  add(nat, chain, `${comment(`route LOCAL traffic for ${to}`)} ${fromNode} -j ${cluster}`)
  if (port.externalRefusal === undefined) add(nat, chain, `-j ${portChain('SVL', port)}`)
}

function firewallChain(port: ProxyPort, nat: Chains): void {
  const chain = portChain('FW', port)
  const text = comment(`${port.name} loadbalancer IP`)
  for (const range of port.sourceRanges) add(nat, chain, `-s ${range} ${text} -j ${portChain('EXT', port)}`)
  add(nat, chain, comment(`other traffic to ${port.name} will be dropped by KUBE-PROXY-FIREWALL`))
}

function policyChain(port: ProxyPort, nat: Chains, node: ProxyNode, prefix: 'SVC' | 'SVL'): void {
  const chain = portChain(prefix, port)
  const backends = prefix === 'SVC' ? port.cluster : port.local
  if ((port.service.internalPolicy === 'Local') === (prefix === 'SVL')) {
    const toCluster = `-d ${host(port.clusterIP)} ${toPort(port, `${port.name} cluster IP`, port.port)}`
    add(nat, chain, `! -s ${node.podCIDR} ${toCluster} -j KUBE-MARK-MASQ`)
  }
  const text = (backend: Backend) => comment(`${port.name} -> ${addressPort(backend)}`)
  if (port.service.affinityInSeconds > 0) {
    for (const backend of backends) {
      const target = endpointChain(port, backend)
      const recent = `-m recent --rcheck --seconds ${port.service.affinityInSeconds} --reap --name ${target} --mask 255.255.255.255 --rsource`
      add(nat, chain, `${text(backend)} ${recent} -j ${target}`)
    }
  }
  backends.forEach((backend, index) => {
    const left = backends.length - index
    const share = left > 1 ? ` -m statistic --mode random --probability ${probability(left)}` : ''
    add(nat, chain, `${text(backend)}${share} -j ${endpointChain(port, backend)}`)
  })
}

/** One in `count`, as the kernel keeps it: in parts of 2^31. */
function probability(count: number): string {
  const whole = 0x80000000
  return (Math.round(Number((1 / count).toFixed(10)) * whole) / whole).toFixed(11)
}

function endpointRules(port: ProxyPort, backend: Backend, nat: Chains): void {
  const chain = endpointChain(port, backend)
  const affine = port.service.affinityInSeconds > 0
  const recent = affine ? `-m recent --set --name ${chain} --mask 255.255.255.255 --rsource ` : ''
  add(nat, chain, `-s ${host(backend.address)} ${comment(port.name)} -j KUBE-MARK-MASQ`)
  add(
    nat,
    chain,
    `-p ${port.protocol} ${comment(port.name)} ${recent}-m ${port.protocol} -j DNAT --to-destination ${addressPort(backend)}`,
  )
}
