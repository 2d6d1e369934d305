/** What the controller counts. */
import { Counter, Gauge, type Metric } from '../http/metrics.ts'

export interface ControllerGauges {
  readonly leading: () => boolean
  readonly connected: () => boolean
  readonly claims: () => number
}

export class ControllerMetrics {
  readonly rounds = new Counter('fairway_controller_rounds_total', 'Rounds of planning.')
  readonly assignments = new Counter('fairway_controller_assignments_total', 'Services that were given addresses.')
  readonly failures = new Counter('fairway_controller_failures_total', 'Attempts to write what is planned that failed.')
  readonly conflicts = new Counter(
    'fairway_controller_conflicts_total',
    'Plans that were given up because another leader, or a user, was faster.',
  )
  readonly all: readonly Metric[]

  constructor(gauges: ControllerGauges) {
    const flag = (read: () => boolean) => () => (read() ? 1 : 0)
    this.all = [
      ...[this.rounds, this.assignments, this.failures, this.conflicts],
      new Gauge('fairway_controller_leading', '1 while this process leads.', flag(gauges.leading)),
      new Gauge('fairway_api_connected', '1 while the API server is heard.', flag(gauges.connected)),
      new Gauge('fairway_address_claims', 'Addresses that are given out.', gauges.claims),
      new Gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss()),
    ]
  }
}
