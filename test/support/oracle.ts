/**
 * An independent statement of what Services and hostPorts mean to one packet: nothing here knows of groups, frontends or rules.
 */
import { BlockList } from 'node:net'
import { familyOf } from '../../src/model/datapath.ts'
import type { Endpoint, Family, Protocol, Service, ServicePort, World } from '../../src/model/world.ts'

export const NODE = 'n1'
/** Addresses that the node has, as the kernel knows; the cluster knows some of them. */
export const LOCAL: readonly string[] = ['192.168.0.1', 'fd00::1', '127.0.0.1', '::1', '10.9.9.9']
export const ALLOWED: readonly string[] = ['203.0.113.0/29', '192.168.0.0/24', 'fd00:1::/64']

export interface Packet {
  readonly sender: 'node' | 'wire'
  readonly from: string
  readonly to: string
  readonly protocol: Protocol
  readonly port: number
}

/** Where a packet goes: translated to one of `to` (address, port and whose source it then has), refused, dropped, or left alone. */
export type Meaning = { readonly is: 'refused' | 'dropped' | 'alone' } | { readonly is: 'to'; readonly to: readonly string[] }

interface Candidate {
  readonly endpoint: Endpoint
  readonly port: number
}

/** Somebody who asks for a port. `on` is empty for every address of the node. */
interface Wish {
  readonly name: string
  readonly createdAtInMs: number
  readonly on: readonly string[]
  answers(packet: Packet): Meaning | undefined
}

const lists = new Map<string, BlockList>()
/** Lists are kept: random worlds have few, and ask for them often. */
function listOf(cidrs: readonly string[]): BlockList {
  const known = lists.get(cidrs.join())
  if (known !== undefined) return known
  const list = new BlockList()
  for (const cidr of cidrs) list.addSubnet(cidr.split('/')[0] ?? '', Number(cidr.split('/')[1]), familyOf(cidr))
  lists.set(cidrs.join(), list)
  return list
}
export const inRanges = (address: string, cidrs: readonly string[]): boolean =>
  listOf(cidrs.filter((cidr) => familyOf(cidr) === familyOf(address))).check(address, familyOf(address))
const isLocal = (address: string): boolean => LOCAL.includes(address)
const served = ({ type, clusterIPs, leftAlone }: Service) => type !== 'ExternalName' && clusterIPs.length > 0 && !leftAlone
const servesFamily = ({ clusterIPs }: Service, family: Family) => clusterIPs.some((one) => familyOf(one) === family)
const allowed = (service: Service, to: string): boolean => service.externalIPs.includes(to) && inRanges(to, ALLOWED)
const podsHere = (world: World) => [...world.pods.values()].filter((pod) => pod.node === NODE && !pod.finished)

/** Whether a packet's source is a pod of this node. */
function fromPod(world: World, from: string): boolean {
  const ranges = (world.nodes.get(NODE)?.podCIDRs ?? []).filter((cidr) => familyOf(cidr) === familyOf(from))
  if (ranges.length > 0) return inRanges(from, ranges)
  return podsHere(world).some((pod) => !pod.hostNetwork && pod.addresses.includes(from))
}

function candidates(world: World, service: Service, { name, protocol }: ServicePort, family: Family): readonly Candidate[] {
  const slices = [...world.endpointSlices.values()].filter((one) => one.service === service.key && one.family === family)
  return slices.flatMap((slice) => {
    const target = slice.ports.find((one) => one.name === name && one.protocol === protocol)
    return target === undefined ? [] : slice.endpoints.map((endpoint) => ({ endpoint, port: target.port }))
  })
}

/** The endpoints that policy Cluster and policy Local choose. */
function choices(
  world: World,
  all: readonly Candidate[],
): { readonly anywhere: readonly Candidate[]; readonly here: readonly Candidate[] } {
  const leaving = all.filter(({ endpoint }) => !endpoint.ready && endpoint.serving && endpoint.terminating)
  let ready = all.filter(({ endpoint }) => endpoint.ready)
  const isHere = ({ endpoint }: Candidate) => endpoint.node === NODE
  const here = ready.some(isHere) ? ready.filter(isHere) : leaving.filter(isHere)
  const zone = world.nodes.get(NODE)?.zone ?? ''
  const perNode = ready.filter(({ endpoint }) => endpoint.nodes.includes(NODE))
  const perZone = ready.filter(({ endpoint }) => endpoint.zones.includes(zone))
  if (!ready.some(({ endpoint }) => endpoint.nodes.length === 0) && perNode.length > 0) ready = perNode
  else if (!ready.some(({ endpoint }) => endpoint.zones.length === 0) && perZone.length > 0) ready = perZone
  return { anywhere: ready.length > 0 ? ready : leaving, here }
}

function translated(world: World, packet: Packet, to: readonly Candidate[], hides: boolean): Meaning {
  const texts = to.map(({ endpoint: { address }, port }) => {
    const hairpin = podsHere(world).some((pod) => !pod.hostNetwork && pod.addresses.includes(address)) && address === packet.from
    return `${address} ${port} ${hides || hairpin ? 'node' : 'kept'}`
  })
  return { is: 'to', to: [...new Set(texts)].toSorted() }
}

/** Of the operator's ranges, never those that lead nowhere else. */
const answersInRange = (address: string, ranges: readonly string[]): boolean =>
  inRanges(address, ranges) && !/^127\.|^::1$|^fe[89ab].:/.test(address)

const nodeAddresses = (world: World, family: Family): readonly string[] =>
  (world.nodes.get(NODE)?.addresses ?? []).filter((address) => familyOf(address) === family)

/** What a Service does with a flow that came to it by its cluster address, or by one of the ways from outside. */
function byService(
  world: World,
  service: Service,
  port: ServicePort,
  packet: Packet,
  by: 'cluster' | 'external' | 'balancer',
): Meaning {
  const family = familyOf(packet.to)
  const ours = packet.sender === 'node' || fromPod(world, packet.from)
  if (by === 'balancer' && service.sourceRanges.length > 0) {
    const ranges = service.sourceRanges.filter((cidr) => familyOf(cidr) === family)
    if (ranges.length === 0) return { is: 'dropped' }
    const isNode =
      service.loadBalancerIPs.includes(packet.from) && nodeAddresses(world, family).some((one) => inRanges(one, ranges))
    if (!isNode && !inRanges(packet.from, ranges)) return { is: 'dropped' }
  }
  const { anywhere, here } = choices(world, candidates(world, service, port, family))
  const local = by === 'cluster' ? service.internalPolicy === 'Local' : service.externalPolicy === 'Local' && !ours
  const chosen = local ? here : anywhere
  if (chosen.length === 0) return { is: local && anywhere.length > 0 ? 'dropped' : 'refused' }
  const hides = !(by !== 'cluster' && local) && !fromPod(world, packet.from)
  return translated(world, packet, chosen, hides)
}

const portOf = (service: Service, { port, protocol }: Packet) =>
  service.ports.find((one) => one.port === port && one.protocol === protocol)

/** Services that ask for the address and port of a packet from outside, by name of the way. */
function externalWishes(world: World, packet: Packet): readonly Wish[] {
  return [...world.services.values()].flatMap((service) => {
    const port = portOf(service, packet)
    if (!served(service) || port === undefined || !servesFamily(service, familyOf(packet.to))) return []
    const balancer = service.loadBalancerIPs.includes(packet.to)
    if (!balancer && !allowed(service, packet.to)) return []
    const answers = (sent: Packet) =>
      sent.to === packet.to ? byService(world, service, port, sent, balancer ? 'balancer' : 'external') : undefined
    return { name: `service/${service.key}`, createdAtInMs: service.createdAtInMs, on: [packet.to], answers }
  })
}

function clusterWishes(world: World, packet: Packet): readonly Wish[] {
  return [...world.services.values()].flatMap((service) => {
    const port = portOf(service, packet)
    if (!served(service) || port === undefined || !service.clusterIPs.includes(packet.to)) return []
    const answers = (sent: Packet) => byService(world, service, port, sent, 'cluster')
    return { name: `service/${service.key}`, createdAtInMs: service.createdAtInMs, on: [packet.to], answers }
  })
}

/** `nodeRanges`: whose addresses answer nodePorts, if the operator chose; else those that the cluster knows. */
function nodePortWishes(world: World, packet: Packet, nodeRanges: readonly string[] | undefined): readonly Wish[] {
  const family = familyOf(packet.to)
  const ranges = (nodeRanges ?? []).filter((cidr) => familyOf(cidr) === family)
  const named = [...LOCAL, ...podsHere(world).flatMap(({ hostPorts }) => hostPorts.map(({ hostIP }) => hostIP))]
  const inRange = [...ranges, ...named.filter((one) => one !== '' && familyOf(one) === family && answersInRange(one, ranges))]
  const known = nodeAddresses(world, family)
  const addresses = nodeRanges === undefined ? known : world.nodes.has(NODE) ? inRange : []
  return [...world.services.values()].flatMap((service) => {
    if (!served(service)) return []
    const { name, createdAtInMs } = { name: `service/${service.key}`, createdAtInMs: service.createdAtInMs }
    const port = service.ports.find((one) => one.nodePort === packet.port && one.protocol === packet.protocol)
    const opened = addresses.length > 0 && port !== undefined && service.type !== 'ClusterIP' && service.families.includes(family)
    const checks = service.type === 'LoadBalancer' && service.externalPolicy === 'Local' && packet.protocol === 'tcp'
    return [
      ...(opened
        ? [
            {
              name,
              createdAtInMs,
              on: addresses,
              answers: (sent: Packet) =>
                addresses.includes(sent.to) && isLocal(sent.to) ? byService(world, service, port, sent, 'external') : undefined,
            },
          ]
        : []),
      ...(checks && service.healthCheckNodePort === packet.port
        ? [{ name, createdAtInMs, on: [], answers: () => undefined }]
        : []),
    ]
  })
}

function hostPortWishes(world: World, packet: Packet): readonly Wish[] {
  const family = familyOf(packet.to)
  const every = family === 'ipv4' ? '0.0.0.0' : '::'
  return podsHere(world).flatMap((pod) => {
    const address = pod.addresses.find((one) => familyOf(one) === family)
    const mine = pod.hostPorts.filter((one) => one.hostPort === packet.port && one.protocol === packet.protocol)
    const ours = mine.filter((one) => one.hostIP === '' || familyOf(one.hostIP) === family)
    return ours.flatMap((one): readonly Wish[] => {
      if (address === undefined) return []
      const on = ['', every].includes(one.hostIP) ? '' : one.hostIP
      const answers = (sent: Packet): Meaning | undefined => {
        if (pod.hostNetwork || on === '::1' || !isLocal(sent.to)) return undefined
        if (on === '' ? sent.to === '::1' : sent.to !== on) return undefined
        const hairpin = address === sent.from || sent.from.startsWith('127.')
        return { is: 'to', to: [`${address} ${one.containerPort} ${hairpin ? 'node' : 'kept'}`] }
      }
      return [{ name: `pod/${pod.key}`, createdAtInMs: pod.createdAtInMs, on: on === '' ? [] : [on], answers }]
    })
  })
}

/** Those that get what they ask for: the oldest, then the first by name; who was refused stands in nobody's way. */
function standing(wishes: readonly Wish[]): readonly Wish[] {
  const inOrder = wishes.toSorted((one, other) => one.createdAtInMs - other.createdAtInMs || (one.name < other.name ? -1 : 1))
  const stand: Wish[] = []
  for (const wish of inOrder) {
    const meet = (other: Wish) => other.on.length === 0 || wish.on.length === 0 || wish.on.some((one) => other.on.includes(one))
    const overlaps = (other: Wish) => other.name !== wish.name && meet(other)
    if (!stand.some(overlaps)) stand.push(wish)
  }
  return stand
}

/** Whether an address belongs to Services alone, so that nothing else may answer there. */
function isServiceAddress(world: World, to: string): boolean {
  const isNodes = [...world.nodes.values()].some(({ addresses }) => addresses.includes(to))
  return [...world.services.values()].some((service) => {
    if (!served(service)) return false
    if (service.clusterIPs.includes(to)) return true
    const external = service.loadBalancerIPs.includes(to) || allowed(service, to)
    return external && !isNodes && servesFamily(service, familyOf(to))
  })
}

/** What becomes of the first packet of a flow on node n1; `nodeRanges` is the operator's nodePortAddresses. */
export function meaningOf(world: World, packet: Packet, nodeRanges?: readonly string[]): Meaning {
  // external addresses of this node are among its ports: whoever asks for a port on all addresses meets them, too
  const own = (world.nodes.get(NODE)?.addresses ?? []).filter((address) => familyOf(address) === familyOf(packet.to))
  const ofNode = own.flatMap((to) => externalWishes(world, { ...packet, to }))
  const external = own.includes(packet.to) ? [] : externalWishes(world, packet)
  const byAddress = standing([...clusterWishes(world, packet), ...external])
  const found = byAddress[0]?.answers(packet)
  if (found !== undefined) return found
  const serviceOnly = isServiceAddress(world, packet.to)
  const byPort = standing([...ofNode, ...nodePortWishes(world, packet, nodeRanges), ...hostPortWishes(world, packet)])
  for (const wish of byPort) {
    const meaning = serviceOnly ? undefined : wish.answers(packet)
    if (meaning !== undefined) return meaning
  }
  const ranges = [...world.serviceCIDRs.values()].flatMap(({ cidrs }) => cidrs)
  return { is: serviceOnly || inRanges(packet.to, ranges) ? 'refused' : 'alone' }
}
