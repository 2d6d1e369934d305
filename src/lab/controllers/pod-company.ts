/** Which pods a pod wants near it, and which far. Source: kube-scheduler, plugins/interpodaffinity and podtopologyspread. */
import type { LabelSelector } from '../../kube/apps.ts'
import type { Node, Pod } from '../../kube/types.ts'
import type { Cluster, Refusal } from './cluster.ts'
import { matchesNode } from './node-match.ts'
import { matchesLabels } from './workload/label-selector.ts'

interface Term {
  readonly labelSelector?: LabelSelector
  readonly namespaces?: readonly string[]
  /** Only the one for all namespaces, `{}`, is heeded. */
  readonly namespaceSelector?: LabelSelector
  readonly topologyKey: string
}

interface Constraint {
  readonly maxSkew: number
  readonly topologyKey: string
  readonly whenUnsatisfiable: string
  readonly labelSelector?: LabelSelector
}

interface Terms {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly Term[]
}

interface CompanySpec {
  readonly affinity?: { readonly podAffinity?: Terms; readonly podAntiAffinity?: Terms }
  readonly topologySpreadConstraints?: readonly Constraint[]
}

interface Placed {
  readonly pod: Pod
  readonly node: Node
}

const LONELY: Refusal = { reason: "node(s) didn't match pod affinity rules", curable: false }
const UNWELCOME: Refusal = { reason: "node(s) didn't match pod anti-affinity rules", curable: true }
const SHUNNED: Refusal = { reason: "node(s) didn't satisfy existing pods anti-affinity rules", curable: true }
const SKEWED: Refusal = { reason: "node(s) didn't match pod topology spread constraints", curable: true }
const NOWHERE: Refusal = {
  reason: "node(s) didn't match pod topology spread constraints (missing required label)",
  curable: false,
}

const specOf = (pod: Pod): CompanySpec => (pod.spec ?? {}) as CompanySpec
const near = (pod: Pod) => specOf(pod).affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
const far = (pod: Pod) => specOf(pod).affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
const labelOf = (node: Node, key: string): string | undefined => node.metadata.labels?.[key]

/** The pods of a cluster where they are, and those among them that keep others away: the same for every node that is looked at. */
export interface Company {
  readonly placed: readonly Placed[]
  readonly shunning: readonly Placed[]
}

export function companyOf({ nodes, podsOf }: Cluster): Company {
  const placed = nodes.flatMap((node) => (podsOf.get(node.metadata.name ?? '') ?? []).map((pod) => ({ pod, node })))
  return { placed, shunning: placed.filter(({ pod }) => far(pod).length > 0) }
}

/** Why a pod cannot be on a node because of pods that are there, or that are not. */
export function companyRefusal(
  pod: Pod,
  node: Node,
  { cluster, company }: { cluster: Cluster; company: Company },
): Refusal | undefined {
  return spreadRefusal(pod, node, cluster) ?? affinityRefusal(pod, node, company)
}

function affinityRefusal(pod: Pod, node: Node, { placed, shunning }: Company): Refusal | undefined {
  if (near(pod).length > 0 && !hasFriends(pod, node, placed)) return LONELY
  const clash = (term: Term, owner: Pod, other: Placed): boolean =>
    sharePlace(other.node, node, term.topologyKey) && means(term, owner, other.pod)
  if (far(pod).some((term) => placed.some((other) => clash(term, pod, other)))) return UNWELCOME
  const shuns = ({ pod: other, node: place }: Placed): boolean =>
    far(other).some((term) => sharePlace(place, node, term.topologyKey) && means(term, other, pod))
  return shunning.some(shuns) ? SHUNNED : undefined
}

function hasFriends(pod: Pod, node: Node, placed: readonly Placed[]): boolean {
  const wished = near(pod)
  const friends = placed.filter(({ pod: other }) => wished.every((term) => means(term, pod, other)))
  if (friends.length > 0)
    return wished.every(({ topologyKey }) => friends.some((friend) => sharePlace(friend.node, node, topologyKey)))
  // the first of a group that wants to be together has nobody to be with yet
  return wished.every((term) => means(term, pod, pod) && labelOf(node, term.topologyKey) !== undefined)
}

/** Whether a term of one pod is about another. */
function means(term: Term, owner: Pod, other: Pod): boolean {
  const { namespaces = [], namespaceSelector } = term
  const everywhere =
    namespaceSelector !== undefined && Object.values(namespaceSelector).every((part) => Object.keys(part).length === 0)
  const own = namespaces.length === 0 && namespaceSelector === undefined ? [owner.metadata.namespace] : namespaces
  if (!everywhere && !own.includes(other.metadata.namespace ?? '')) return false
  return matchesLabels(term.labelSelector, other.metadata.labels)
}

function sharePlace(one: Node, other: Node, key: string): boolean {
  const label = labelOf(one, key)
  return label !== undefined && label === labelOf(other, key)
}

/** Domains are those of nodes that the pod may be on; what leaves already does not count. */
function spreadRefusal(pod: Pod, node: Node, { nodes, podsOf }: Cluster): Refusal | undefined {
  const hard = (specOf(pod).topologySpreadConstraints ?? []).filter((each) => each.whenUnsatisfiable === 'DoNotSchedule')
  if (hard.length === 0) return undefined
  if (hard.some(({ topologyKey }) => labelOf(node, topologyKey) === undefined)) return NOWHERE
  const eligible = nodes.filter(
    (each) => matchesNode(pod, each) && hard.every(({ topologyKey }) => labelOf(each, topologyKey) !== undefined),
  )
  const fits = hard.every(({ topologyKey, labelSelector, maxSkew }) => {
    const counts = new Map<string, number>()
    for (const each of eligible) {
      const domain = labelOf(each, topologyKey) ?? ''
      const mine = (podsOf.get(each.metadata.name ?? '') ?? []).filter(
        ({ metadata }) =>
          metadata.namespace === pod.metadata.namespace &&
          metadata.deletionTimestamp === undefined &&
          matchesLabels(labelSelector, metadata.labels),
      )
      counts.set(domain, (counts.get(domain) ?? 0) + mine.length)
    }
    const self = matchesLabels(labelSelector, pod.metadata.labels) ? 1 : 0
    const here = counts.get(labelOf(node, topologyKey) ?? '') ?? 0
    return here + self - Math.min(...counts.values()) <= maxSkew
  })
  return fits ? undefined : SKEWED
}
