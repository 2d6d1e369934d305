/** Which nodes have a pod of a DaemonSet, and which pods make room for newer ones. Source: pkg/controller/daemon. */
import type { DaemonSet, DaemonSetStatus } from '../../../kube/apps.ts'
import type { Node, Pod, PodSpec, Taint, Toleration } from '../../../kube/types.ts'
import { matchesNode, untolerated } from '../node-match.ts'
import { REVISION_LABEL, revisionHash } from './daemon-revision.ts'
import { controllerReference } from './ownership.ts'
import { isActive, isAvailable, isReadyPod } from './pod-state.ts'
import { resolveShare } from './rolling-share.ts'

export interface DaemonSetView {
  /** With its apiVersion and kind. */
  readonly set: DaemonSet
  /** The pods that it controls. */
  readonly pods: readonly Pod[]
  readonly nodes: readonly Node[]
  readonly nowInMs: number
}

export interface DaemonSetPlan {
  readonly create: readonly Pod[]
  readonly remove: readonly Pod[]
  readonly status: DaemonSetStatus
}

/** What nodes may have against pods, and not against these. */
const TOLERATIONS: readonly Toleration[] = [
  ...['not-ready', 'unreachable'].map((name) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists', effect: 'NoExecute' })),
  ...['disk-pressure', 'memory-pressure', 'pid-pressure', 'unschedulable'].map((name) => ({
    key: `node.kubernetes.io/${name}`,
    operator: 'Exists',
    effect: 'NoSchedule',
  })),
]
const NETWORK: Toleration = { key: 'node.kubernetes.io/network-unavailable', operator: 'Exists', effect: 'NoSchedule' }

/** Decides on all nodes at once: missing pods, pods that must go, and the next pods of a rolling update. */
export function planDaemonSet(view: DaemonSetView): DaemonSetPlan {
  const { set, nodes, pods } = view
  const status = daemonSetStatus(view)
  if (set.metadata.deletionTimestamp !== undefined) return { create: [], remove: [], status }
  const byNode = podsByNode(pods)
  const create: Pod[] = []
  const remove: Pod[] = []
  for (const node of nodes) {
    const here = byNode.get(node.metadata.name ?? '') ?? []
    const present = here.filter(isActive)
    // one that is on its way out is waited for: two would fight over ports
    if (isWanted(set, node) && here.every(hasFailed)) create.push(daemonPod(set, node.metadata.name ?? ''))
    if (!mayStay(set, node)) remove.push(...present)
    else remove.push(...excess(view, present.toSorted(byAge)))
    remove.push(...here.filter((pod) => hasFailed(pod) && pod.metadata.deletionTimestamp === undefined))
  }
  if (surgeOf(view) > 0) return { create: [...create, ...surged(view)], remove, status }
  return { create, remove: [...remove, ...outdated(view, new Set(remove))], status }
}

/** How many nodes may have an old pod and its successor at once. */
function surgeOf({ set, nodes }: DaemonSetView): number {
  const { type = 'RollingUpdate', rollingUpdate } = set.spec?.updateStrategy ?? {}
  const wanted = nodes.filter((node) => isWanted(set, node)).length
  return type === 'RollingUpdate' ? resolveShare(rollingUpdate?.maxSurge ?? 0, wanted, 'up') : 0
}

/** Of the pods of one node, oldest first, those that are too many: an old one may wait beside its successor until that is available. */
function excess(view: DaemonSetView, pods: readonly Pod[]): readonly Pod[] {
  if (surgeOf(view) === 0) return pods.slice(1)
  const { fresh, old } = generations(view, pods)
  const rest = [...fresh.slice(1), ...old.slice(1)]
  const [oldest] = old
  if (oldest === undefined || fresh[0] === undefined) return rest
  return !isReadyPod(oldest) || works(view, fresh[0]) ? [...rest, oldest] : rest
}

/** With surge, a node gets its new pod first: at once where the old one serves nobody, elsewhere as many as may surge. */
function surged(view: DaemonSetView): readonly Pod[] {
  const { set, nodes, pods } = view
  const byNode = podsByNode(pods.filter(isActive))
  const at = nodes
    .filter((node) => isWanted(set, node))
    .map((node) => ({ name: node.metadata.name ?? '', ...generations(view, byNode.get(node.metadata.name ?? '') ?? []) }))
  const due = at.filter(({ fresh, old }) => fresh.length === 0 && old.length > 0)
  const surging = at.filter(({ fresh, old }) => old.length > 0 && fresh[0] !== undefined && !works(view, fresh[0])).length
  const [idle, serving] = [due.filter(({ old }) => !works(view, old[0])), due.filter(({ old }) => works(view, old[0]))]
  const chosen = [...idle, ...serving.slice(0, Math.max(0, surgeOf(view) - surging))]
  return chosen.map(({ name }) => daemonPod(set, name))
}

function generations(
  { set }: DaemonSetView,
  pods: readonly Pod[],
): { readonly fresh: readonly Pod[]; readonly old: readonly Pod[] } {
  const hash = revisionHash(set)
  const isFresh = ({ metadata }: Pod): boolean => metadata.labels?.[REVISION_LABEL] === hash
  return { fresh: pods.filter(isFresh), old: pods.filter((pod) => !isFresh(pod)) }
}

function works({ set, nowInMs }: DaemonSetView, pod: Pod | undefined): boolean {
  return pod !== undefined && isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowInMs)
}

/** Old pods whose turn it is: those that serve nobody at once, others as far as enough stay available. */
function outdated(view: DaemonSetView, going: ReadonlySet<Pod>): readonly Pod[] {
  const { set, nodes, pods } = view
  const { updateStrategy } = set.spec ?? {}
  if (updateStrategy?.type === 'OnDelete') return []
  const hash = revisionHash(set)
  const wanted = nodes.filter((node) => isWanted(set, node))
  const byNode = podsByNode(pods)
  const present = wanted.map((node) =>
    (byNode.get(node.metadata.name ?? '') ?? []).find((pod) => isActive(pod) && !going.has(pod)),
  )
  // rounded up, unlike a Deployment's
  const maxUnavailable = resolveShare(updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, wanted.length, 'up')
  const old = present.filter((pod) => pod !== undefined).filter((pod) => pod.metadata.labels?.[REVISION_LABEL] !== hash)
  const room = Math.max(0, maxUnavailable - present.filter((pod) => !works(view, pod)).length)
  const [idle, serving] = [old.filter((pod) => !works(view, pod)), old.filter((pod) => works(view, pod))]
  return [...idle, ...serving.slice(0, room)]
}

/** Whether a node should get a pod. A cordoned or silent node still does. */
function isWanted(set: DaemonSet, node: Node): boolean {
  return fits(set, node) && untolerated(daemonPod(set, node.metadata.name ?? ''), node.spec?.taints ?? []) === undefined
}

/** Whether a pod that is there may stay: NoSchedule drives nobody away. */
function mayStay(set: DaemonSet, node: Node): boolean {
  const driving = (node.spec?.taints ?? []).filter(({ effect }: Taint) => effect === 'NoExecute')
  return fits(set, node) && untolerated(daemonPod(set, node.metadata.name ?? ''), driving) === undefined
}

function fits(set: DaemonSet, node: Node): boolean {
  const spec = set.spec?.template?.spec
  if (spec?.nodeName && spec.nodeName !== node.metadata.name) return false
  return matchesNode({ metadata: {}, ...(spec === undefined ? {} : { spec }) }, node)
}

/** A pod for one node; the scheduler puts it there and nowhere else. */
export function daemonPod(set: DaemonSet, node: string): Pod {
  const { metadata = {}, spec = { containers: [] } } = set.spec?.template ?? {}
  const { annotations } = metadata
  const required = { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }] }
  const { affinity } = spec as PodSpec & { readonly affinity?: { readonly nodeAffinity?: object } }
  const nodeAffinity = { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required }
  const own = spec.hostNetwork === true ? [...TOLERATIONS, NETWORK] : TOLERATIONS
  const placed = {
    ...spec,
    affinity: { ...affinity, nodeAffinity },
    tolerations: [...(spec.tolerations ?? []), ...own],
  }
  return {
    metadata: {
      generateName: `${set.metadata.name}-`,
      namespace: set.metadata.namespace,
      labels: {
        ...metadata.labels,
        [REVISION_LABEL]: revisionHash(set),
        'pod-template-generation': String(set.metadata.generation ?? 1),
      },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(set)],
    },
    spec: placed,
  }
}

function daemonSetStatus({ set, pods, nodes, nowInMs }: DaemonSetView): DaemonSetStatus {
  const byNode = podsByNode(pods.filter(isActive))
  const here = (node: Node): Pod | undefined => (byNode.get(node.metadata.name ?? '') ?? []).toSorted(byAge)[0]
  const wanted = nodes.filter((node) => isWanted(set, node))
  const present = wanted.map(here).filter((pod) => pod !== undefined)
  const available = present.filter((pod) => isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowInMs)).length
  const counters = {
    updatedNumberScheduled: present.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === revisionHash(set)).length,
    numberAvailable: available,
    numberUnavailable: wanted.length - available,
  }
  return {
    currentNumberScheduled: present.length,
    numberMisscheduled: nodes.filter((node) => !wanted.includes(node) && here(node) !== undefined).length,
    desiredNumberScheduled: wanted.length,
    numberReady: present.filter(isReadyPod).length,
    ...(set.metadata.generation === undefined ? {} : { observedGeneration: set.metadata.generation }),
    ...Object.fromEntries(Object.entries(counters).filter(([, value]) => value > 0)),
  }
}

/** By the node that they are on, or are meant for. */
function podsByNode(pods: readonly Pod[]): ReadonlyMap<string, readonly Pod[]> {
  const byNode = new Map<string, Pod[]>()
  for (const pod of pods) {
    const node = pod.spec?.nodeName || meantFor(pod)
    byNode.set(node, [...(byNode.get(node) ?? []), pod])
  }
  return byNode
}

interface Placed {
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms?: readonly { readonly matchFields?: readonly { readonly values?: readonly string[] }[] }[]
      }
    }
  }
}

function meantFor(pod: Pod): string {
  const required = (pod.spec as Placed | undefined)?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required?.nodeSelectorTerms?.[0]?.matchFields?.[0]?.values?.[0] ?? ''
}

function hasFailed(pod: Pod): boolean {
  return pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded'
}

/** Those with a node first, then the oldest. */
function byAge(a: Pod, b: Pod): number {
  const key = ({ metadata, spec }: Pod) => `${spec?.nodeName ? 0 : 1} ${metadata.creationTimestamp ?? ''} ${metadata.uid ?? ''}`
  return key(a) < key(b) ? -1 : 1
}
