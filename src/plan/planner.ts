import type { Finding } from '../model/code.ts'
import type { DataPathEntry } from '../model/datapath.ts'
import type { Delta } from '../model/plan.ts'
import type { EndpointSlice, NodeName, ObjectKey, Pod, Service, World, WorldChange } from '../model/world.ts'
import type { Claim } from './claim.ts'
import { ClaimIndex } from './claim-index.ts'
import { clusterIPClaims, planClusterIPs } from './cluster-ip.ts'
import { hostPortClaims, planHostPorts } from './host-port.ts'
import { planLocalPod, planNode } from './node.ts'
import { nodePortClaims, planNodePorts } from './node-port.ts'
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
  /** The objects that ask for an entry, as `service/KEY`, `pod/KEY` or `node`; none when nobody does. */
  subjectsOf(key: string): readonly string[]
  /** Takes changes that `world` already holds and returns what became different in `entries`. */
  update(world: World, changes: readonly WorldChange[]): Delta<DataPathEntry>
}

/** A planner of the data path of `node` (its name in the API). Feed it the whole world once, as additions (`changesOf`). */
export function createPlanner(node: NodeName): Planner {
  return new NodePlanner(node)
}

/** The whole world as additions: the first update of a planner. */
export function changesOf(world: World): readonly WorldChange[] {
  return [
    ...[...world.services].map(([key, after]) => ({ kind: 'service', key, after }) as const),
    ...[...world.endpointSlices].map(([key, after]) => ({ kind: 'endpointSlice', key, after }) as const),
    ...[...world.pods].map(([key, after]) => ({ kind: 'pod', key, after }) as const),
    ...[...world.nodes].map(([key, after]) => ({ kind: 'node', key, after }) as const),
  ]
}

const NODE_UNIT = 'node'

/**
 * A unit is one object that is planned by itself (`service/KEY`, `pod/KEY`, `node`). Of a change only kind and key are used and
 * the rest is read from the world, which is why order and repetition cannot matter.
 */
class NodePlanner implements Planner {
  private readonly node: NodeName
  private readonly plans = new UnitPlans()
  private readonly claims = new ClaimIndex()
  private readonly slicesOf = new Map<ObjectKey, Set<ObjectKey>>()
  private readonly serviceOf = new Map<ObjectKey, ObjectKey>()
  private readonly localPods = new Set<ObjectKey>()

  constructor(node: NodeName) {
    this.node = node
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

  update(world: World, changes: readonly WorldChange[]): Delta<DataPathEntry> {
    const dirty = new Set<string>()
    for (const change of changes) this.touch(world, change, dirty)
    for (const unit of [...dirty]) {
      for (const rival of this.claims.set(unit, claimsOf(world, unit, this.node))) dirty.add(rival)
    }
    for (const unit of dirty) this.replan(world, unit)
    return this.plans.takeDelta()
  }

  private touch(world: World, change: WorldChange, dirty: Set<string>): void {
    switch (change.kind) {
      case 'service':
        dirty.add(`service/${change.key}`)
        return
      case 'endpointSlice':
        for (const service of this.indexSlice(change.key, world.endpointSlices.get(change.key))) dirty.add(`service/${service}`)
        return
      case 'pod':
        if (this.indexPod(change.key, world.pods.get(change.key))) dirty.add(`pod/${change.key}`)
        return
      case 'node':
        if (change.key !== this.node) return
        dirty.add(NODE_UNIT)
        for (const pod of this.localPods) dirty.add(`pod/${pod}`) // their sources depend on the node's ranges
    }
  }

  /** Returns the services that the slice belonged and belongs to. */
  private indexSlice(key: ObjectKey, slice: EndpointSlice | undefined): readonly ObjectKey[] {
    const before = this.serviceOf.get(key)
    if (before !== undefined) {
      const siblings = this.slicesOf.get(before)
      siblings?.delete(key)
      if (siblings?.size === 0) this.slicesOf.delete(before)
    }
    this.serviceOf.delete(key)
    if (slice === undefined) return before === undefined ? [] : [before]
    this.serviceOf.set(key, slice.service)
    const siblings = this.slicesOf.get(slice.service) ?? new Set()
    this.slicesOf.set(slice.service, siblings.add(key))
    return before === undefined ? [slice.service] : [before, slice.service]
  }

  /** Returns whether the pod is or was one of this node. */
  private indexPod(key: ObjectKey, pod: Pod | undefined): boolean {
    const was = this.localPods.delete(key)
    if (pod?.node !== this.node) return was
    this.localPods.add(key)
    return true
  }

  private replan(world: World, unit: string): void {
    const [kind, key] = splitUnit(unit)
    if (kind === 'service') {
      const service = world.services.get(key)
      if (service === undefined) this.plans.remove(unit)
      else this.planService(world, unit, service)
    } else if (kind === 'pod') {
      const pod = world.pods.get(key)
      if (pod?.node !== this.node) this.plans.remove(unit)
      else this.planPod(world, unit, pod)
    } else {
      const node = world.nodes.get(this.node)
      this.plans.set(unit, node === undefined ? [] : planNode(node), [])
    }
  }

  private planService(world: World, unit: string, service: Service): void {
    const slices = [...(this.slicesOf.get(service.key) ?? [])].flatMap((key) => world.endpointSlices.get(key) ?? [])
    const neighbours = { slices, claimsOn: this.claims.on }
    const cluster = planClusterIPs(service, neighbours, this.node)
    const node = planNodePorts(service, neighbours, this.node)
    this.plans.set(unit, [...cluster.entries, ...node.entries], [...cluster.findings, ...node.findings])
  }

  private planPod(world: World, unit: string, pod: Pod): void {
    const ports = planHostPorts(pod, this.claims.on, this.node)
    this.plans.set(unit, [...planLocalPod(pod, world.nodes.get(this.node)), ...ports.entries], ports.findings)
  }
}

function splitUnit(unit: string): readonly [string, string] {
  const slash = unit.indexOf('/')
  return slash < 0 ? [unit, ''] : [unit.slice(0, slash), unit.slice(slash + 1)]
}

function claimsOf(world: World, unit: string, node: NodeName): readonly Claim[] {
  const [kind, key] = splitUnit(unit)
  if (kind === 'service') {
    const service = world.services.get(key)
    return service === undefined ? [] : [...clusterIPClaims(service), ...nodePortClaims(service)]
  }
  const pod = kind === 'pod' ? world.pods.get(key) : undefined
  return pod?.node === node ? hostPortClaims(pod) : []
}
