/**
 * The healthCheckNodePorts of Services: whether this node has ready endpoints of one.
 * Source: kubernetes pkg/proxy/healthcheck/service_health.go (status, headers and body are its).
 */
import type { Finding } from '../model/code.ts'
import { AGENT_HEALTH_PORT_TAKEN } from '../model/codes/agent.ts'
import type { ObjectKey } from '../model/world.ts'
import type { HealthCheck } from '../plan/health-check.ts'
import { type HealthAnswer, HealthServer } from './health-server.ts'

export interface HealthCheckPortsOptions {
  /** The subject of findings. */
  readonly node: string
  /** Whether rules get into the kernel; a node that does not is not to be sent anything. */
  readonly isHealthy: () => boolean
  readonly onFinding: () => void
  readonly retryInMs?: number
}

interface Open {
  readonly at: string
  readonly server: HealthServer
  check: HealthCheck
}

export class HealthCheckPorts {
  private readonly options: HealthCheckPortsOptions
  private readonly open = new Map<ObjectKey, Open>()

  constructor(options: HealthCheckPortsOptions) {
    this.options = options
  }

  /** States all checks; ports that nobody asks for any more are closed first. `addresses` empty: every one of the machine. */
  sync(checks: Iterable<HealthCheck>, addresses: readonly string[]): void {
    const wanted = new Map([...checks].map((check) => [check.service, check]))
    const placeOf = ({ port }: HealthCheck) => [port, ...addresses].join()
    for (const [service, { at, server }] of this.open) {
      const check = wanted.get(service)
      if (check !== undefined && placeOf(check) === at) continue
      server.close()
      this.open.delete(service)
    }
    for (const [service, check] of wanted) {
      const known = this.open.get(service)
      if (known === undefined) this.add(check, placeOf(check), addresses)
      else known.check = check
    }
  }

  get findings(): readonly Finding[] {
    return [...this.open.values()].flatMap(({ check, server }) => {
      if (server.failure === undefined) return []
      const subject = `service/${check.service}`
      const message = `healthCheckNodePort ${check.port} of ${subject} cannot be opened on node ${this.options.node}: ${server.failure.message}.`
      return [{ code: AGENT_HEALTH_PORT_TAKEN, subjects: [subject], message, fix: AGENT_HEALTH_PORT_TAKEN.fix }]
    })
  }

  close(): void {
    for (const { server } of this.open.values()) server.close()
    this.open.clear()
  }

  private add(check: HealthCheck, at: string, addresses: readonly string[]): void {
    const { onFinding, retryInMs } = this.options
    const answer = () => this.answer(this.open.get(check.service)?.check ?? check)
    const server = new HealthServer({ addresses, port: check.port, answer, onFailure: onFinding, retryInMs })
    this.open.set(check.service, { at, server, check })
  }

  private answer({ service, localEndpoints }: HealthCheck): HealthAnswer {
    const healthy = this.options.isHealthy()
    const [namespace, name] = service.split('/')
    return {
      status: localEndpoints > 0 && healthy ? 200 : 503,
      headers: { 'x-load-balancing-endpoint-weight': String(localEndpoints) },
      body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: healthy }, undefined, '\t'),
    }
  }
}
