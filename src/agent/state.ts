/** The state that the agent shows on its socket, for `fairway lab status` and for tests. */
import type { Finding, Severity } from '../model/code.ts'
import type { World } from '../model/world.ts'

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
  /** `pending` while a change of it waits for the kernel, else `degraded` when something is found about it. */
  readonly state: 'programmed' | 'pending' | 'degraded'
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
  readonly services: readonly ShownService[]
  readonly findings: readonly ShownFinding[]
}

export function showFinding({ code, subjects, message, fix }: Finding): ShownFinding {
  return { code: code.code, name: code.name, severity: code.severity, subjects, message, fix }
}

/** Services sorted by key; `pending` are the subjects of what is not yet in the kernel. */
export function showServices(world: World, findings: readonly Finding[], pending: ReadonlySet<string>): readonly ShownService[] {
  const codes = new Map<string, string[]>()
  for (const finding of findings) {
    for (const subject of finding.subjects) codes.set(subject, [...(codes.get(subject) ?? []), finding.code.code])
  }
  return [...world.services.values()]
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map((service) => {
      const found = codes.get(`service/${service.key}`) ?? []
      return {
        key: service.key,
        type: service.type,
        clusterIPs: service.clusterIPs,
        ports: service.ports.map(({ port, nodePort, protocol }) => `${port}${nodePort === 0 ? '' : `:${nodePort}`}/${protocol}`),
        state: pending.has(`service/${service.key}`) ? 'pending' : found.length > 0 ? 'degraded' : 'programmed',
        findings: found,
      }
    })
}
