import type { KindRecord, KubeletStream, PostAction, RawObject } from '../../kind.ts'
import { timestamp } from '../../metadata.ts'
import { ageColumn, column, defineKind, nameColumn, wide } from '../define.ts'
import { allowanceOf, budgetsOf, isHealthy } from '../disruption-budget.ts'
import { NOTHING, type View } from '../view.ts'
import { admitAccount } from './account.ts'
import { readinessGatesText, restartsText, summarize } from './columns.ts'
import { podDefaults, qosClass } from './defaults.ts'
import { specOf, statusOf } from './types.ts'
import { validatePod } from './validate.ts'

interface BindingBody extends RawObject {
  target?: { kind?: string; name?: string }
}

const TOPOLOGY = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

/** Labels of a node that say where it is: its pods get them. Source: kubernetes plugin/pkg/admission/podtopologylabels. */
function topologyOf(view: View, node: string | undefined): Readonly<Record<string, string>> {
  const labels = view('nodes').find(({ metadata }) => metadata.name === node)?.metadata.labels ?? {}
  return Object.fromEntries(TOPOLOGY.flatMap((key) => (labels[key] === undefined ? [] : [[key, labels[key]]])))
}

/** The scheduler's word: the pod goes to the node that the body names, once. */
const binding = (view: View): PostAction => ({
  group: '',
  version: 'v1',
  kind: 'Binding',
  schema: 'io.k8s.api.core.v1.Binding',
  act(pod, body, nowInMs) {
    const { target } = body as BindingBody
    const spec = specOf(pod)
    const name = pod.metadata.name ?? ''
    if (pod.metadata.deletionTimestamp !== undefined)
      return { conflict: `pod ${name} is being deleted, cannot be assigned to a host` }
    if (spec.nodeName) return { conflict: `pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}` }
    spec.nodeName = target?.name ?? ''
    pod.metadata.labels = { ...pod.metadata.labels, ...topologyOf(view, target?.name) }
    if (Object.keys(pod.metadata.labels).length === 0) delete pod.metadata.labels
    pod.metadata.annotations = { ...pod.metadata.annotations, ...body.metadata?.annotations }
    if (Object.keys(pod.metadata.annotations).length === 0) delete pod.metadata.annotations
    const status = statusOf(pod)
    const conditions = (status.conditions ?? []).filter(({ type }) => type !== 'PodScheduled')
    pod.status = {
      ...status,
      conditions: [...conditions, { type: 'PodScheduled', status: 'True', lastTransitionTime: timestamp(nowInMs) }],
    }
    return { next: 'update' }
  },
})

/** An eviction is a deletion that disruption budgets may put off. Source: kubernetes pkg/registry/core/pod/storage/eviction.go. */
const eviction = (view: View): PostAction => ({
  group: 'policy',
  version: 'v1',
  kind: 'Eviction',
  schema: 'io.k8s.api.policy.v1.Eviction',
  act(pod) {
    const { phase } = statusOf(pod)
    const counts = pod.metadata.deletionTimestamp === undefined && phase === 'Running'
    for (const budget of counts ? budgetsOf(pod, view) : []) {
      const { name, currentHealthy, desiredHealthy, disruptionsAllowed } = allowanceOf(budget, view)
      const spare = !isHealthy(pod) && currentHealthy >= desiredHealthy && desiredHealthy > 0
      if (disruptionsAllowed > 0 || spare) continue
      const message = `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
      return {
        tooMany: "Cannot evict pod as it would violate the pod's disruption budget.",
        cause: { reason: 'DisruptionBudget', message },
      }
    }
    return { next: 'delete' }
  },
})

const flag = (name: string) => ({ name, flag: true })
const standardStreams = { stdin: flag('input'), stdout: flag('output'), stderr: flag('error'), tty: flag('tty') }

/** Source of the kubelet's names: kubernetes pkg/registry/core/pod/strategy.go, streamParams. */
const streams: Readonly<Record<string, KubeletStream>> = {
  exec: {
    kind: 'PodExecOptions',
    path: 'exec',
    container: true,
    parameters: { ...standardStreams, command: { name: 'command', flag: false } },
  },
  attach: { kind: 'PodAttachOptions', path: 'attach', container: true, parameters: standardStreams },
  portforward: {
    kind: 'PodPortForwardOptions',
    path: 'portForward',
    container: false,
    parameters: { ports: { name: 'port', flag: false } },
  },
}

export const pod: KindRecord = defineKind({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status', 'attach', 'binding', 'eviction', 'exec', 'log', 'portforward'],
  streams,
  actions: { binding: binding(NOTHING), eviction: eviction(NOTHING) },
  schema: 'io.k8s.api.core.v1.Pod',
  countsGeneration: true,
  returnsDeleted: true,
  selectableFields: {
    'spec.nodeName': (object) => specOf(object).nodeName ?? '',
    'spec.restartPolicy': (object) => specOf(object).restartPolicy ?? '',
    'spec.schedulerName': (object) => specOf(object).schedulerName ?? '',
    'spec.serviceAccountName': (object) => specOf(object).serviceAccountName ?? '',
    'spec.hostNetwork': (object) => String(specOf(object).hostNetwork ?? false),
    'status.phase': (object) => statusOf(object).phase ?? '',
    'status.podIP': (object) => statusOf(object).podIP ?? '',
    'status.nominatedNodeName': (object) => statusOf(object).nominatedNodeName ?? '',
  },
  defaults: podDefaults,
  prepare(object, old) {
    if (old === undefined) object.status = { phase: 'Pending', qosClass: qosClass(specOf(object)) }
  },
  validate: validatePod,
  gracePeriodInSeconds(object) {
    const { nodeName, terminationGracePeriodSeconds = 30 } = specOf(object)
    const { phase } = statusOf(object)
    return !nodeName || phase === 'Succeeded' || phase === 'Failed' ? 0 : terminationGracePeriodSeconds
  },
  columns: [
    nameColumn,
    column('Ready', 'string', 'The aggregate readiness state of this pod for accepting traffic.', (object) => {
      const { ready, total } = summarize(object)
      return `${ready}/${total}`
    }),
    column('Status', 'string', 'The aggregate status of the containers in this pod.', (object) => summarize(object).reason),
    column(
      'Restarts',
      'string',
      'The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.',
      restartsText,
    ),
    ageColumn,
    wide(
      'IP',
      'string',
      'api.core.v1.PodStatus.podIP',
      (object) => statusOf(object).podIPs?.[0]?.ip || statusOf(object).podIP || '<none>',
    ),
    wide('Node', 'string', 'api.core.v1.PodSpec.nodeName', (object) => specOf(object).nodeName || '<none>'),
    wide(
      'Nominated Node',
      'string',
      'api.core.v1.PodStatus.nominatedNodeName',
      (object) => statusOf(object).nominatedNodeName || '<none>',
    ),
    wide('Readiness Gates', 'string', 'api.core.v1.PodSpec.readinessGates', readinessGatesText),
  ],
})

/** The Pod kind of a cluster; `view` is where bindings find nodes, evictions find budgets, and new pods their account. */
export const makePod = (view: View): KindRecord => ({
  ...pod,
  actions: { binding: binding(view), eviction: eviction(view) },
  admit: (object) => admitAccount(object, view),
})
