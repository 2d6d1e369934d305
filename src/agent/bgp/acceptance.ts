/** Whether settings of BGP can be used, as every agent sees it alike: only what is true on all nodes counts. */
import type { SettingsSource } from '../../kube/bgp-config.ts'
import type { BgpConfig } from '../../model/bgp-config.ts'
import type { Finding } from '../../model/code.ts'
import type { Condition } from '../../model/session-report.ts'

/** What is to stand in the status of one object. */
export interface Verdict {
  /** As in findings: `bgppeer/NAMESPACE/NAME`. */
  readonly subject: string
  readonly source: SettingsSource
  readonly condition: Condition
}

/** The condition that says whether Fairway takes an object as it is. */
export const ACCEPTED = 'Accepted'

/** Kinds whose status has conditions, and where their usable objects are. */
const KINDS: Readonly<Record<string, 'peers' | 'podRouteAdvertisements' | 'routeImports'>> = {
  bgppeer: 'peers',
  podrouteadvertisement: 'podRouteAdvertisements',
  bgprouteimport: 'routeImports',
}

export interface Settings {
  readonly config: BgpConfig
  readonly sources: ReadonlyMap<string, SettingsSource>
  /** Of the objects themselves; not of one node. */
  readonly findings: readonly Finding[]
}

/** One of each object. An object that is used has `True`, also when a part of it is left out; the message then says which. */
export function verdictsOf({ config, sources, findings }: Settings): readonly Verdict[] {
  const bySubject = Map.groupBy(
    findings.flatMap((finding) => finding.subjects.map((subject) => ({ subject, finding }))),
    ({ subject }) => subject,
  )
  return [...sources].flatMap(([subject, source]): readonly Verdict[] => {
    const slash = subject.indexOf('/')
    const map = KINDS[subject.slice(0, slash)]
    if (map === undefined) return []
    const usable = config[map].has(subject.slice(slash + 1))
    const found = (bySubject.get(subject) ?? []).map(({ finding }) => finding)
    return [{ subject, source, condition: conditionOf(usable, found) }]
  })
}

function conditionOf(usable: boolean, found: readonly Finding[]): Condition {
  const broken = found.find(({ code }) => code.severity === 'error')
  const holds = usable && broken === undefined
  const [first] = broken === undefined ? found : [broken]
  const message = [...new Set(found.map((finding) => finding.message))].toSorted().join(' ').slice(0, 4_096)
  return { type: ACCEPTED, holds, reason: first?.code.name ?? ACCEPTED, message }
}
