/** What the agent counts of BGP. */
import { Counter, Gauge, type Metric } from '../../http/metrics.ts'
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

export interface BgpGauges {
  readonly reports: () => readonly SessionReport[]
  readonly routes: () => number
  readonly pending: () => number
}

export class BgpMetrics {
  readonly updates = new Counter('fairway_bgp_updates_total', 'Changes that were loaded by the BGP speaker.')
  readonly failures = new Counter('fairway_bgp_update_failures_total', 'Changes that the BGP speaker could not load.')
  readonly all: readonly Metric[]

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
    ]
  }
}
