/** The nodes that a floating address may be at: those with a Ready pod for it. Pure. */
import { holderKey, subjectOf, titleOf } from '../model/address-holder.ts'
import type { Code, Finding } from '../model/code.ts'
import { FLOATING_NO_POD, FLOATING_POD_UNREACHABLE } from '../model/codes/floating.ts'
import type { FloatingAddress, FloatingCandidate } from '../model/load-balancer.ts'
import type { Node, NodeName, Pod } from '../model/world.ts'
import { ranked } from './l2-rank.ts'
import { anyChooses, chooses } from './selector.ts'

export interface CandidateGround {
  /** Of any namespace. */
  readonly pods: Iterable<Pod>
  readonly nodes: ReadonlyMap<NodeName, Node>
  /** Where the address is now; '' when it is nowhere. */
  readonly at: NodeName
}

export interface Candidates {
  /** One a node, the first choice first. */
  readonly candidates: readonly FloatingCandidate[]
  readonly findings: readonly Finding[]
}

/**
 * Shape:  pods that are on their way out count only while there are no others, so that an address leaves before its pod does. Of several
 *         pods of a node the oldest one stands for it.
 * Order:  the node where the address is, then former candidates as they were, then new ones by hash: an address moves only when it must,
 *         and addresses of new objects spread. The order of pods never matters.
 * Errors: never throws; without a candidate the reason is a finding.
 */
export function planCandidates(floating: FloatingAddress, { pods, nodes, at }: CandidateGround): Candidates {
  const [namespace = ''] = floating.key.split('/')
  const meant = [...pods].filter(
    ({ key, labels, finished }) => !finished && key.startsWith(`${namespace}/`) && chooses(floating.pods, labels),
  )
  const reachable = meant.filter(({ hostNetwork, hostPorts }) => hostNetwork || hostPorts.length > 0)
  const ready = reachable.filter((pod) => pod.ready)
  const placed = ready.filter(({ node }) => anyChooses(floating.nodes, nodes.get(node)?.labels ?? {}) && nodes.has(node))
  const staying = placed.filter(({ terminating }) => !terminating)
  const candidates = inOrder(floating, onePerNode(staying.length > 0 ? staying : placed), at)
  const findings = candidates.length > 0 ? [] : [whyNone(floating, [meant, reachable, ready])]
  return { candidates, findings }
}

function onePerNode(pods: readonly Pod[]): ReadonlyMap<NodeName, Pod> {
  const oldestLast = pods.toSorted((one, other) => other.createdAtInMs - one.createdAtInMs || (one.key < other.key ? 1 : -1))
  return new Map(oldestLast.map((pod) => [pod.node, pod]))
}

function inOrder(floating: FloatingAddress, pods: ReadonlyMap<NodeName, Pod>, at: NodeName): readonly FloatingCandidate[] {
  const all = [...pods.keys()].map((node) => ({ node, weight: 0 }))
  const order = [at, ...floating.candidates.map(({ node }) => node), ...ranked(floating.key, all)]
  const nodes = [...new Set(order)].filter((node) => pods.has(node))
  return nodes.map((node) => ({ node, pod: pods.get(node)?.key.split('/')[1] ?? '' }))
}

function whyNone({ key }: FloatingAddress, [meant, reachable, ready]: readonly (readonly Pod[])[]): Finding {
  const holder = holderKey('floatingaddress', key)
  const about = (code: Code, why: string): Finding => {
    return { code, subjects: [subjectOf(holder)], message: `${titleOf(holder)} is at no node: ${why}.`, fix: code.fix }
  }
  const [count, able, up] = [meant?.length ?? 0, reachable?.length ?? 0, ready?.length ?? 0]
  if (count === 0) return about(FLOATING_NO_POD, 'its selector chooses no pod of its namespace')
  if (able === 0) return about(FLOATING_POD_UNREACHABLE, `its ${podsText(count)} neither hostNetwork nor a hostPort`)
  if (up === 0) return about(FLOATING_NO_POD, able === 1 ? 'its pod is not Ready' : `none of its ${able} pods is Ready`)
  return about(FLOATING_NO_POD, 'its nodeSelectors choose no node with a Ready pod')
}

function podsText(count: number): string {
  return count === 1 ? 'pod has' : `${count} pods have`
}
