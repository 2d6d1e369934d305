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
import { readHierarchies } from './limit/sweep.ts'
import type { NodeContext } from './node-context.ts'
import { nodeAmounts, readMachine } from './node-object.ts'
import { NodePods, sweepNode } from './pods.ts'
import { canonicalAddress } from './range.ts'
import { startKubeletServer } from './server.ts'
import { followServices } from './service-env.ts'
import { FollowedData } from './volume/followed-data.ts'

/** How long containers may take to end by themselves when the runner ends. */
const SHUTDOWN_GRACE_IN_MS = 1_000

export async function main(args: readonly string[]): Promise<void> {
  const flags = parseKubeletFlags(args)
  const stopping = new AbortController()
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
  const node = await makeNode(flags, stopping.signal)
  const pods = new NodePods(node)
  const starting = startKubelet(flags, node, pods).then(() => signalReady(flags.readyFd))
  await Promise.race([starting, stopped])
  await stopped
  stopping.abort()
  await pods.shutDown(SHUTDOWN_GRACE_IN_MS)
  process.exit(0)
}

async function makeNode(flags: KubeletFlags, signal: AbortSignal): Promise<NodeContext> {
  const dir = join(flags.dir, flags.node)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const client = createClient(loadKubeConfig({ path: flags.kubeconfig }))
  return {
    lab: flags.lab,
    node: flags.node,
    nodeAddresses: flags.nodeAddresses.map(canonicalAddress),
    dir,
    client,
    recorder: createEventRecorder({ client, component: 'kubelet', host: flags.node }),
    catalogue: makeCatalogue(flags.images),
    hierarchies: readHierarchies(),
    amounts: nodeAmounts(),
    times: flags.times,
    followed: new FollowedData(client, signal),
    serviceLinks: followServices(client, signal),
    addresses: await AddressBook.open(join(dir, 'addresses.json'), flags.podRanges),
    signal,
  }
}

/** Starts everything; resolves when the node is Ready, its pods are being run and logs are served. @throws {FairwayError} */
async function startKubelet(flags: KubeletFlags, node: NodeContext, pods: NodePods): Promise<void> {
  await sweepNode(node)
  await startKubeletServer(flags, node.nodeAddresses, pods)
  const wish = {
    name: node.node,
    addresses: node.nodeAddresses,
    podRanges: flags.podRanges,
    controlPlane: flags.controlPlane,
    labels: flags.nodeLabels,
  }
  const heartbeat = new NodeHeartbeat(node.client, wish, await readMachine(), node.signal)
  await heartbeat.register()
  heartbeat.keep()
  await pods.start()
  logger('kubelet').info({ node: node.node, pods: pods.workers.size }, 'the node is ready')
}

/** s6's notification: one line, then the end of the descriptor. */
function signalReady(fd: number): void {
  if (fd < 0) return
  writeSync(fd, 'READY\n')
  closeSync(fd)
}
