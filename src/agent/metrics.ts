/** What the agent counts. */
import { Counter, Gauge, Histogram, type Metric } from '../http/metrics.ts'

export interface AgentGauges {
  readonly entries: () => number
  readonly pending: () => number
  readonly synced: () => boolean
  readonly connected: () => boolean
  /** Seconds from the start of the process to the first whole state in the kernel; 0 before. */
  readonly readyAfter: () => number
}

/** Bounds in seconds: a change takes about a millisecond, a full load seconds. */
const LATENCY_BOUNDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30]

/** Bounds in seconds: readiness, the endpoint controller and the API server are in it. The trigger time has whole seconds where no controller writes finer ones. */
const NETWORK_BOUNDS = [0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60, 120, 300]

export class AgentMetrics {
  readonly latency = new Histogram(
    'fairway_programming_duration_seconds',
    'Time from the bytes of a watch event to its rules in the kernel; the first whole state is not in it.',
    LATENCY_BOUNDS,
  )
  readonly network = new Histogram(
    'fairway_network_programming_duration_seconds',
    "Time from the change of a pod or Service to its endpoints' rules in the kernel, as kubeproxy_network_programming_duration_seconds has it.",
    NETWORK_BOUNDS,
  )
  readonly rounds = new Counter('fairway_rounds_total', 'Rounds of the reconciler.')
  readonly failures = new Counter('fairway_round_failures_total', 'Rounds that failed.')
  readonly changes = new Counter('fairway_world_changes_total', 'Changes of objects that came from the API server.')
  readonly all: readonly Metric[]

  constructor(gauges: AgentGauges) {
    const flag = (read: () => boolean) => () => (read() ? 1 : 0)
    this.all = [
      this.latency,
      this.network,
      this.rounds,
      this.failures,
      this.changes,
      new Gauge('fairway_entries', 'Entries of the plan.', gauges.entries),
      new Gauge('fairway_pending_entries', 'Entries that are not yet as planned.', gauges.pending),
      new Gauge('fairway_synced', '1 once the first whole state was programmed.', flag(gauges.synced)),
      new Gauge(
        'fairway_ready_after_seconds',
        'From the start of the process to the first whole state in the kernel.',
        gauges.readyAfter,
      ),
      new Gauge('fairway_api_connected', '1 while the API server is heard.', flag(gauges.connected)),
      new Gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss()),
    ]
  }
}
