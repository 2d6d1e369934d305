/** When a lab is ready: every process says so, and every node is Ready in the API. */
import { createClient, type KubeClient } from '../kube/client.ts'
import { loadKubeConfig } from '../kube/config.ts'
import { NODES } from '../kube/resource.ts'
import type { Node } from '../kube/types.ts'
import { FairwayError } from '../model/code.ts'
import { LAB_API_UNREACHABLE, LAB_PROCESS_FAILED, LAB_START_TIMEOUT } from '../model/codes/lab.ts'
import { hostsThatCanServe, hostsWithProcesses } from './faults.ts'
import { lastLines } from './log-files.ts'
import { kubeconfigPath, type LabProcess, type LabState, labPaths } from './state.ts'
import { watchSupervisor } from './supervisor/control.ts'

/** A process that ended so often without ever being ready is not going to be. */
const HOPELESS_RESTARTS = 4
const NODE_POLL_IN_MS = 40

/** A client with all rights, from where this process is: the machine's loopback, or a shell inside the lab. */
export function labClient(lab: string): KubeClient {
  const user = process.env.FAIRWAY_LAB_HOST === undefined ? 'admin' : 'client'
  return createClient(loadKubeConfig({ path: kubeconfigPath(lab, user) }))
}

/** The nodes as the API has them. @throws {FairwayError} LAB_API_UNREACHABLE */
export async function labNodes(lab: string): Promise<readonly Node[]> {
  const client = labClient(lab)
  try {
    return (await client.list(NODES, { attempts: 1, timeoutInMs: 3_000 })).items
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new FairwayError(LAB_API_UNREACHABLE, `The API server of the lab ${lab} does not answer: ${reason}`, { cause })
  } finally {
    client.close()
  }
}

export function isReady(node: Node): boolean {
  return node.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false
}

/** Waits for what can be ready, considering the faults. @throws {FairwayError} LAB_PROCESS_FAILED, LAB_START_TIMEOUT */
export async function untilReady(state: LabState, timeoutInMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutInMs)
  try {
    await untilProcessesReady(state, signal)
    await untilNodesReady(state, signal)
  } catch (error) {
    if (!signal.aborted) throw error
    const { names, reason } = await laggards(state)
    throw new FairwayError(LAB_START_TIMEOUT, `After ${timeoutInMs / 1000} s these are not ready: ${names.join(', ')}.`, {
      cause: reason,
    })
  }
}

async function untilProcessesReady(state: LabState, signal: AbortSignal): Promise<void> {
  const canRun = hostsWithProcesses(state)
  for await (const { processes } of watchSupervisor(labPaths(state.name).control, signal)) {
    const due = processes.filter(({ host }) => canRun.has(host))
    if (due.every(({ phase }) => phase === 'ready')) return
    const hopeless = due.find((one) => one.phase === 'waiting' && one.restarts >= HOPELESS_RESTARTS)
    if (hopeless !== undefined) throw processFailed(state, hopeless)
  }
  signal.throwIfAborted()
  throw new FairwayError(LAB_PROCESS_FAILED, `The lab's supervisor ended: ${lastLines(state.name, 'lab-supervisor')}`)
}

/** A list now and then: for the seconds that it takes, a watch would be more machinery and not faster. */
async function untilNodesReady(state: LabState, signal: AbortSignal): Promise<void> {
  const due = [...hostsThatCanServe(state)]
  if (due.length === 0) return
  const client = labClient(state.name)
  try {
    for (;;) {
      signal.throwIfAborted()
      const nodes = await client.list(NODES, { signal }).catch(() => ({ items: [] as Node[] }))
      const ready = new Set(nodes.items.filter(isReady).map((node) => node.metadata.name))
      if (due.every((name) => ready.has(name))) return
      await new Promise((resolve) => setTimeout(resolve, NODE_POLL_IN_MS))
    }
  } finally {
    client.close()
  }
}

function processFailed(state: LabState, { name, lastExit }: LabProcess): FairwayError {
  return new FairwayError(LAB_PROCESS_FAILED, `${name} ends again and again (${lastExit}): ${lastLines(state.name, name)}`, {
    fix: `Read its log with \`fairway lab logs ${name}\`; \`fairway lab down\` takes the lab away.`,
  })
}

async function laggards(state: LabState): Promise<{ readonly names: readonly string[]; readonly reason: unknown }> {
  try {
    for await (const { processes } of watchSupervisor(labPaths(state.name).control, AbortSignal.timeout(1_000))) {
      const slow = processes.filter(({ phase }) => phase !== 'ready').map(({ name }) => name)
      if (slow.length > 0) return { names: slow, reason: undefined }
      const nodes = await labNodes(state.name)
      return { names: nodes.filter((node) => !isReady(node)).map((node) => `node ${node.metadata.name}`), reason: undefined }
    }
    return { names: ['lab-supervisor'], reason: undefined }
  } catch (reason) {
    return { names: ['lab-apiserver'], reason }
  }
}
