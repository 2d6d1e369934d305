/** What of a look at the sessions is worth telling: a look sees a moment, and moments pass. */
import type { Finding } from '../../model/code.ts'
import { BGP_PASSWORD_SUSPECT, BGP_SESSION_DOWN } from '../../model/codes/bgp.ts'

/** How long a session may take to come up, or to come back. */
const COMING_UP_IN_MS = 10_000
/** Segments with a wrong signature come with each try to connect, which may be two minutes apart. */
const SUSPECT_FOR_MS = 180_000

interface Suspicion {
  readonly finding: Finding
  readonly atInMs: number
}

/** Findings here are about one session each, whose key is among the subjects. */
export class Patience {
  private readonly downSinceInMs = new Map<string, number>()
  private readonly suspicions = new Map<string, Suspicion>()

  /**
   * Takes what one look found, and returns what is to be told: that a session is down after a while only, that its password is suspect as
   * long as it is down and the suspicion is fresh.
   */
  sift(found: readonly Finding[], nowInMs: number): readonly Finding[] {
    const down = new Set(found.flatMap(({ subjects }) => subjects))
    for (const map of [this.downSinceInMs, this.suspicions]) for (const key of map.keys()) if (!down.has(key)) map.delete(key)
    return found.flatMap((finding) => this.siftOne(finding, nowInMs))
  }

  private siftOne(finding: Finding, nowInMs: number): readonly Finding[] {
    const key = finding.subjects.join(' ')
    if (finding.code === BGP_PASSWORD_SUSPECT) this.suspicions.set(key, { finding, atInMs: nowInMs })
    const since = this.downSinceInMs.get(key) ?? nowInMs
    this.downSinceInMs.set(key, since)
    if (finding.code !== BGP_SESSION_DOWN) return [finding]
    const suspicion = this.suspicions.get(key)
    if (suspicion !== undefined && nowInMs - suspicion.atInMs < SUSPECT_FOR_MS) return [suspicion.finding]
    return nowInMs - since >= COMING_UP_IN_MS ? [finding] : []
  }
}
