/** Reads who else carries Services or hostPorts on this node out of what the kernel shows. Pure. */
import { type ForeignHostPort, hostPortKey } from '../model/foreign.ts'
import type { Family, Protocol } from '../model/world.ts'

/** Chains of Services, not those that kubelet and kube-proxy leave behind empty (canaries, marks). Source: kubernetes pkg/proxy/iptables. */
const KUBE_PROXY_JUMP = /(?:^-A KUBE-SERVICES .*-[jg]|(?:jump|goto)) KUBE-(?:SVC|SVL|EXT|FW)-/m

/** Whether the rules of the chain KUBE-SERVICES, as nft or iptables-save print them, lead to any Service. */
export function servesByChains(rules: string): boolean {
  return KUBE_PROXY_JUMP.test(rules)
}

/** Whether a map of kube-proxy's nftables mode, as nft prints it, has elements. Source: kubernetes pkg/proxy/nftables, `service-ips`. */
export function servesByMap(map: string): boolean {
  return /elements = \{/.test(map)
}

/** Whether IPVS has virtual servers and they are Kubernetes': `devices` is /proc/net/dev, `servers` /proc/net/ip_vs. */
export function servesByIpvs(devices: string, servers: string): boolean {
  return hasDevice(devices, 'kube-ipvs0') && /^(?:TCP|UDP|SCTP) /m.test(servers)
}

/**
 * Whether Cilium stands in for kube-proxy: `maps` are the names of pinned BPF maps. Those of its socket load balancing are made for that only.
 * Source: cilium pkg/maps/lbmap.
 */
export function servesByCilium(devices: string, maps: readonly string[]): boolean {
  return hasDevice(devices, 'cilium_host') && maps.some((name) => /^cilium_lb[46]_reverse_sk$/.test(name))
}

function hasDevice(devices: string, name: string): boolean {
  return new RegExp(`^\\s*${name}:`, 'm').test(devices)
}

/**
 * The ports that CNI's portmap has: of its chains as `nft list` prints them (iptables of nft: CNI-HOSTPORT-DNAT; nftables: the
 * chains of the table cni_hostport), or as iptables-save does.
 */
export function readPortmap(text: string, family: Family, by: string): readonly (readonly [string, ForeignHostPort])[] {
  const found: (readonly [string, ForeignHostPort])[] = []
  for (const line of text.split('\n')) {
    for (const { protocol, port } of portsOf(line)) {
      const entry = { family, protocol, port, by }
      found.push([hostPortKey(entry), entry])
    }
  }
  return found
}

const NFT = /(tcp|udp|sctp) dport (\{[^}]*\}|\S+) .*(?:jump CNI-DN-|dnat )/
const IPTABLES = /^-A CNI-HOSTPORT-DNAT .*-p (tcp|udp|sctp) .*--dports (\S+) .*-j CNI-DN-/

function portsOf(line: string): readonly { readonly protocol: Protocol; readonly port: number }[] {
  const match = NFT.exec(line) ?? IPTABLES.exec(line)
  if (match === null) return []
  const ports = (match[2] ?? '').replaceAll(/[{}\s]/g, '').split(',')
  return ports.map((text) => ({ protocol: match[1] as Protocol, port: Number(text) })).filter(({ port }) => port > 0)
}
