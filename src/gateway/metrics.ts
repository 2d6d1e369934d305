/** What the gateway counts of itself; the proxy counts requests. */
import { Counter, Gauge, type Metric } from '../http/metrics.ts'

export interface GatewayGauges {
  readonly leading: () => boolean
  readonly connected: () => boolean
  readonly isReady: () => boolean
  readonly ingresses: () => number
  readonly entries: () => number
  readonly pending: () => number
  readonly findings: () => number
  /** By reason. */
  readonly reloads: () => ReadonlyMap<string, number>
  readonly commands: () => number
}

export class GatewayMetrics {
  readonly rounds = new Counter('fairway_gateway_rounds_total', 'Changes that were brought to the proxy.')
  readonly failures = new Counter('fairway_gateway_failures_total', 'Attempts to bring changes to the proxy that failed.')
  readonly statusWrites = new Counter('fairway_gateway_status_writes_total', 'Ingresses that were told where they are reached.')
  readonly statusFailures = new Counter('fairway_gateway_status_failures_total', 'Attempts to tell them that failed.')
  readonly all: readonly Metric[]

  constructor(gauges: GatewayGauges) {
    const flag = (read: () => boolean) => () => (read() ? 1 : 0)
    this.all = [
      ...[this.rounds, this.failures, this.statusWrites, this.statusFailures],
      new Gauge('fairway_gateway_ready', '1 once the proxy serves what is planned.', flag(gauges.isReady)),
      new Gauge('fairway_gateway_leading', '1 while this process writes the status of Ingresses.', flag(gauges.leading)),
      new Gauge('fairway_api_connected', '1 while the API server is heard.', flag(gauges.connected)),
      new Gauge('fairway_gateway_ingresses', 'Ingresses of classes that are served.', gauges.ingresses),
      new Gauge('fairway_gateway_entries', 'Listeners, rules, backends and certificates that are planned.', gauges.entries),
      new Gauge('fairway_gateway_pending', 'Those that the proxy does not have as planned.', gauges.pending),
      new Gauge('fairway_gateway_findings', 'What is known to be wrong.', gauges.findings),
      reloads(gauges.reloads),
      counted('fairway_gateway_commands_total', 'Commands that changed the proxy while it ran.', gauges.commands),
      new Gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss()),
    ]
  }
}

function reloads(read: GatewayGauges['reloads']): Metric {
  const name = 'fairway_gateway_reloads_total'
  const help = 'Times that the proxy read its files anew, by the reason.'
  return {
    name,
    help,
    type: 'counter',
    lines: () => [...read()].map(([reason, count]) => `${name}{reason="${reason}"} ${count}`),
  }
}

function counted(name: string, help: string, read: () => number): Metric {
  return { name, help, type: 'counter', lines: () => [`${name} ${read()}`] }
}
