/** What one node is to announce, worked out by the same rules as its agent does. */
import { type Announcement, type BgpSession, sessionKey } from '../model/bgp.ts'
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { familyOf } from '../model/datapath.ts'
import type { EndpointSlice, Node, ObjectKey, Pod, Service } from '../model/world.ts'
import { planSessions } from '../plan/bgp-session.ts'
import { floatingWishes, type LocalBgpAdvertisements, planBgpAdvertisements, serviceWishes } from '../plan/load-balancer-bgp.ts'
import { type LocalAdvertisement, nodeWishes, planAdvertisements, podWishes } from '../plan/pod-route.ts'
import type { RoutePath, RouteSource } from './bgp-route-row.ts'

/** A prefix of one node: what for, and to which peers. */
export interface PlannedRoute {
  readonly prefix: string
  readonly sources: readonly RouteSource[]
  /** Peers whose sessions carry the family of the prefix. */
  readonly paths: readonly Pick<RoutePath, 'peer' | 'namespace' | 'communities' | 'localPreference' | 'metric'>[]
}

export interface PlannedRoutes {
  readonly routes: readonly PlannedRoute[]
  readonly findings: readonly Finding[]
}

/** What a node's routes follow from. */
export interface RouteGround {
  readonly node: Node
  /** All of the cluster. */
  readonly nodes: readonly Node[]
  /** Those of the node. */
  readonly pods: readonly Pod[]
  readonly services: readonly Service[]
  /** By Service. */
  readonly slices: ReadonlyMap<ObjectKey, readonly EndpointSlice[]>
  readonly config: BgpConfig
  /** The class of the Services that agents announce; '': those that name none. */
  readonly loadBalancerClass: string
}

/** The result is that of the node's agent while the node is in full use. */
export function plannedRoutes(ground: RouteGround): PlannedRoutes {
  const { node, nodes, config, loadBalancerClass } = ground
  const { sessions, findings } = planSessions({ node, config, drain: 'none', kernelTable: 0 })
  const { local, findings: ofPods } = planAdvertisements({ node, config, sessions })
  const { local: localOfServices, findings: ofServices } = planBgpAdvertisements({
    node,
    nodes,
    config,
    sessions,
    loadBalancerClass,
  })
  const book = new Book()
  for (const one of local) gatherPods(book, one, ground)
  gatherServices(book, localOfServices, ground)
  gatherFloating(book, localOfServices, ground)
  const routes = [...book.entries].map(([prefix, { sources, announcements }]) => ({
    prefix,
    sources: [...sources.values()],
    paths: sessions
      .filter(({ nextHops }) => nextHops[familyOf(prefix)] !== undefined)
      .flatMap((session) => pathOf(session, [...announcements])),
  }))
  return { routes, findings: [...findings, ...ofPods, ...ofServices] }
}

type Source = RouteSource & { readonly pods: ObjectKey[]; readonly services: ObjectKey[] }

/** What was asked for so far, by prefix. */
class Book {
  readonly entries = new Map<string, { readonly sources: Map<string, Source>; readonly announcements: Set<Announcement> }>()

  note(prefix: string, announcement: Announcement, source: RouteSource): void {
    const entry = this.entries.get(prefix) ?? { sources: new Map(), announcements: new Set() }
    this.entries.set(prefix, entry)
    entry.announcements.add(announcement)
    const name = `${source.kind} ${source.advertisement}`
    const before = entry.sources.get(name) ?? { ...source, pods: [], services: [] }
    for (const list of ['pods', 'services'] as const)
      for (const key of source[list]) if (!before[list].includes(key)) before[list].push(key)
    entry.sources.set(name, { ...before, nodeRange: before.nodeRange || source.nodeRange })
  }
}

function gatherPods(book: Book, local: LocalAdvertisement, { node, pods, config }: RouteGround): void {
  const { advertisement, announcement } = local
  const source = { kind: 'PodRouteAdvertisement', advertisement: advertisement.name, services: [] } as const
  for (const { prefix } of nodeWishes([local], node)) book.note(prefix, announcement, { ...source, nodeRange: true, pods: [] })
  for (const pod of pods)
    for (const { prefix } of podWishes(pod, [local], node, config))
      book.note(prefix, announcement, { ...source, nodeRange: false, pods: [pod.key] })
}

function gatherServices(book: Book, local: LocalBgpAdvertisements, { node, services, slices }: RouteGround): void {
  const names = new Map([...local.announcements].map(([key, one]) => [one, local.advertisements.get(key)?.name ?? key]))
  for (const service of services)
    for (const { prefix, announcement } of serviceWishes(service, slices.get(service.key) ?? [], node, local))
      book.note(prefix, announcement, {
        ...{ kind: 'BGPAdvertisement', advertisement: names.get(announcement) ?? '', nodeRange: false },
        ...{ pods: [], services: [service.key] },
      })
}

function gatherFloating(book: Book, local: LocalBgpAdvertisements, { node, config }: RouteGround): void {
  for (const floating of config.floatingAddresses.values())
    for (const { prefix, announcement } of floatingWishes(floating, node, local))
      book.note(prefix, announcement, {
        ...{ kind: 'FloatingAddress', advertisement: floating.key, nodeRange: false },
        ...{ pods: [], services: [] },
      })
}

/** What the keys of sessions begin with; the key of the peer follows. */
const SESSION = sessionKey('')

/** A session for which several announcements are meant carries what all of them say, and the highest preference. */
function pathOf({ key, name }: BgpSession, announcements: readonly Announcement[]): readonly PlannedRoute['paths'][number][] {
  const meant = announcements.filter(({ sessions }) => sessions.length === 0 || sessions.includes(key))
  if (meant.length === 0) return []
  const communities = [...new Set(meant.flatMap((one) => one.communities))].toSorted()
  const preferences = meant.flatMap(({ localPreference }) => localPreference ?? [])
  const metrics = meant.flatMap(({ metric }) => metric ?? [])
  const namespace = key.slice(SESSION.length, Math.max(SESSION.length, key.length - name.length - 1))
  return [
    {
      ...{ peer: name, namespace, communities },
      ...(preferences.length === 0 ? {} : { localPreference: Math.max(...preferences) }),
      ...(metrics.length === 0 ? {} : { metric: Math.min(...metrics) }),
    },
  ]
}
