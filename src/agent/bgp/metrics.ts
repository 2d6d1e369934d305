/** What the agent counts of BGP. */
import type { Round } from '../../engine/reconcile.ts'
import { Counter, Gauge, Histogram, type Metric } from '../../http/metrics.ts'
import type { SessionReport } from '../../model/session-report.ts'

/** A value of each session, read when it is asked for. */
class SessionGauge implements Metric {
  readonly type = 'gauge'
  readonly name: string
  readonly help: string
  private readonly reports: () => readonly SessionReport[]
  private readonly read: (report: SessionReport) => number

  constructor(
    [name, help]: readonly [string, string],
    reports: () => readonly SessionReport[],
    read: (report: SessionReport) => number,
  ) {
    this.name = name
    this.help = help
    this.reports = reports
    this.read = read
  }

  lines(): readonly string[] {
    return this.reports().map(
      (report) => `${this.name}{peer="${report.peer}",address="${report.peerAddress}"} ${this.read(report)}`,
    )
  }
}

/** Bounds in seconds: BIRD reads its files anew, which takes milliseconds, with ten thousand routes tens of them. */
const LATENCY_BOUNDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]

export interface BgpGauges {
  readonly reports: () => readonly SessionReport[]
  readonly routes: () => number
  readonly pending: () => number
}

export class BgpMetrics {
  readonly updates = new Counter('fairway_bgp_updates_total', 'Changes that were loaded by the BGP speaker.')
  readonly failures = new Counter('fairway_bgp_update_failures_total', 'Changes that the BGP speaker could not load.')
  private readonly latency = new Histogram(
    'fairway_bgp_update_duration_seconds',
    'Time from a change of pods or settings to its routes in the BGP speaker; the first whole state is not in it.',
    LATENCY_BOUNDS,
  )
  readonly all: readonly Metric[]

  private readonly waiting: number[] = []

  constructor({ reports, routes, pending }: BgpGauges) {
    this.all = [
      new SessionGauge(['fairway_bgp_session_up', '1 while the session is established.'], reports, ({ state }) =>
        state === 'Established' ? 1 : 0,
      ),
      new SessionGauge(
        ['fairway_bgp_prefixes_sent', 'Prefixes that the neighbour was sent.'],
        reports,
        ({ routesSent }) => routesSent,
      ),
      new SessionGauge(
        ['fairway_bgp_prefixes_accepted', 'Prefixes that were taken from the neighbour.'],
        reports,
        ({ routesAccepted }) => routesAccepted,
      ),
      new Gauge('fairway_bgp_routes', 'Prefixes that this node is to announce.', routes),
      new Gauge('fairway_bgp_pending_entries', 'Sessions and routes that are not yet as planned.', pending),
      this.updates,
      this.failures,
      this.latency,
    ]
  }

  /** A change waits for BIRD from now on. */
  noteWaiting(nowInMs: number): void {
    this.waiting.push(nowInMs)
  }

  /** A round ended well. What came while it ran may be in it or not: it is in if nothing is `pending`, and the next round tells otherwise. */
  noteLoaded({ pending, tookInMs }: Pick<Round, 'pending' | 'tookInMs'>, nowInMs: number): void {
    const later = pending === 0 ? -1 : this.waiting.findIndex((sinceInMs) => sinceInMs > nowInMs - tookInMs)
    for (const sinceInMs of this.waiting.splice(0, later < 0 ? this.waiting.length : later))
      this.latency.observe((nowInMs - sinceInMs) / 1_000)
  }
}
