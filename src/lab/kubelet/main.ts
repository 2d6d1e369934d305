/** The process `lab-kubelet`: runs in its node's network namespace, as root. Flags: docs/design/lab.md. */
import { closeSync, writeSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '../../kube/client.ts'
import { loadKubeConfig } from '../../kube/config.ts'
import { createEventRecorder } from '../../kube/events.ts'
import { logger } from '../../log/log.ts'
import { makeCatalogue } from '../images/catalogue.ts'
import { AddressBook } from './address-book.ts'
import { type KubeletFlags, parseKubeletFlags } from './flags.ts'
import { NodeHeartbeat } from './heartbeat.ts'
import { readMachine } from './node-object.ts'
import type { NodeContext } from './pod-worker.ts'
import { NodePods, sweepNode } from './pods.ts'
import { canonicalAddress } from './range.ts'
import { startKubeletServer } from './server.ts'

/** How long containers may take to end by themselves when the runner ends. */
const SHUTDOWN_GRACE_IN_MS = 1_000

export async function main(args: readonly string[]): Promise<void> {
  const flags = parseKubeletFlags(args)
  const stopping = new AbortController()
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  const pods = await startKubelet(flags, stopping.signal)
  signalReady(flags.readyFd)
  await stopped
  stopping.abort()
  await pods.shutDown(SHUTDOWN_GRACE_IN_MS)
  process.exit(0)
}

/** Starts everything; resolves when the node is Ready, its pods are being run and logs are served. @throws {FairwayError} */
export async function startKubelet(flags: KubeletFlags, signal: AbortSignal): Promise<NodePods> {
  const log = logger('kubelet')
  const dir = join(flags.dir, flags.node)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await sweepNode(flags.lab, dir)
  const client = createClient(loadKubeConfig({ path: flags.kubeconfig }))
  const nodeAddresses = flags.nodeAddresses.map(canonicalAddress)
  const node: NodeContext = {
    lab: flags.lab,
    node: flags.node,
    nodeAddresses,
    dir,
    client,
    recorder: createEventRecorder({ client, component: 'kubelet', host: flags.node }),
    catalogue: makeCatalogue(flags.images),
    addresses: await AddressBook.open(join(dir, 'addresses.json'), flags.podRanges),
    signal,
  }
  const pods = new NodePods(node)
  const servers = await startKubeletServer(flags, nodeAddresses, pods)
  signal.addEventListener('abort', () => {
    for (const server of servers) server.closeAllConnections()
  })
  const wish = { name: flags.node, addresses: nodeAddresses, podRanges: flags.podRanges, controlPlane: flags.controlPlane }
  const heartbeat = new NodeHeartbeat(client, wish, await readMachine(), signal)
  await heartbeat.register()
  heartbeat.keep()
  await pods.start()
  log.info({ node: flags.node, pods: pods.workers.size }, 'the node is ready')
  return pods
}

/** s6's notification: one line, then the end of the descriptor. */
function signalReady(fd: number): void {
  if (fd < 0) return
  writeSync(fd, 'READY\n')
  closeSync(fd)
}
