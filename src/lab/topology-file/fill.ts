/** Chooses what a topology file leaves away. */
import { addressAt, parseCidr, type Range } from '../kubelet/range.ts'
import type { LabHost, LabNode, Topology } from '../topology.ts'
import type { Family, HostDraft, PerFamily, TopologyDraft } from './draft.ts'
import { badField } from './fields.ts'
import { addressNumber, overlap } from './values.ts'

/** Where in the switch's network the hosts of a role begin. */
const FIRST_OFFSET: Readonly<Record<HostDraft['role'], bigint>> = { router: 1n, client: 10n, node: 20n }
/** What a node gets of the pod range: as kube-controller-manager's defaults, or less where that does not fit. */
const NODE_PREFIX: Readonly<Record<Family, { readonly usual: number; readonly longest: number }>> = {
  ipv4: { usual: 24, longest: 29 },
  ipv6: { usual: 64, longest: 124 },
}
/** Blocks that are looked through: far more than there are nodes. */
const MOST_BLOCKS = 1024n

/** The whole topology; the first node is the control plane where no node says anything about it. @throws {FairwayError} */
export function fillTopology(draft: TopologyDraft): Topology {
  const hosts = [...draft.routers, ...draft.clients, ...draft.nodes]
  const byFamily = <T>(choose: (family: Family) => T): Partial<Record<Family, T>> =>
    Object.fromEntries(draft.families.map((family) => [family, choose(family)]))
  const addresses = byFamily((family) => chooseAddresses(hosts, family, draft.switch))
  const pods = byFamily((family) => choosePodRanges(draft.nodes, family, draft.pods))
  const host = (each: HostDraft): LabHost => ({
    name: each.name,
    role: each.role,
    ...entry('ipv4', addresses.ipv4?.get(each)),
    ...entry('ipv6', addresses.ipv6?.get(each)),
  })
  const silent = draft.nodes.every(({ controlPlane }) => controlPlane === undefined)
  const node = (each: HostDraft, index: number): LabNode => ({
    ...host(each),
    role: 'node',
    ...entry('podIPv4', pods.ipv4?.get(each)),
    ...entry('podIPv6', pods.ipv6?.get(each)),
    controlPlane: silent ? index === 0 : each.controlPlane === true,
    ...(Object.keys(each.labels).length === 0 ? {} : { labels: each.labels }),
  })
  return {
    nodes: draft.nodes.map(node),
    clients: draft.clients.map(host),
    routers: draft.routers.map(host),
    ...entry('switchIPv4', draft.switch.ipv4),
    ...entry('switchIPv6', draft.switch.ipv6),
    ...entry('podRangeIPv4', draft.pods.ipv4),
    ...entry('podRangeIPv6', draft.pods.ipv6),
    ...entry('serviceRangeIPv4', draft.services.ipv4),
    ...entry('serviceRangeIPv6', draft.services.ipv6),
  }
}

function entry<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, string>)
}

function chooseAddresses(hosts: readonly HostDraft[], family: Family, networks: PerFamily): ReadonlyMap<HostDraft, string> {
  const network = parseCidr(networks[family] ?? '')
  const chosen = new Map(hosts.flatMap((host): [HostDraft, string][] => keyed(host, host.addresses[family])))
  const taken = new Set([...chosen.values()].map((address) => addressNumber(address) - network.base))
  for (const host of hosts) {
    if (chosen.has(host)) continue
    const offset = freeOffset(network, taken, FIRST_OFFSET[host.role])
    if (offset === undefined) {
      throw badField(`switch.${family}`, `is ${network.cidr}, and has no free address for ${host.name}`, 'Use a shorter prefix.')
    }
    taken.add(offset)
    chosen.set(host, addressAt(network, offset))
  }
  return chosen
}

/** From `first` on, and then from the beginning. */
function freeOffset(network: Range, taken: ReadonlySet<bigint>, first: bigint): bigint | undefined {
  const end = network.bits === 32 ? network.size - 1n : network.size
  const most = BigInt(taken.size) + 1n
  for (const from of [first, 1n])
    for (let offset = from; offset < end && offset <= from + most; offset++) if (!taken.has(offset)) return offset
  return undefined
}

function choosePodRanges(nodes: readonly HostDraft[], family: Family, ranges: PerFamily): ReadonlyMap<HostDraft, string> {
  const whole = parseCidr(ranges[family] ?? '')
  const { usual, longest } = NODE_PREFIX[family]
  for (let length = Math.max(usual, prefixOf(whole)); length <= longest; length++) {
    const chosen = cut(nodes, family, { whole, length })
    if (chosen !== undefined) return chosen
  }
  if (nodes.every((node) => node.pods[family] !== undefined))
    return new Map(nodes.flatMap((node) => keyed(node, node.pods[family])))
  throw badField(`pods.${family}`, `is ${whole.cidr}, which is too small for ${nodes.length} nodes`, 'Use a shorter prefix.')
}

/** The first free block of that length for every node that has none; undefined when there are not enough. */
function cut(
  nodes: readonly HostDraft[],
  family: Family,
  { whole, length }: { readonly whole: Range; readonly length: number },
): ReadonlyMap<HostDraft, string> | undefined {
  const chosen = new Map(nodes.flatMap((node): [HostDraft, string][] => keyed(node, node.pods[family])))
  const taken = [...chosen.values()].map(parseCidr)
  const size = 1n << BigInt(whole.bits - length)
  let block = 0n
  for (const node of nodes) {
    if (chosen.has(node)) continue
    const isFree = (range: Range) => !taken.some((other) => overlap(range, other))
    const at = (index: bigint): Range => parseCidr(`${addressAt(whole, index * size)}/${length}`)
    while (block < MOST_BLOCKS && block * size < whole.size && !isFree(at(block))) block++
    if (block >= MOST_BLOCKS || block * size >= whole.size) return undefined
    chosen.set(node, at(block).cidr)
    block++
  }
  return chosen
}

function keyed(host: HostDraft, value: string | undefined): [HostDraft, string][] {
  return value === undefined ? [] : [[host, value]]
}

function prefixOf(range: Range): number {
  return Number(range.cidr.slice(range.cidr.indexOf('/') + 1))
}
