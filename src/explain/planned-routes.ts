/** What one node is to announce, worked out by the same rules as its agent does. */
import { type Announcement, type BgpSession, sessionKey } from '../model/bgp.ts'
import type { BgpConfig } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import { familyOf } from '../model/datapath.ts'
import type { Node, Pod } from '../model/world.ts'
import { planSessions } from '../plan/bgp-session.ts'
import { type LocalAdvertisement, nodeWishes, planAdvertisements, podWishes } from '../plan/pod-route.ts'
import type { RoutePath, RouteSource } from './bgp-route-row.ts'

/** A prefix of one node: what for, and to which peers. */
export interface PlannedRoute {
  readonly prefix: string
  readonly sources: readonly RouteSource[]
  /** Peers whose sessions carry the family of the prefix. */
  readonly paths: readonly Pick<RoutePath, 'peer' | 'namespace' | 'communities' | 'localPreference'>[]
}

export interface PlannedRoutes {
  readonly routes: readonly PlannedRoute[]
  readonly findings: readonly Finding[]
}

/** `pods` are those of the node. The result is that of the node's agent while the node is in full use. */
export function plannedRoutes(node: Node, pods: readonly Pod[], config: BgpConfig): PlannedRoutes {
  const { sessions, findings } = planSessions({ node, config, drain: 'none', kernelTable: 0 })
  const { local, findings: more } = planAdvertisements({ node, config, sessions })
  const book = new Map<string, Gathered>()
  for (const one of local) gather(book, one, { node, pods, config })
  const routes = [...book].map(([prefix, { sources, announcements }]) => ({
    prefix,
    sources: [...sources.values()],
    paths: sessions
      .filter(({ nextHops }) => nextHops[familyOf(prefix)] !== undefined)
      .flatMap((session) => pathOf(session, [...announcements])),
  }))
  return { routes, findings: [...findings, ...more] }
}

interface Gathered {
  readonly sources: Map<string, RouteSource & { readonly pods: string[] }>
  readonly announcements: Set<Announcement>
}

interface Ground {
  readonly node: Node
  readonly pods: readonly Pod[]
  readonly config: BgpConfig
}

function gather(book: Map<string, Gathered>, local: LocalAdvertisement, { node, pods, config }: Ground): void {
  const { name } = local.advertisement
  const note = (prefix: string, pod: string | undefined) => {
    const entry = book.get(prefix) ?? { sources: new Map(), announcements: new Set() }
    book.set(prefix, entry)
    entry.announcements.add(local.announcement)
    const before = entry.sources.get(name) ?? { advertisement: name, nodeRange: false, pods: [] }
    if (pod !== undefined && !before.pods.includes(pod)) before.pods.push(pod)
    entry.sources.set(name, { ...before, nodeRange: before.nodeRange || pod === undefined })
  }
  for (const { prefix } of nodeWishes([local], node)) note(prefix, undefined)
  for (const pod of pods) for (const { prefix } of podWishes(pod, [local], node, config)) note(prefix, pod.key)
}

/** What the keys of sessions begin with; the key of the peer follows. */
const SESSION = sessionKey('')

/** A session for which several announcements are meant carries what all of them say, and the highest preference. */
function pathOf({ key, name }: BgpSession, announcements: readonly Announcement[]): readonly PlannedRoute['paths'][number][] {
  const meant = announcements.filter(({ sessions }) => sessions.length === 0 || sessions.includes(key))
  if (meant.length === 0) return []
  const communities = [...new Set(meant.flatMap((one) => one.communities))].toSorted()
  const preferences = meant.flatMap(({ localPreference }) => localPreference ?? [])
  const namespace = key.slice(SESSION.length, Math.max(SESSION.length, key.length - name.length - 1))
  return [
    { peer: name, namespace, communities, ...(preferences.length === 0 ? {} : { localPreference: Math.max(...preferences) }) },
  ]
}
