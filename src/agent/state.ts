/** The state that the agent shows on its socket, for `fairway lab status` and for tests. */
import type { Finding, Severity } from '../model/code.ts'
import type { DataPathEntry } from '../model/datapath.ts'
import type { ObjectKey, Service, World } from '../model/world.ts'
import type { BgpState } from './bgp/speaker.ts'
import type { L2State } from './l2/announcer.ts'

export interface ShownFinding {
  readonly code: string
  readonly name: string
  readonly severity: Severity
  readonly subjects: readonly string[]
  readonly message: string
  readonly fix: string
}

export interface ShownService {
  readonly key: string
  readonly type: string
  readonly clusterIPs: readonly string[]
  /** As written: `80/tcp`, with a nodePort `80:30080/tcp`. */
  readonly ports: readonly string[]
  /** `yielded` when another carries it; `pending` while a change of it waits for the kernel, else `degraded` when something is found about it. */
  readonly state: 'programmed' | 'pending' | 'degraded' | 'yielded'
  /** Distinct addresses and ports that new flows draw from, of all ports and policies. */
  readonly backends: number
  /** How long its change has waited for the kernel; absent when none does. */
  readonly pendingForInMs?: number
  /** Why its change could not be programmed so far; absent when none waits, or it was not tried yet. */
  readonly error?: string
  /** Codes of the findings about it. */
  readonly findings: readonly string[]
}

/** What GET /state answers. */
export interface AgentState {
  readonly node: string
  /** The first whole state was programmed since the agent started. */
  readonly synced: boolean
  /** The API server is heard. */
  readonly connected: boolean
  readonly entries: number
  /** Entries that are not yet as planned. */
  readonly pending: number
  /** Why the last round failed; absent when it did not. */
  readonly error?: string
  /** Who carries Services on this node: `fairway`, another's name such as `kube-proxy (nftables)`, or `nobody`. */
  readonly serviceProxy: string
  readonly services: readonly ShownService[]
  readonly findings: readonly ShownFinding[]
  /** Absent when the agent speaks no BGP. */
  readonly bgp?: BgpState
  /** Absent when the agent announces nothing by ARP and NDP. */
  readonly l2?: L2State
}

export function showFinding({ code, subjects, message, fix }: Finding): ShownFinding {
  return { code: code.code, name: code.name, severity: code.severity, subjects, message, fix }
}

/** What of Services is known beside the world. */
export interface ServiceFacts {
  readonly findings: readonly Finding[]
  /** Subjects of what is not yet in the kernel, with how long their change has waited, in milliseconds; 0 when that is not known. */
  readonly pending: ReadonlyMap<string, number>
  /** Why the last round failed. */
  readonly error: string | undefined
  /** Distinct backends that new flows draw from, by Service. */
  readonly backends: ReadonlyMap<ObjectKey, number>
  /** Whether Fairway carries what `service/KEY` asks for. */
  carries(unit: string): boolean
}

/** Services sorted by key. */
export function showServices(world: World, facts: ServiceFacts): readonly ShownService[] {
  const codes = new Map<string, string[]>()
  for (const finding of facts.findings) {
    for (const subject of finding.subjects) codes.set(subject, [...(codes.get(subject) ?? []), finding.code.code])
  }
  return [...world.services.values()]
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map((service) => showService(service, codes.get(`service/${service.key}`) ?? [], facts))
}

function showService(service: Service, found: readonly string[], facts: ServiceFacts): ShownService {
  const unit = `service/${service.key}`
  const pendingForInMs = facts.pending.get(unit)
  const { key, type, clusterIPs, ports } = service
  return {
    key,
    type,
    clusterIPs,
    ports: ports.map(({ port, nodePort, protocol }) => `${port}${nodePort === 0 ? '' : `:${nodePort}`}/${protocol}`),
    backends: facts.backends.get(key) ?? 0,
    state: stateOf(facts.carries(unit), pendingForInMs !== undefined, found.length > 0),
    ...(pendingForInMs === undefined ? {} : { pendingForInMs: Math.round(pendingForInMs), error: facts.error }),
    findings: found,
  }
}

function stateOf(carried: boolean, pending: boolean, found: boolean): ShownService['state'] {
  if (!carried) return 'yielded'
  if (pending) return 'pending'
  return found ? 'degraded' : 'programmed'
}

/** Counts the backends of each Service over its groups, each once. `ownersOf` names the units that ask for an entry. */
export function countBackends(
  entries: Iterable<DataPathEntry>,
  ownersOf: (key: string) => readonly string[],
): ReadonlyMap<ObjectKey, number> {
  const counts = new Map<ObjectKey, Set<string>>()
  for (const entry of entries) {
    if (entry.kind !== 'group') continue
    for (const owner of ownersOf(entry.key)) {
      const key = owner.replace(/^service\//, '')
      const known = counts.get(key) ?? new Set()
      for (const { address, port } of entry.backends) known.add(`${address}/${port}`)
      counts.set(key, known)
    }
  }
  return new Map([...counts].map(([key, backends]) => [key, backends.size]))
}
