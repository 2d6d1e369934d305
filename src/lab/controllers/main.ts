/** The process `lab-controllers`: scheduler, endpoints, workloads and the life of nodes. Flags: docs/design/lab.md. */
import { closeSync, writeSync } from 'node:fs'
import { createClient, type KubeClient } from '../../kube/client.ts'
import { loadKubeConfig } from '../../kube/config.ts'
import { logger } from '../../log/log.ts'
import { FairwayError } from '../../model/code.ts'
import { POD_FLAG_BAD } from '../../model/codes/pod.ts'
import { readFlags, readyFd, timesFlag } from '../kubelet/flags.ts'
import type { Times } from '../topology.ts'
import { startEndpointController } from './endpoint-loop.ts'
import { startEndpointMirror } from './endpoint-mirror-loop.ts'
import { startEviction } from './eviction-loop.ts'
import { startIngressNames } from './ingress-names-loop.ts'
import { startNamespaceContents } from './namespace-contents-loop.ts'
import { startNodeLife } from './node-life-loop.ts'
import { startScheduler } from './schedule-loop.ts'
import { startDaemonSetController } from './workload/daemon-set-loop.ts'
import { startDeploymentController } from './workload/deployment-loop.ts'
import { startReplicaSetController } from './workload/replica-set-loop.ts'

/** A lab's node is missed soon, and its pods are given up soon. Kubernetes: node-monitor-grace-period, DefaultTolerationSeconds. */
const STANDARD: Readonly<Record<Times, { readonly nodeGraceInS: number; readonly evictionInS: number }>> = {
  quick: { nodeGraceInS: 5, evictionInS: 5 },
  kubernetes: { nodeGraceInS: 40, evictionInS: 300 },
}

export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(args, ['kubeconfig', 'times', 'node-grace-seconds', 'eviction-seconds', 'hosts', 'ready-fd'], [])
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort())
  const config = loadKubeConfig({ path: flags.get('kubeconfig') })
  const client = createClient(config)
  const hosts = flags.get('hosts')
  await Promise.all([
    startControllers(client, times(flags), stopping.signal),
    startNamespaceContents(client, config.ca ?? '', stopping.signal),
    hosts === undefined ? undefined : startIngressNames(client, hosts, stopping.signal),
  ])
  logger('controllers').info('the controllers run')
  const fd = readyFd(flags)
  if (fd >= 0) {
    writeSync(fd, 'READY\n')
    closeSync(fd)
  }
  if (!stopping.signal.aborted) await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve))
  process.exit(0)
}

export interface ControllerTimes {
  /** How long a node may be silent. */
  readonly nodeGraceInMs: number
  /** How long a pod stays on a node that is not Ready, with the toleration that admission gives it. */
  readonly evictionInMs: number
}

/** Starts all; resolves when each knows the cluster. They run until the signal. */
export async function startControllers(client: KubeClient, times: ControllerTimes, signal: AbortSignal): Promise<void> {
  await Promise.all([
    startScheduler(client, signal),
    startEndpointController(client, signal),
    startEndpointMirror(client, signal),
    startNodeLife(client, times.nodeGraceInMs, signal),
    startEviction(client, times.evictionInMs, signal),
    startReplicaSetController(client, signal),
    startDeploymentController(client, signal),
    startDaemonSetController(client, signal),
  ])
}

function times(flags: ReadonlyMap<string, string>): ControllerTimes {
  const standard = STANDARD[timesFlag(flags)]
  return {
    nodeGraceInMs: secondsInMs(flags, 'node-grace-seconds', standard.nodeGraceInS),
    evictionInMs: secondsInMs(flags, 'eviction-seconds', standard.evictionInS),
  }
}

function secondsInMs(flags: ReadonlyMap<string, string>, flag: string, standard: number): number {
  const seconds = Number(flags.get(flag) ?? standard)
  if (seconds >= 1) return seconds * 1000
  throw new FairwayError(POD_FLAG_BAD, `The flag --${flag} must be a number of at least 1, not "${flags.get(flag)}".`, {
    field: `--${flag}`,
  })
}
