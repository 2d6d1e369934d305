/**
 * The peer of bench/datapath writes what kube-proxy 1.36 wrote for the same objects.
 *
 * Known differences, all undone below:
 * - the order of Services in KUBE-SERVICES, KUBE-NODEPORTS and KUBE-EXTERNAL-SERVICES, and of chains and elements, which is
 *   Go's order of maps: compared without order;
 * - built-in chains and the mangle canary are the kernel's and kubelet's business: not written;
 * - `dnat ip addr . port to` is what kube-proxy writes and nft reads; nft 1.0.6 lists it as `dnat ip to`.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { iptablesRules, restoreInput } from '../../bench/datapath/kube-proxy/iptables.ts'
import { nftInput, nftTable } from '../../bench/datapath/kube-proxy/nftables.ts'
import { type ProxyNode, proxyPorts } from '../../bench/datapath/kube-proxy/ports.ts'
import type { Service as RawService, EndpointSlice as RawSlice } from '../../src/kube/types.ts'
import { convertEndpointSlice, convertService } from '../../src/kube/world-objects.ts'

const golden = (file: string) => readFileSync(`${import.meta.dirname}/../golden/kube-proxy/${file}`, 'utf8')
const node: ProxyNode = { name: 'node1', nodeAddresses: ['192.168.7.1'], podCIDR: '10.244.0.0/16', serviceCIDR: '10.96.0.0/12' }
const node6: ProxyNode = { name: 'node1', nodeAddresses: [], podCIDR: '', serviceCIDR: '' }

const items = <T>(file: string) => (JSON.parse(golden(file)) as { readonly items: readonly T[] }).items

/** `default/kubernetes` was there too, and is not in the recorded lists. */
const kubernetes: RawService = {
  metadata: { name: 'kubernetes', namespace: 'default' },
  spec: { type: 'ClusterIP', clusterIPs: ['10.96.0.1'], ports: [{ name: 'https', protocol: 'TCP', port: 443 }] },
}
const kubernetesSlice: RawSlice = {
  metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
  addressType: 'IPv4',
  ports: [{ name: 'https', protocol: 'TCP', port: 16443 }],
  endpoints: [{ addresses: ['192.168.7.10'] }],
}

const ports = proxyPorts(
  [...items<RawService>('services.json'), kubernetes].flatMap((raw) => convertService(raw).value ?? []),
  [...items<RawSlice>('endpointslices.json'), kubernetesSlice].flatMap((raw) => convertEndpointSlice(raw).value ?? []),
  node,
)

/** Rules by `table chain`; chains whose order is Go's are sorted. */
function savedRules(text: string): Readonly<Record<string, readonly string[]>> {
  const chains: Record<string, string[]> = {}
  let table = ''
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1)
    const declared = /^:(KUBE-\S+) /.exec(line)?.[1]
    if (declared !== undefined && table !== 'mangle') chains[`${table} ${declared}`] ??= []
    const [, chain = '', rule = ''] = /^-A (\S+) (.*)$/.exec(line) ?? []
    if (chain !== '') chains[`${table} ${chain}`] = [...(chains[`${table} ${chain}`] ?? []), rule]
  }
  for (const [name, rules] of Object.entries(chains)) if (/KUBE-(EXTERNAL-)?(SERVICES|NODEPORTS)$/.test(name)) rules.sort()
  return chains
}

interface ListedTable {
  readonly [name: string]: readonly string[]
}

/** Chains with their rules in order, and sets with header and elements, by name. */
function listedTable(text: string, family: string): ListedTable {
  const [, body = ''] =
    new RegExp(`^table ${family} kube-proxy \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(
      text.replaceAll('dnat ip addr . port to', 'dnat ip to'),
    ) ?? []
  const found: Record<string, string[]> = {}
  for (const [, kind = '', name = '', inner = ''] of body.matchAll(/^\s*(chain|set|map) (\S+) \{\n([\s\S]*?)^\s*\}$/gm)) {
    const [, elements = ''] = /elements = \{([\s\S]*)\}/.exec(inner) ?? []
    const lines = inner.replace(/elements = \{[\s\S]*\}/, '').split('\n')
    const members = elements.split(',').map((element) => element.replaceAll(/\s+/g, ' ').trim())
    found[`${kind} ${name}`] = [...lines.map((line) => line.trim()), ...members.toSorted()].filter((line) => line !== '')
  }
  return found
}

describe('iptables mode', () => {
  it('is the recorded rules', () => {
    expect(savedRules(restoreInput(iptablesRules(ports, node, { family: 'ipv4', nfacct: true })))).toEqual(
      savedRules(golden('iptables-save.txt')),
    )
  })

  it('is the recorded rules of a family without Services', () => {
    expect(savedRules(restoreInput(iptablesRules([], node6, { family: 'ipv6', nfacct: true })))).toEqual(
      savedRules(golden('ip6tables-save.txt')),
    )
  })
})

describe('nftables mode', () => {
  it.each(['ip', 'ip6'] as const)('is the recorded table %s', (family) => {
    const table = family === 'ip' ? nftTable(ports, node) : nftTable([], node6, 'ipv6')
    const recorded = listedTable(golden('nft-ruleset.txt'), family)
    expect(Object.keys(recorded).length).toBeGreaterThan(20)
    expect(listedTable(nftInput(table), family)).toEqual(recorded)
  })
})
