/** The addresses that a node announces on its own subnets, and those that float to it. */

import { type HolderKey, holderKey, holderOf } from '../model/address-holder.ts'
import type { Finding } from '../model/code.ts'
import { familyOf } from '../model/datapath.ts'
import { type AnnouncedAddress, announcedAddress } from '../model/l2.ts'
import type { FloatingCandidate, LoadBalancerConfig } from '../model/load-balancer.ts'
import type { Delta } from '../model/plan.ts'
import type { NodeName, ObjectKey, World } from '../model/world.ts'
import { type Tenant, tenantOfFloating, tenantOfService } from './address-tenant.ts'
import { addressesToAnnounce } from './advertisement.ts'
import { type AddressPlan, planAddress, type Segment } from './l2-address.ts'
import { nobodyAnnounces, withoutInterface } from './l2-finding.ts'
import { RangeSet } from './ranges.ts'
import { SliceIndex } from './slice-index.ts'

/** An interface of this node that is up, and its subnets as CIDR text. */
export interface L2Link {
  readonly name: string
  readonly subnets: readonly string[]
  /** The next hops of default routes over it, whose addresses are nobody else's. */
  readonly gateways?: readonly string[]
}

/** All that a node's announcements on L2 follow from. `alive` comes from whoever has a clock. */
export interface L2Input {
  readonly world: Pick<World, 'services' | 'endpointSlices' | 'nodes'>
  readonly config: LoadBalancerConfig
  readonly links: readonly L2Link[]
  /** The nodes that can announce now. This node is one of them once it may. */
  readonly alive: ReadonlySet<NodeName>
}

/** Something that changed; its value is read from the input. `links` and `alive` have no key. */
export interface L2Change {
  readonly kind: 'service' | 'endpointSlice' | 'node' | keyof LoadBalancerConfig | 'links' | 'alive'
  readonly key: string
}

/** Who announces an address, as this node sees it. */
export interface Ownership {
  readonly address: string
  /** Who has it: sorted. */
  readonly holders: readonly HolderKey[]
  /** Undefined: nobody that this node knows of. */
  readonly owner: NodeName | undefined
  /** This node's interfaces that it is or would be announced on; empty: this node cannot. */
  readonly interfaces: readonly string[]
}

/**
 * Keeps what a node announces in step: a change of a Service or its endpoints replans its addresses, one of `alive` only chooses anew
 * among those that may, and any other one replans all.
 *
 * Order:  the order, batching and repetition of changes never matter; the result is that of planning the input from scratch.
 *         Nodes of one segment that see the same world and the same `alive` agree on one owner.
 * Errors: never throws; why nobody announces an address is a finding.
 */
export interface L2Planner {
  /** What this node announces, by key. */
  readonly entries: ReadonlyMap<string, AnnouncedAddress>
  /** By address, sorted; of addresses that this node is concerned with. */
  readonly ownerships: readonly Ownership[]
  /** FloatingAddresses that are at this node, as far as it can tell, and the pod that each is for. */
  readonly floating: ReadonlyMap<ObjectKey, FloatingCandidate & { readonly addresses: readonly string[] }>
  /** Undefined: this node is not concerned with the address. */
  ownershipOf(address: string): Ownership | undefined
  readonly findings: readonly Finding[]
  /** Other nodes whose death this one has to hear of. */
  readonly peers: ReadonlySet<NodeName>
  /** Takes changes that the input already holds and returns what became different in `entries`. The first one plans all. */
  update(input: L2Input, changes: readonly L2Change[]): Delta<AnnouncedAddress>
}

/** A planner of what `node` (its name in the API) announces, of Services of this class; '': of those that name none. */
export function createL2Planner(node: NodeName, loadBalancerClass = ''): L2Planner {
  return new NodeL2Planner(node, loadBalancerClass)
}

/** Changes that touch few addresses, or only who of the ranked nodes is chosen. */
const SOME: ReadonlySet<L2Change['kind']> = new Set(['service', 'endpointSlice', 'floatingAddresses', 'alive'])
const LOOPBACK = 'lo'

class NodeL2Planner implements L2Planner {
  readonly entries = new Map<string, AnnouncedAddress>()
  private readonly node: NodeName
  private readonly loadBalancerClass: string
  private readonly slices = new SliceIndex()
  /** The addresses of each holder, as they were planned. */
  private readonly addressesOf = new Map<HolderKey, readonly string[]>()
  private readonly holdersOf = new Map<string, Set<HolderKey>>()
  private floats: LoadBalancerConfig['floatingAddresses'] = new Map()
  private readonly plans = new Map<string, AddressPlan>()
  private segments: readonly Segment[] = []
  private alive: ReadonlySet<NodeName> = new Set()
  private started = false

  constructor(node: NodeName, loadBalancerClass: string) {
    this.node = node
    this.loadBalancerClass = loadBalancerClass
  }

  get ownerships(): readonly Ownership[] {
    return [...this.plans.keys()].sort().flatMap((address) => this.ownershipOf(address) ?? [])
  }

  ownershipOf(address: string): Ownership | undefined {
    const plan = this.plans.get(address)
    if (plan === undefined || plan.ranking.length === 0) return undefined
    const { holders, ranking } = plan
    return { address, holders, owner: this.ownerOf(plan), interfaces: ranking.includes(this.node) ? plan.interfaces : [] }
  }

  get floating(): L2Planner['floating'] {
    const here = [...this.floats.values()].flatMap(({ key, addresses, candidates }) => {
      const candidate = candidates.find(({ node }) => node === this.node)
      const isHere = candidate !== undefined && addresses.length > 0 && addresses.every((one) => this.isFirst(one, candidates))
      return isHere ? [[key, { ...candidate, addresses }] as const] : []
    })
    return new Map(here)
  }

  get findings(): readonly Finding[] {
    return [...this.plans.values()]
      .toSorted((one, other) => (one.address < other.address ? -1 : 1))
      .flatMap((plan) => [...nobodyAnnounces(plan), ...withoutInterface(plan, this.node)])
  }

  get peers(): ReadonlySet<NodeName> {
    const peers = new Set<NodeName>()
    for (const { mesh } of this.plans.values()) {
      if (mesh.has(this.node)) for (const node of mesh) if (node !== this.node) peers.add(node)
    }
    return peers
  }

  update(input: L2Input, changes: readonly L2Change[]): Delta<AnnouncedAddress> {
    const isAll = !this.started || changes.some(({ kind }) => !SOME.has(kind))
    const touched = isAll ? this.takeAll(input) : this.takeSome(input, changes)
    const sameAlive = !isAll && changes.every(({ kind }) => kind !== 'alive')
    this.alive = input.alive
    this.started = true
    for (const address of touched) this.replan(address, input)
    return this.choose(sameAlive ? touched : [...this.entriesAndPlans(), ...touched])
  }

  private takeAll(input: L2Input): Iterable<string> {
    const { services, endpointSlices } = input.world
    const touched = new Set(this.plans.keys())
    this.segments = input.links.map(({ name, subnets, gateways = [] }) => ({
      interface: name,
      range: new RangeSet(subnets),
      gateways,
    }))
    for (const key of this.slices.keys()) if (!endpointSlices.has(key)) this.slices.set(key, undefined)
    for (const [key, slice] of endpointSlices) this.slices.set(key, slice)
    this.floats = input.config.floatingAddresses
    const floats = [...this.floats.keys()].map((key) => holderKey('floatingaddress', key))
    for (const holder of [...this.addressesOf.keys(), ...services.keys(), ...floats]) this.takeHolder(holder, input, touched)
    for (const address of this.holdersOf.keys()) touched.add(address)
    return touched
  }

  private takeSome(input: L2Input, changes: readonly L2Change[]): Iterable<string> {
    const { world, config } = input
    const touched = new Set<string>()
    this.floats = config.floatingAddresses
    for (const { kind, key } of changes) {
      if (kind === 'service') this.takeHolder(key, input, touched)
      if (kind === 'floatingAddresses') this.takeHolder(holderKey('floatingaddress', key), input, touched)
      if (kind !== 'endpointSlice') continue
      for (const service of this.slices.set(key, world.endpointSlices.get(key))) {
        for (const address of this.addressesOf.get(service) ?? []) touched.add(address)
      }
    }
    return touched
  }

  private takeHolder(key: HolderKey, { world, config }: L2Input, touched: Set<string>): void {
    const before = this.addressesOf.get(key) ?? []
    const after = addressesOf(key, world, config, this.loadBalancerClass)
    for (const address of before) {
      touched.add(address)
      const holders = this.holdersOf.get(address)
      holders?.delete(key)
      if (holders?.size === 0) this.holdersOf.delete(address)
    }
    for (const address of after) {
      touched.add(address)
      this.holdersOf.set(address, (this.holdersOf.get(address) ?? new Set()).add(key))
    }
    if (after.length === 0) this.addressesOf.delete(key)
    else this.addressesOf.set(key, after)
  }

  private replan(address: string, { world, config }: L2Input): void {
    const tenants = [...(this.holdersOf.get(address) ?? [])].flatMap((key) => this.tenantOf(key, world, config) ?? [])
    if (tenants.length === 0) this.plans.delete(address)
    else
      this.plans.set(
        address,
        planAddress(address, tenants, { node: this.node, nodes: world.nodes, segments: this.segments, config }),
      )
  }

  private tenantOf(holder: HolderKey, world: L2Input['world'], config: LoadBalancerConfig): Tenant | undefined {
    const { kind, key } = holderOf(holder)
    if (kind === 'floatingaddress') {
      const floating = config.floatingAddresses.get(key)
      return floating && tenantOfFloating(floating)
    }
    const service = world.services.get(key)
    const slices = this.slices.of(key).flatMap((slice) => world.endpointSlices.get(slice) ?? [])
    return service && tenantOfService(service, slices)
  }

  private *entriesAndPlans(): Iterable<string> {
    yield* this.plans.keys()
    for (const { address } of this.entries.values()) yield address
  }

  private choose(addresses: Iterable<string>): Delta<AnnouncedAddress> {
    const upserts: AnnouncedAddress[] = []
    const removals: string[] = []
    for (const address of new Set(addresses)) {
      const plan = this.plans.get(address)
      const interfaces = plan === undefined ? [] : this.interfacesOf(plan)
      const entry = announcedAddress(familyOf(address), address, interfaces)
      const before = this.entries.get(entry.key)
      if (interfaces.length === 0) {
        if (this.entries.delete(entry.key)) removals.push(entry.key)
      } else if (before?.interfaces.join() !== entry.interfaces.join()) {
        this.entries.set(entry.key, entry)
        upserts.push(entry)
      }
    }
    return { upserts, removals }
  }

  /** Those that hold it on this node; none when it does not. */
  private interfacesOf(plan: AddressPlan): readonly string[] {
    const isOurs = plan.interfaces.length > 0 && this.ownerOf(plan) === this.node
    if (isOurs) return plan.interfaces
    return plan.isLocal ? [LOOPBACK] : []
  }

  /** Whether a floating address is at this node: it announces it, or nobody does so here and it is the first choice of BGP. */
  private isFirst(address: string, candidates: readonly FloatingCandidate[]): boolean {
    const plan = this.plans.get(address)
    if (plan === undefined) return false
    return plan.ranking.length > 0 ? this.ownerOf(plan) === this.node : plan.isLocal && candidates[0]?.node === this.node
  }

  private ownerOf({ ranking }: AddressPlan): NodeName | undefined {
    return ranking.find((node) => this.alive.has(node))
  }
}

function addressesOf(
  holder: HolderKey,
  world: L2Input['world'],
  config: LoadBalancerConfig,
  loadBalancerClass: string,
): readonly string[] {
  const { kind, key } = holderOf(holder)
  if (kind !== 'service') return config.floatingAddresses.get(key)?.addresses ?? []
  const service = world.services.get(key)
  return service === undefined ? [] : addressesToAnnounce(service, loadBalancerClass)
}
