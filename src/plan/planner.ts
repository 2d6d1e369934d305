import type { Finding } from '../model/code.ts'
import type { DataPathEntry } from '../model/datapath.ts'
import type { Delta } from '../model/plan.ts'
import type { NodeName, ObjectKey, Pod, Service, World, WorldChange } from '../model/world.ts'
import { AddressIndex } from './address-index.ts'
import type { Claim } from './claim.ts'
import { ClaimIndex } from './claim-index.ts'
import type { HealthCheck } from './health-check.ts'
import { hostPortClaims, planHostPorts } from './host-port.ts'
import { planKeepSource } from './keep-source.ts'
import type { Here } from './neighbours.ts'
import { planLocalPod, planNode } from './node.ts'
import { type ChooseAddresses, nodePortChoice, nodePortRanges, type PlannerOptions } from './options.ts'
import { RangeSet } from './ranges.ts'
import { planService, serviceClaims } from './service.ts'
import { planServiceRanges } from './service-range.ts'
import { SliceIndex } from './slice-index.ts'
import { UdpTargets, udpTargets } from './udp-flow.ts'
import { UnitPlans } from './unit-plans.ts'

/**
 * Keeps the plan of one node's data path in step with the world: each call replans only what the changes touch.
 *
 * Order:  the order, batching and repetition of changes never matter; the result is that of planning the world from scratch.
 * Errors: never throws; what cannot be served becomes a finding.
 */
export interface Planner {
  /** All that is desired now, by key. */
  readonly entries: ReadonlyMap<string, DataPathEntry>
  /** All findings now, by code and subjects, in a stable order. */
  readonly findings: readonly Finding[]
  /** The health checks that this node has to answer now, by Service. */
  readonly healthChecks: ReadonlyMap<ObjectKey, HealthCheck>
  /** The UDP destinations of the entries, and which recorded flows to them became stale. */
  readonly udp: UdpTargets
  /** The objects that ask for an entry, as `service/KEY`, `pod/KEY`, `node`, `service-ranges` or `keep-source`; none when nobody does. */
  subjectsOf(key: string): readonly string[]
  /** Takes where pods keep their source address (`keepSourceRanges`) and returns what became different in `entries`. */
  keepSource(cidrs: readonly string[]): Delta<DataPathEntry>
  /** Takes changes that `world` already holds and returns what became different in `entries`. */
  update(world: World, changes: readonly WorldChange[]): Delta<DataPathEntry>
}

/** A planner of the data path of `node` (its name in the API). Feed it the whole world once, as additions (`changesOf`). */
export function createPlanner(node: NodeName, options: PlannerOptions = {}): Planner {
  return new NodePlanner(node, options)
}

/** The whole world as additions: the first update of a planner. */
export function changesOf(world: World): readonly WorldChange[] {
  return [
    ...[...world.services].map(([key, after]) => ({ kind: 'service', key, after }) as const),
    ...[...world.endpointSlices].map(([key, after]) => ({ kind: 'endpointSlice', key, after }) as const),
    ...[...world.pods].map(([key, after]) => ({ kind: 'pod', key, after }) as const),
    ...[...world.nodes].map(([key, after]) => ({ kind: 'node', key, after }) as const),
    ...[...world.serviceCIDRs].map(([key, after]) => ({ kind: 'serviceCIDR', key, after }) as const),
  ]
}

const NODE_UNIT = 'node'
const RANGES_UNIT = 'service-ranges'
const KEEP_SOURCE_UNIT = 'keep-source'

/**
 * A unit is one thing that is planned by itself (`service/KEY`, `pod/KEY`, `node`, `service-ranges`). Of a change only kind and key
 * are used and the rest is read from the world, which is why order and repetition cannot matter.
 */
class NodePlanner implements Planner {
  readonly healthChecks = new Map<ObjectKey, HealthCheck>()
  readonly udp = new UdpTargets()
  private readonly node: NodeName
  private readonly choose: ChooseAddresses
  private readonly allowed: RangeSet
  private readonly plans = new UnitPlans()
  private readonly claims = new ClaimIndex()
  private readonly slices = new SliceIndex()
  private readonly localPods = new Set<ObjectKey>()
  /** Addresses of all nodes, and those that Services ask for from outside: where they meet a Service's plan depends on a node. */
  private readonly nodeAddresses = new AddressIndex()
  private readonly serviceAddresses = new AddressIndex()
  private zone = ''
  private addresses: readonly string[] = []
  private nodePortAddresses: readonly string[] = []
  private readonly chosenRanges: readonly string[]
  /** None while the node is not known. */
  private nodePortRanges: readonly string[] = []

  constructor(node: NodeName, options: PlannerOptions) {
    this.node = node
    this.choose = nodePortChoice(options)
    this.chosenRanges = nodePortRanges(options)
    this.allowed = new RangeSet(options.externalIPs ?? [])
  }

  get entries(): ReadonlyMap<string, DataPathEntry> {
    return this.plans.entries
  }

  get findings(): readonly Finding[] {
    return this.plans.findings
  }

  subjectsOf(key: string): readonly string[] {
    return this.plans.unitsOf(key)
  }

  keepSource(cidrs: readonly string[]): Delta<DataPathEntry> {
    this.plans.set(KEEP_SOURCE_UNIT, planKeepSource(cidrs), [])
    return this.plans.takeDelta()
  }

  update(world: World, changes: readonly WorldChange[]): Delta<DataPathEntry> {
    const dirty = new Set<string>()
    for (const change of changes) this.touch(world, change, dirty)
    const here = this.here()
    for (const unit of [...dirty]) {
      for (const rival of this.claims.set(unit, this.claimsOf(world, unit, here))) dirty.add(rival)
    }
    for (const unit of dirty) this.replan(world, unit, here)
    return this.plans.takeDelta()
  }

  private touch(world: World, { kind, key }: WorldChange, dirty: Set<string>): void {
    switch (kind) {
      case 'service':
        this.indexService(key, world.services.get(key))
        dirty.add(`service/${key}`)
        return
      case 'endpointSlice':
        for (const service of this.slices.set(key, world.endpointSlices.get(key))) dirty.add(`service/${service}`)
        return
      case 'pod':
        if (this.indexPod(key, world.pods.get(key))) dirty.add(`pod/${key}`)
        return
      case 'node':
        this.touchNode(world, key, dirty)
        return
      case 'serviceCIDR':
        dirty.add(RANGES_UNIT)
    }
  }

  private indexService(key: ObjectKey, service: Service | undefined): void {
    const { externalIPs = [], loadBalancerIPs = [] } = service ?? {}
    this.serviceAddresses.set(`service/${key}`, [...externalIPs, ...loadBalancerIPs])
  }

  /** Returns whether the pod is or was one of this node. */
  private indexPod(key: ObjectKey, pod: Pod | undefined): boolean {
    const was = this.localPods.delete(key)
    if (pod?.node !== this.node) return was
    this.localPods.add(key)
    return true
  }

  private touchNode(world: World, key: NodeName, dirty: Set<string>): void {
    const node = world.nodes.get(key)
    for (const address of this.nodeAddresses.set(key, node?.addresses ?? [])) {
      for (const unit of this.serviceAddresses.ownersOf(address)) dirty.add(unit)
    }
    if (key !== this.node) return
    dirty.add(NODE_UNIT)
    for (const pod of this.localPods) dirty.add(`pod/${pod}`) // their sources depend on the node's ranges
    const zone = node?.zone ?? ''
    const addresses = node?.addresses ?? []
    const ranges = node === undefined ? [] : this.chosenRanges
    if (this.zone === zone && this.addresses.join() === addresses.join() && this.nodePortRanges.join() === ranges.join()) return
    this.nodePortRanges = ranges
    this.zone = zone
    this.addresses = addresses
    this.nodePortAddresses = this.choose(addresses)
    for (const service of world.services.keys()) dirty.add(`service/${service}`) // rare; hints, nodePorts, ranges may be anywhere
  }

  private here(): Here {
    return {
      node: this.node,
      zone: this.zone,
      addresses: this.addresses,
      nodePortAddresses: this.nodePortAddresses,
      nodePortRanges: this.nodePortRanges,
      isNodeAddress: (address) => this.nodeAddresses.has(address),
      isAllowed: (address) => this.allowed.has(address),
    }
  }

  private claimsOf(world: World, unit: string, here: Here): readonly Claim[] {
    const [kind, key] = splitUnit(unit)
    if (kind === 'service') {
      const service = world.services.get(key)
      return service === undefined ? [] : serviceClaims(service, here)
    }
    const pod = kind === 'pod' ? world.pods.get(key) : undefined
    return pod?.node === this.node ? hostPortClaims(pod) : []
  }

  private replan(world: World, unit: string, here: Here): void {
    const [kind, key] = splitUnit(unit)
    if (kind === 'service') this.replanService(world, unit, here)
    else if (kind === 'pod') {
      const pod = world.pods.get(key)
      if (pod?.node !== this.node) this.forget(unit)
      else this.planPod(world, unit, pod)
    } else if (kind === RANGES_UNIT) this.plans.set(unit, planServiceRanges(world.serviceCIDRs.values()), [])
    else {
      const node = world.nodes.get(this.node)
      this.plans.set(unit, node === undefined ? [] : planNode(node, this.choose, this.nodePortRanges), [])
    }
  }

  private replanService(world: World, unit: string, here: Here): void {
    const [, key] = splitUnit(unit)
    const service = world.services.get(key)
    this.healthChecks.delete(key)
    if (service === undefined) {
      this.forget(unit)
      return
    }
    const slices = this.slices.of(key).flatMap((slice) => world.endpointSlices.get(slice) ?? [])
    const { entries, findings, healthCheck } = planService(service, { slices, claimsOn: this.claims.on, here })
    this.plans.set(unit, entries, findings)
    this.udp.set(unit, udpTargets(entries, slices))
    if (healthCheck !== undefined) this.healthChecks.set(key, healthCheck)
  }

  private planPod(world: World, unit: string, pod: Pod): void {
    const ports = planHostPorts(pod, this.claims.on, this.node)
    this.plans.set(unit, [...planLocalPod(pod, world.nodes.get(this.node)), ...ports.entries], ports.findings)
    this.udp.set(unit, udpTargets(ports.entries, []))
  }

  private forget(unit: string): void {
    this.plans.remove(unit)
    this.udp.set(unit, [])
  }
}

function splitUnit(unit: string): readonly [string, string] {
  const slash = unit.indexOf('/')
  return slash < 0 ? [unit, ''] : [unit.slice(0, slash), unit.slice(slash + 1)]
}
