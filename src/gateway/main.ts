/** `fairway gateway`: the role that serves Ingresses through a proxy beside it. */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type GatewayConfig, readGatewayConfig } from '../config/gateway.ts'
import { createHaproxyEngine } from '../engine/haproxy/engine.ts'
import { prepareDirectory } from '../engine/haproxy/prepare.ts'
import { METRICS_TYPE } from '../http/metrics.ts'
import { servePort } from '../http/port-server.ts'
import { type Pages, serveUnix } from '../http/unix-server.ts'
import { createClient } from '../kube/client.ts'
import { loadKubeConfig } from '../kube/config.ts'
import { notifyReady } from '../linux/ready-fd.ts'
import { logger } from '../log/log.ts'
import { Gateway } from './gateway.ts'
import type { Publish } from './published-address.ts'

const log = logger('gateway')

const SOCKET = 'gateway.sock'
/** In the directory once the proxy served a whole plan: it lives as long as what the proxy starts from. */
const SERVED = 'served'

/**
 * Runs the gateway until SIGTERM or SIGINT, when it gives the Lease back. The proxy serves on.
 *
 * Exit code: 0 after a signal, 1 when it cannot run at all; the last log line then has the code and the fix.
 */
export async function main(args: readonly string[]): Promise<void> {
  try {
    const config = readGatewayConfig(args, process.env)
    await (config.isPreparing ? prepareDirectory(config.dir) : run(config))
  } catch (err) {
    log.fatal({ err }, 'the gateway cannot run')
    process.exit(1)
  }
  process.exit(0)
}

async function run(config: GatewayConfig): Promise<void> {
  const client = createClient(loadKubeConfig({ path: config.kubeconfig }))
  await prepareDirectory(config.dir)
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort())
  log.info({ identity: config.identity, server: client.server }, 'starting')
  const engine = createHaproxyEngine(config.dir)
  const served = join(config.dir, SERVED)
  const { ingressClass, identity, leaseNamespace, leaseInMs, httpPort, httpsPort, takesProxyProtocol, defaultCertificate } =
    config
  const gateway = new Gateway({
    ...{ client, signal: stop.signal, engine, ingressClass, identity, leaseNamespace, leaseInMs },
    plan: { httpPort, httpsPort, takesProxyProtocol, defaultCertificate },
    publish: publishOf(config),
    proxy: engine,
    hasServed: existsSync(served),
  })
  const socket = join(config.dir, SOCKET)
  const pages: Pages = {
    ...gateway.pages,
    '/metrics/haproxy': async (query) => ({ type: METRICS_TYPE, text: await engine.metrics(query) }),
  }
  const server = await serveUnix(socket, pages)
  const { '/state': _, ...asked } = pages
  const port = config.health === undefined ? undefined : await servePort(config.health, asked)
  const leading = gateway.run()
  await gateway.start().then(
    () => becameReady(config, served),
    (error: unknown) => {
      if (!stop.signal.aborted) throw error
    },
  )
  await leading
  await Promise.all([server.close(), port?.close()])
  engine.close()
  rmSync(socket, { force: true })
  log.info('ending; what the proxy serves stays as it is')
}

function becameReady({ readyFd }: GatewayConfig, served: string): void {
  writeFileSync(served, '', { mode: 0o600 })
  const err = readyFd === undefined ? undefined : notifyReady(readyFd)
  if (err !== undefined) log.warn({ err }, 'nobody listens for READY')
}

function publishOf({ publishService, publishAddresses, pod }: GatewayConfig): Publish {
  if (publishService !== '') return { kind: 'service', service: publishService }
  return publishAddresses.length > 0 ? { kind: 'addresses', addresses: publishAddresses } : { kind: 'pods', pod }
}
