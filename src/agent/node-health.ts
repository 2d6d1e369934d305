/** The ports on which this node is asked for its health: its own, and those of Services. */
import type { ListenAddress } from '../config/agent.ts'
import type { Finding } from '../model/code.ts'
import type { HealthCheck } from '../plan/health-check.ts'
import { HealthCheckPorts } from './health-check-ports.ts'
import { ProxyHealth } from './proxy-health.ts'

export interface NodeHealthOptions {
  readonly node: string
  readonly listen: ListenAddress
  /** Whether the node stays in the cluster, as far as known. */
  readonly isStaying: () => boolean
  readonly onFinding: () => void
}

/** Rules that wait longer than this for the kernel make a node unhealthy. Source: kube-proxy's healthTimeout, two sync periods. */
const PATIENCE_IN_MS = 60_000

export class NodeHealth {
  private readonly checks: HealthCheckPorts
  private readonly own: ProxyHealth
  /** Since when something waits for the kernel, by the monotonic clock. */
  private waitingSinceInMs: number | undefined

  constructor({ node, listen, isStaying, onFinding }: NodeHealthOptions) {
    const isHealthy = () => this.waitingSinceInMs === undefined || performance.now() - this.waitingSinceInMs < PATIENCE_IN_MS
    this.checks = new HealthCheckPorts({ node, isHealthy, onFinding })
    this.own = new ProxyHealth({ node, listen, isHealthy, isStaying, onFinding })
  }

  get findings(): readonly Finding[] {
    return [...this.own.findings, ...this.checks.findings]
  }

  notePending(pending: number): void {
    if (pending === 0) this.waitingSinceInMs = undefined
    else this.waitingSinceInMs ??= performance.now()
  }

  /** States the checks of Services; `addresses` empty: on every address of the machine. */
  sync(checks: Iterable<HealthCheck>, addresses: readonly string[]): void {
    this.checks.sync(checks, addresses)
  }

  close(): void {
    this.checks.close()
    this.own.close()
  }
}
