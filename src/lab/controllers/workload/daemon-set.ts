/** Which nodes have a pod of a DaemonSet, and which pods make room for newer ones. Source: pkg/controller/daemon. */
import type { DaemonSet, DaemonSetStatus } from '../../../kube/apps.ts'
import type { Node, Pod, PodSpec, Taint, Toleration } from '../../../kube/types.ts'
import { matchesNode, untolerated } from '../node-match.ts'
import { controllerReference } from './ownership.ts'
import { isActive, isAvailable, isReadyPod } from './pod-state.ts'
import { templateHash } from './revision.ts'
import { resolveShare } from './rolling-share.ts'

const REVISION_LABEL = 'controller-revision-hash'

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
    else remove.push(...present.toSorted(byAge).slice(1))
    remove.push(...here.filter((pod) => hasFailed(pod) && pod.metadata.deletionTimestamp === undefined))
  }
  return { create, remove: [...remove, ...outdated(view, new Set(remove))], status }
}

/** Old pods whose turn it is: those that serve nobody at once, others as far as enough stay available. */
function outdated(view: DaemonSetView, going: ReadonlySet<Pod>): readonly Pod[] {
  const { set, nodes, pods, nowInMs } = view
  const { updateStrategy, minReadySeconds = 0 } = set.spec ?? {}
  if (updateStrategy?.type === 'OnDelete') return []
  const hash = revisionHash(set)
  const wanted = nodes.filter((node) => isWanted(set, node))
  const byNode = podsByNode(pods)
  const present = wanted.map((node) =>
    (byNode.get(node.metadata.name ?? '') ?? []).find((pod) => isActive(pod) && !going.has(pod)),
  )
  const works = (pod: Pod | undefined): boolean => pod !== undefined && isAvailable(pod, minReadySeconds, nowInMs)
  // rounded up, unlike a Deployment's
  const maxUnavailable = resolveShare(updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, wanted.length, 'up')
  const old = present.filter((pod) => pod !== undefined).filter((pod) => pod.metadata.labels?.[REVISION_LABEL] !== hash)
  const room = Math.max(0, maxUnavailable - present.filter((pod) => !works(pod)).length)
  return [...old.filter((pod) => !works(pod)), ...old.filter(works).slice(0, room)]
}

function revisionHash(set: DaemonSet): string {
  return templateHash(set.spec?.template, undefined)
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
