/** `fairway controller`: the role that gives addresses; several may run, one leads. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type ControllerConfig, readControllerConfig } from '../config/controller.ts'
import { serveUnix } from '../http/unix-server.ts'
import { createClient } from '../kube/client.ts'
import { loadKubeConfig } from '../kube/config.ts'
import { notifyReady } from '../linux/ready-fd.ts'
import { logger } from '../log/log.ts'
import { Controller } from './controller.ts'

const log = logger('controller')

const SOCKET = 'controller.sock'

/**
 * Runs the controller until SIGTERM or SIGINT, when it gives the Lease back.
 *
 * Exit code: 0 after a signal, 1 when it cannot run at all; the last log line then has the code and the fix.
 */
export async function main(args: readonly string[]): Promise<void> {
  try {
    await run(readControllerConfig(args, process.env))
  } catch (err) {
    log.fatal({ err }, 'the controller cannot run')
    process.exit(1)
  }
  process.exit(0)
}

async function run(config: ControllerConfig): Promise<void> {
  const client = createClient(loadKubeConfig({ path: config.kubeconfig }))
  mkdirSync(config.dir, { recursive: true, mode: 0o700 })
  const socket = join(config.dir, SOCKET)
  const stop = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort())
  const { identity, leaseNamespace, leaseInMs, loadBalancerClass } = config
  log.info({ identity, server: client.server }, 'starting')
  const controller = new Controller({ client, signal: stop.signal, identity, leaseNamespace, leaseInMs, loadBalancerClass })
  const server = await serveUnix(socket, controller.pages)
  await Promise.race([controller.start(), aborted(stop.signal)])
  if (config.readyFd !== undefined) tellReady(config.readyFd)
  await controller.run()
  await server.close()
  rmSync(socket, { force: true })
  log.info('ending; addresses stay as they are')
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function tellReady(fd: number): void {
  const err = notifyReady(fd)
  if (err !== undefined) log.warn({ err }, 'nobody listens for READY')
}
