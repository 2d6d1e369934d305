/**
 * Whether this node carries Services, as load balancers ask on one port of every node.
 *
 * `/healthz` is 503 when rules wait too long for the kernel, or the node is about to leave: load balancers then turn away while what is
 * connected goes on. `/livez` is about the rules alone. A fresh agent is healthy: what its predecessor left in the kernel forwards.
 * Source: kubernetes pkg/proxy/healthcheck/proxy_health.go; KEP-3836.
 */
import type { Finding } from '../model/code.ts'
import { AGENT_HEALTH_PORT_TAKEN } from '../model/codes/agent.ts'
import { type HealthAnswer, HealthServer } from './health-server.ts'

export interface ProxyHealthOptions {
  /** The subject of findings. */
  readonly node: string
  /** `host` empty: every address. */
  readonly listen: { readonly host: string; readonly port: number }
  readonly isHealthy: () => boolean
  /** Whether the node stays: it is not being deleted, and nobody marked it for that. */
  readonly isStaying: () => boolean
  readonly onFinding: () => void
  readonly retryInMs?: number
}

export class ProxyHealth {
  private readonly options: ProxyHealthOptions
  private readonly server: HealthServer

  constructor(options: ProxyHealthOptions) {
    this.options = options
    const { listen, onFinding, retryInMs } = options
    const addresses = listen.host === '' ? [] : [listen.host]
    const answer = (path: string) => this.answer(path)
    this.server = new HealthServer({ addresses, port: listen.port, answer, onFailure: onFinding, retryInMs })
  }

  get ports(): readonly number[] {
    return this.server.ports
  }

  get findings(): readonly Finding[] {
    const { node, listen } = this.options
    if (this.server.failure === undefined) return []
    const message = `Port ${listen.port} for the health checks of node ${node} cannot be opened: ${this.server.failure.message}.`
    return [{ code: AGENT_HEALTH_PORT_TAKEN, subjects: [`node/${node}`], message, fix: AGENT_HEALTH_PORT_TAKEN.fix }]
  }

  close(): void {
    this.server.close()
  }

  private answer(path: string): HealthAnswer {
    const { isHealthy, isStaying } = this.options
    const currentTime = new Date().toISOString()
    const say = (good: boolean, more: object): HealthAnswer => ({
      status: good ? 200 : 503,
      body: JSON.stringify({ ...(good ? { lastUpdated: currentTime } : {}), currentTime, ...more }),
    })
    if (path === '/livez') return say(isHealthy(), {})
    if (path === '/healthz') return say(isHealthy() && isStaying(), { nodeEligible: isStaying() })
    return { status: 404, body: '{}' }
  }
}
