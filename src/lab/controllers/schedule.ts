/** On which node a pod runs, or why on none: the scheduler's decision. */
import type { Node, Pod, Taint } from '../../kube/types.ts'
import { matchesNode, untolerated } from './node-match.ts'
import { hostPortsClash } from './port-claims.ts'

export interface Cluster {
  readonly nodes: readonly Node[]
  /** Every pod that is on a node, or on its way there, by node name. */
  readonly podsOf: ReadonlyMap<string, readonly Pod[]>
}

export type Decision = { readonly node: string } | { readonly problem: string }

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }
const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }

const CORDONED = 'node(s) were unschedulable'
const TAINTED = 'node(s) had untolerated taint(s)'
const UNWANTED = "node(s) didn't match Pod's node affinity/selector"
const PORTS_TAKEN = "node(s) didn't have free ports for the requested pod ports"
const NO_VICTIMS = 'No preemption victims found for incoming pod'
const NO_HELP = 'Preemption is not helpful for scheduling'

/**
 * Decides on one pod.
 *
 * Order:  the node with the fewest pods, then by name: the same cluster gives the same answer.
 * Words:  those of kube-scheduler 1.36 (framework.FitError, defaultpreemption), reasons counted and sorted as text.
 */
export function schedule(pod: Pod, cluster: Cluster): Decision {
  if (cluster.nodes.length === 0) return { problem: 'no nodes available to schedule pods' }
  const fitting: Node[] = []
  const reasons: string[] = []
  for (const node of cluster.nodes) {
    const reason = refusal(pod, node, cluster)
    if (reason === '') fitting.push(node)
    else reasons.push(reason)
  }
  const load = (node: Node): number =>
    (cluster.podsOf.get(node.metadata.name ?? '') ?? []).filter((each) => !isFinished(each)).length
  const [best] = fitting.toSorted((a, b) => load(a) - load(b) || compare(a.metadata.name ?? '', b.metadata.name ?? ''))
  return best === undefined ? { problem: problemOf(reasons) } : { node: best.metadata.name ?? '' }
}

/** Why a node cannot have a pod, in the order of the scheduler's filters; '' if it can. */
function refusal(pod: Pod, node: Node, cluster: Cluster): string {
  if (node.spec?.unschedulable === true && untolerated(pod, [UNSCHEDULABLE]) !== undefined) return CORDONED
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
  const taints = (node.spec?.taints ?? []).filter(({ key }) => key !== UNSCHEDULABLE.key)
  if (untolerated(pod, ready ? taints : [...taints, NOT_READY]) !== undefined) return TAINTED
  if (!matchesNode(pod, node)) return UNWANTED
  const others = (cluster.podsOf.get(node.metadata.name ?? '') ?? []).filter((each) => !isFinished(each))
  return hostPortsClash(pod, others) ? PORTS_TAKEN : ''
}

/** Only pods in the way of a port could be preempted, and in the lab all have one priority. */
function problemOf(reasons: readonly string[]): string {
  const head = `0/${reasons.length} nodes are available:`
  const preemption = reasons.map((reason) => (reason === PORTS_TAKEN ? NO_VICTIMS : NO_HELP))
  return `${head} ${counted(reasons)}. no new claims to deallocate, preemption: ${head} ${counted(preemption)}.`
}

function counted(reasons: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .toSorted(compare)
    .join(', ')
}

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
}

/** Whether a pod waits for this scheduler. */
export function isPending(pod: Pod): boolean {
  const spec: { readonly schedulingGates?: readonly unknown[] } & NonNullable<Pod['spec']> = pod.spec ?? { containers: [] }
  const ours = (spec.schedulerName || 'default-scheduler') === 'default-scheduler'
  return (
    ours &&
    !spec.nodeName &&
    pod.metadata.deletionTimestamp === undefined &&
    !isFinished(pod) &&
    (spec.schedulingGates ?? []).length === 0
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
