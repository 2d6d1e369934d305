import type { BgpEntry, BgpSession, BgpSpeaker, BgpWatch, Drain } from '../model/bgp.ts'
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { familyOf } from '../model/datapath.ts'
import type { Delta } from '../model/plan.ts'
import type { Node, NodeName, ObjectKey, World, WorldKind } from '../model/world.ts'
import { planSessions } from './bgp-session.ts'
import {
  floatingWishes,
  type LocalBgpAdvertisements,
  NO_ADVERTISEMENTS,
  planBgpAdvertisements,
  serviceWishes,
} from './load-balancer-bgp.ts'
import { type LocalAdvertisement, nodeWishes, planAdvertisements, podWishes } from './pod-route.ts'
import { RouteBook, type RouteWish } from './route-book.ts'
import { SliceIndex } from './slice-index.ts'

/** All that a node's BGP follows from. `drain` comes from whoever has a clock. */
export interface BgpInput {
  readonly world: Pick<World, 'nodes' | 'pods' | 'services' | 'endpointSlices'>
  readonly config: BgpConfig
  readonly drain: Drain
  /** Nodes whose speakers are watched, whether there are sessions or not; none by default. */
  readonly watches?: readonly BgpWatch[]
}

/** Something that changed; its value is read from the input. `drain` and `watches` have no key. */
export interface BgpChange {
  readonly kind: WorldKind | keyof BgpConfig | 'drain' | 'watches'
  readonly key: string
}

export interface BgpPlannerOptions {
  /** Where routes of neighbours are installed; 0: nowhere. */
  readonly kernelTable: number
  /** Addresses of Services of this class are announced; absent or '': of those that name none. */
  readonly loadBalancerClass?: string
}

/**
 * Keeps what a node says by BGP in step with the world: a change of a pod or a Service replans that alone, any other change what it may touch.
 *
 * Order:  the order, batching and repetition of changes never matter; the result is that of planning the input from scratch.
 * Errors: never throws; what cannot be used becomes a finding, and the rest goes on.
 */
export interface BgpPlanner {
  /** The speaker, its sessions and its routes, by key; empty while no session or watch is asked for. */
  readonly entries: ReadonlyMap<string, BgpEntry>
  /** By code and subjects, in a stable order. */
  readonly findings: readonly Finding[]
  /** Who asks for a prefix, sorted: keys of pods, `service/KEY`, `floatingaddress/KEY`, and `node` for the node's range. */
  askersOf(prefix: string): readonly string[]
  /** Services whose load-balancer addresses are announced, and the names of the peers that hear of them, sorted; those that nobody hears of are left out. */
  readonly announcedServices: ReadonlyMap<ObjectKey, readonly string[]>
  /** Takes changes that the input already holds and returns what became different in `entries`. */
  update(input: BgpInput, changes: readonly BgpChange[]): Delta<BgpEntry>
}

/** A planner of what `node` (its name in the API) says. The first update is told of everything by any one change. */
export function createBgpPlanner(node: NodeName, options: BgpPlannerOptions): BgpPlanner {
  return new NodeBgpPlanner(node, options)
}

const NODE_OWNER = 'node'
/** A pod's key has one slash, and these have two. */
const SERVICE_OWNER = /^service\/(.+\/.+)$/
const FLOATING_OWNER = /^floatingaddress\/(.+\/.+)$/
const ownerOf = (service: ObjectKey): string => `service/${service}`
const floatingOwnerOf = (floating: ObjectKey): string => `floatingaddress/${floating}`
const LONE: ReadonlySet<BgpChange['kind']> = new Set([
  ...(['pod', 'service', 'endpointSlice'] as const),
  // these are no business of BGP's
  ...(['serviceCIDR', 'l2Advertisements'] as const),
])

class NodeBgpPlanner implements BgpPlanner {
  readonly entries = new Map<string, BgpEntry>()
  private readonly node: NodeName
  private readonly options: BgpPlannerOptions
  private readonly book = new RouteBook()
  private readonly slices = new SliceIndex()
  private local: readonly LocalAdvertisement[] = []
  private localOfServices: LocalBgpAdvertisements = NO_ADVERTISEMENTS
  /** The speaker, its sessions and watches as they are in `entries`, by key. */
  private speaking = new Map<string, BgpSpeaker | BgpSession | BgpWatch>()
  private told: readonly Finding[] = []
  private started = false
  /** Whether every pod and Service must be asked anew what it wishes, since what advertisements mean here became different. */
  private isStale = true
  private meaning = ''

  constructor(node: NodeName, options: BgpPlannerOptions) {
    this.node = node
    this.options = options
  }

  get findings(): readonly Finding[] {
    return this.told
  }

  askersOf(prefix: string): readonly string[] {
    return [...this.book.owners].filter((owner) => this.book.wishesOf(owner).some((wish) => wish.prefix === prefix)).sort()
  }

  get announcedServices(): ReadonlyMap<ObjectKey, readonly string[]> {
    const sessions = [...this.speaking.values()].filter((entry) => entry.kind === 'session')
    const announced = new Map<ObjectKey, readonly string[]>()
    for (const owner of this.book.owners) {
      const service = SERVICE_OWNER.exec(owner)?.[1]
      if (service === undefined) continue
      const wishes = this.book.wishesOf(owner)
      const heard = sessions.filter((session) => wishes.some((wish) => hears(session, wish)))
      if (heard.length > 0) announced.set(service, [...new Set(heard.map(({ name }) => name))].sort())
    }
    return announced
  }

  update(input: BgpInput, changes: readonly BgpChange[]): Delta<BgpEntry> {
    const upserts: BgpEntry[] = []
    const removals: string[] = []
    const node = input.world.nodes.get(this.node)
    if (!this.started || changes.some(({ kind }) => !LONE.has(kind))) this.replanSpeaking(input, node, { upserts, removals })
    const touched = this.touchedBy(input, changes)
    if (this.isStale || changes.some(({ kind }) => kind === 'namespaces')) this.replanRoutes(input, node)
    else for (const owner of touched) this.book.set(owner, this.wishesOf(owner, input, node))
    this.started = true
    this.isStale = false
    const routes = this.book.takeDelta()
    for (const route of routes.upserts) this.entries.set(route.key, route)
    for (const key of routes.removals) this.entries.delete(key)
    return { upserts: [...upserts, ...routes.upserts], removals: [...removals, ...routes.removals] }
  }

  /** Pods and Services that the changes are about. Slices are known by their Services from the first update on. */
  private touchedBy({ world }: BgpInput, changes: readonly BgpChange[]): ReadonlySet<string> {
    if (!this.started) for (const [key, slice] of world.endpointSlices) this.slices.set(key, slice)
    const owners = new Set<string>()
    for (const { kind, key } of changes) {
      if (kind === 'pod') owners.add(key)
      if (kind === 'service') owners.add(ownerOf(key))
      if (kind === 'floatingAddresses') owners.add(floatingOwnerOf(key))
      if (kind === 'endpointSlice')
        for (const service of this.slices.set(key, world.endpointSlices.get(key))) owners.add(ownerOf(service))
    }
    return owners
  }

  private replanSpeaking(input: BgpInput, node: Node | undefined, delta: { upserts: BgpEntry[]; removals: string[] }): void {
    const { config, drain, watches = [] } = input
    const plan =
      node === undefined
        ? { sessions: [], findings: [] }
        : planSessions({ node, config, drain, kernelTable: this.options.kernelTable, watches: watches.length > 0 })
    const advertisements =
      node === undefined ? { local: [], findings: [] } : planAdvertisements({ node, config, sessions: plan.sessions })
    const ofServices =
      node === undefined
        ? { local: NO_ADVERTISEMENTS, findings: [] }
        : planBgpAdvertisements({
            node,
            nodes: input.world.nodes.values(),
            config,
            sessions: plan.sessions,
            loadBalancerClass: this.options.loadBalancerClass ?? '',
          })
    const meaning = JSON.stringify([advertisements.local, textOf(ofServices.local)])
    if (meaning !== this.meaning) {
      this.meaning = meaning
      this.local = advertisements.local
      this.localOfServices = ofServices.local
      this.isStale = true
    }
    this.told = sorted([...plan.findings, ...advertisements.findings, ...ofServices.findings])
    const speaker = 'speaker' in plan && plan.speaker !== undefined ? [plan.speaker] : []
    const watched = speaker.length > 0 ? watches : []
    const after = new Map([...speaker, ...plan.sessions, ...watched].map((entry) => [entry.key, entry]))
    for (const key of this.speaking.keys()) {
      if (after.has(key)) continue
      delta.removals.push(key)
      this.entries.delete(key)
    }
    for (const [key, entry] of after) {
      const before = this.speaking.get(key)
      if (before !== undefined && JSON.stringify(before) === JSON.stringify(entry)) {
        after.set(key, before)
        continue
      }
      delta.upserts.push(entry)
      this.entries.set(key, entry)
    }
    this.speaking = after
  }

  private replanRoutes(input: BgpInput, node: Node | undefined): void {
    const gone = new Set(this.book.owners)
    const services = [...input.world.services.keys()].map(ownerOf)
    const floats = [...input.config.floatingAddresses.keys()].map(floatingOwnerOf)
    for (const key of [NODE_OWNER, ...input.world.pods.keys(), ...services, ...floats]) {
      this.book.set(key, this.wishesOf(key, input, node))
      gone.delete(key)
    }
    for (const key of gone) this.book.set(key, [])
  }

  private wishesOf(owner: ObjectKey, { world, config }: BgpInput, node: Node | undefined): readonly RouteWish[] {
    if (node === undefined) return []
    const service = SERVICE_OWNER.exec(owner)?.[1]
    if (service !== undefined) return this.wishesOfService(service, world, node)
    const floating = config.floatingAddresses.get(FLOATING_OWNER.exec(owner)?.[1] ?? '')
    if (floating !== undefined) return floatingWishes(floating, node, this.localOfServices)
    if (this.local.length === 0) return []
    if (owner === NODE_OWNER) return nodeWishes(this.local, node)
    const pod = world.pods.get(owner)
    return pod === undefined ? [] : podWishes(pod, this.local, node, config)
  }

  private wishesOfService(key: ObjectKey, { services, endpointSlices }: BgpInput['world'], node: Node): readonly RouteWish[] {
    const service = services.get(key)
    if (service === undefined || service.loadBalancerIPs.length === 0) return []
    const slices = this.slices.of(key).flatMap((slice) => endpointSlices.get(slice) ?? [])
    return serviceWishes(service, slices, node, this.localOfServices)
  }
}

/** A session that is withdrawn or closed hears of nothing. */
function hears({ key, drain, nextHops }: BgpSession, { prefix, announcement: { sessions } }: RouteWish): boolean {
  if (drain === 'withdrawn' || drain === 'closed') return false
  return nextHops[familyOf(prefix)] !== undefined && (sessions.length === 0 || sessions.includes(key))
}

function textOf({ nodeAddresses, pools, advertisements, announcements }: LocalBgpAdvertisements): unknown {
  return [[...nodeAddresses].sort(), ...[pools, advertisements, announcements].map((map) => [...map])]
}

function sorted(findings: readonly Finding[]): readonly Finding[] {
  const identity = ({ code, subjects, message }: Finding): string => `${code.code} ${subjects.join(' ')} ${message}`
  return findings.toSorted((one, other) => (identity(one) < identity(other) ? -1 : 1))
}
