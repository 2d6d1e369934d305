/** On which node a pod runs, or why on none: the scheduler's decision. */
import type { Node, Pod, Taint } from '../../kube/types.ts'
import type { Cluster, Refusal } from './cluster.ts'
import { matchesNode, untolerated } from './node-match.ts'
import { lacking } from './node-room.ts'
import { type Company, companyOf, companyRefusal } from './pod-company.ts'
import { hostPortsClash } from './port-claims.ts'

export type Decision = { readonly node: string } | { readonly problem: string }

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }
const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }

const CORDONED: Refusal = { reason: 'node(s) were unschedulable', curable: false }
const TAINTED: Refusal = { reason: 'node(s) had untolerated taint(s)', curable: false }
const UNWANTED: Refusal = { reason: "node(s) didn't match Pod's node affinity/selector", curable: false }
const PORTS_TAKEN: Refusal = { reason: "node(s) didn't have free ports for the requested pod ports", curable: true }
const NO_VICTIMS = 'No preemption victims found for incoming pod'
const NO_HELP = 'Preemption is not helpful for scheduling'

/**
 * Decides on one pod.
 *
 * Order:  the node with the fewest pods of the same owner, then with the fewest pods, then by name: the same cluster gives the same
 *         answer. Pods that are on their way out count for what they hold, and not for these.
 * Words:  those of kube-scheduler 1.36 (framework.FitError, defaultpreemption), reasons counted and sorted as text.
 */
export function schedule(pod: Pod, cluster: Cluster): Decision {
  if (cluster.nodes.length === 0) return { problem: 'no nodes available to schedule pods' }
  const here = holding(cluster)
  const all = { cluster: here, company: companyOf(here) }
  const answers = here.nodes.map((node) => ({ node, refusals: refusalsOf(pod, node, all) }))
  const fitting = answers.filter(({ refusals }) => refusals.length === 0).map(({ node }) => node)
  if (fitting.length === 0) return { problem: problemOf(answers.map(({ refusals }) => refusals)) }
  const owner = ownerOf(pod)
  const ranked = fitting.map((node) => {
    const staying = podsOn(node, here).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    const siblings = owner === undefined ? 0 : staying.filter((each) => ownerOf(each) === owner).length
    return { name: node.metadata.name ?? '', siblings, load: staying.length }
  })
  const [best] = ranked.toSorted((a, b) => a.siblings - b.siblings || a.load - b.load || compare(a.name, b.name))
  return { node: best?.name ?? '' }
}

/** Without the pods that have ended: they hold nothing. */
function holding({ nodes, podsOf }: Cluster): Cluster {
  return { nodes, podsOf: new Map([...podsOf].map(([name, pods]) => [name, pods.filter((pod) => !isFinished(pod))])) }
}

function podsOn(node: Node, cluster: Cluster): readonly Pod[] {
  return cluster.podsOf.get(node.metadata.name ?? '') ?? []
}

function ownerOf(pod: Pod): string | undefined {
  return pod.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid
}

/** Why a node cannot have a pod: what the first of the scheduler's filters that refuses says; none if it can. */
function refusalsOf(pod: Pod, node: Node, all: { cluster: Cluster; company: Company }): readonly Refusal[] {
  if (node.spec?.unschedulable === true && untolerated(pod, [UNSCHEDULABLE]) !== undefined) return [CORDONED]
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
  const taints = (node.spec?.taints ?? []).filter(({ key }) => key !== UNSCHEDULABLE.key)
  if (untolerated(pod, ready ? taints : [...taints, NOT_READY]) !== undefined) return [TAINTED]
  if (!matchesNode(pod, node)) return [UNWANTED]
  const others = podsOn(node, all.cluster)
  if (hostPortsClash(pod, others)) return [PORTS_TAKEN]
  const missing = lacking(pod, node, others)
  if (missing.length > 0) return missing
  const company = companyRefusal(pod, node, all)
  return company === undefined ? [] : [company]
}

/** In the lab all pods have one priority, so there are never victims; where other pods were not in the way, none is looked for. */
function problemOf(refusals: readonly (readonly Refusal[])[]): string {
  const head = `0/${refusals.length} nodes are available:`
  const preemption = refusals.map((each) => (each.every(({ curable }) => curable) ? NO_VICTIMS : NO_HELP))
  const reasons = refusals.flatMap((each) => each.map(({ reason }) => reason))
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
