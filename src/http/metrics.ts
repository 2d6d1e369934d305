/** Metrics in the Prometheus text format, version 0.0.4. */

export interface Metric {
  readonly name: string
  readonly help: string
  /** Its lines, without HELP and TYPE. */
  lines(): readonly string[]
  readonly type: 'counter' | 'gauge' | 'histogram'
}

/** Only goes up. */
export class Counter implements Metric {
  readonly type = 'counter'
  readonly name: string
  readonly help: string
  value = 0

  constructor(name: string, help: string) {
    this.name = name
    this.help = help
  }

  add(by = 1): void {
    this.value += by
  }

  lines(): readonly string[] {
    return [`${this.name} ${this.value}`]
  }
}

/** A value of the moment, read when it is asked for. */
export class Gauge implements Metric {
  readonly type = 'gauge'
  readonly name: string
  readonly help: string
  private readonly read: () => number

  constructor(name: string, help: string, read: () => number) {
    this.name = name
    this.help = help
    this.read = read
  }

  lines(): readonly string[] {
    return [`${this.name} ${this.read()}`]
  }
}

/** How many observations were at most so large, for each bound; bounds ascend. */
export class Histogram implements Metric {
  readonly type = 'histogram'
  readonly name: string
  readonly help: string
  private readonly bounds: readonly number[]
  private readonly counts: number[]
  private sum = 0
  private count = 0

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name
    this.help = help
    this.bounds = bounds
    this.counts = bounds.map(() => 0)
  }

  observe(value: number): void {
    this.sum += value
    this.count++
    const at = this.bounds.findIndex((bound) => value <= bound)
    if (at >= 0) this.counts[at] = (this.counts[at] ?? 0) + 1
  }

  lines(): readonly string[] {
    let below = 0
    const buckets = this.bounds.map((bound, at) => {
      below += this.counts[at] ?? 0
      return `${this.name}_bucket{le="${bound}"} ${below}`
    })
    return [
      ...buckets,
      `${this.name}_bucket{le="+Inf"} ${this.count}`,
      `${this.name}_sum ${this.sum}`,
      `${this.name}_count ${this.count}`,
    ]
  }
}

/** The text of a scrape; its content type is `METRICS_TYPE`. */
export function renderMetrics(metrics: readonly Metric[]): string {
  const parts = metrics.map((metric) => [
    `# HELP ${metric.name} ${metric.help}`,
    `# TYPE ${metric.name} ${metric.type}`,
    ...metric.lines(),
  ])
  return `${parts.flat().join('\n')}\n`
}

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'
