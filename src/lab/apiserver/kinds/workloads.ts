/**
 * Kinds that make pods. They are stored and shown, so that `kubectl get all` has its answers; nothing acts on them.
 * Source of the columns: kubernetes pkg/printers/internalversion/printers.go.
 */
import type { Column, KindRecord, RawObject } from '../kind.ts'
import { ageColumn, column, defineKind, nameColumn, selectorText, wide } from './define.ts'
import { humanDuration, since } from './duration.ts'
import { podSpecDefaults } from './pod/defaults.ts'
import type { PodSpec } from './pod/types.ts'

interface Workload extends RawObject {
  spec?: Record<string, unknown> & { replicas?: number; selector?: Selector; template?: { spec?: PodSpec } }
  status?: Record<string, unknown>
}

interface Selector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key?: string; operator?: string; values?: string[] }[]
}

const specOf = (object: RawObject): NonNullable<Workload['spec']> => (object as Workload).spec ?? {}
const count = (object: RawObject, field: string): number => ((object as Workload).status?.[field] as number | undefined) ?? 0
const desired = (object: RawObject): number => specOf(object).replicas ?? 1
const counter = (name: string, field: string, type: Column['type'] = 'integer'): Column =>
  column(name, type, `status.${field}`, (object) => count(object, field))

/** A label selector as kubectl prints it. */
function labelSelector(selector: Selector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const others = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return `${key}`
    if (operator === 'DoesNotExist') return `!${key}`
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.toSorted().join(',')})`
  })
  return [...equal.toSorted(), ...others].join(',') || '<none>'
}

function templateOf(object: RawObject): PodSpec | undefined {
  const spec = specOf(object)
  const job = (spec.jobTemplate as { spec?: Workload['spec'] } | undefined)?.spec
  return (spec.template ?? job?.template)?.spec
}

const containers = wide('Containers', 'string', 'Names of each container in the template.', (object) =>
  (templateOf(object)?.containers ?? []).map(({ name }) => name).join(','),
)
const images = wide('Images', 'string', 'Images referenced by each container in the template.', (object) =>
  (templateOf(object)?.containers ?? []).map(({ image }) => image).join(','),
)
const selector = wide('Selector', 'string', 'Selector of the pods.', (object) => labelSelector(specOf(object).selector))

const readyOf = (field: string): Column =>
  column('Ready', 'string', 'Number of the pod with ready state', (object) => `${count(object, field)}/${desired(object)}`)

function templateDefaults(object: RawObject): void {
  const template = templateOf(object)
  if (template !== undefined) podSpecDefaults(template)
  ;(object as Workload).status ??= {}
}

function deploymentDefaults(object: RawObject): void {
  templateDefaults(object)
  const spec = specOf(object)
  spec.replicas ??= 1
  const strategy = { type: 'RollingUpdate', ...(spec.strategy as object | undefined) } as Record<string, unknown>
  if (strategy.type === 'RollingUpdate')
    strategy.rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...(strategy.rollingUpdate as object | undefined) }
  spec.strategy = strategy
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
}

function jobDuration(object: RawObject, nowInMs: number): string {
  const { startTime, completionTime } = ((object as Workload).status ?? {}) as { startTime?: string; completionTime?: string }
  if (startTime === undefined) return ''
  return humanDuration((completionTime === undefined ? nowInMs : Date.parse(completionTime)) - Date.parse(startTime))
}

function jobStatus(object: RawObject): string {
  const conditions = ((object as Workload).status?.conditions ?? []) as { type?: string; status?: string }[]
  const holds = (type: string): boolean => conditions.some((condition) => condition.type === type && condition.status === 'True')
  if (holds('Complete')) return 'Complete'
  if (holds('Failed')) return 'Failed'
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating'
  if (holds('Suspended')) return 'Suspended'
  return holds('FailureTarget') ? 'FailureTarget' : 'Running'
}

interface Shape {
  readonly kind: string
  readonly plural: string
  readonly group: string
  readonly version?: string
  readonly shortNames?: readonly string[]
  readonly columns: readonly Column[]
  readonly defaults?: (object: RawObject) => void
}

const workload = ({ version = 'v1', defaults = templateDefaults, ...shape }: Shape): KindRecord =>
  defineKind({
    ...shape,
    version,
    categories: ['all'],
    namespaced: true,
    subresources: ['status'],
    schema: `io.k8s.api.${shape.group === '' ? 'core' : shape.group}.${version}.${shape.kind}`,
    countsGeneration: true,
    defaults,
    prepare(object, old) {
      if (old === undefined) object.status = {}
    },
  })

const apps = (shape: Omit<Shape, 'group'>): KindRecord => workload({ group: 'apps', ...shape })
const batch = (shape: Omit<Shape, 'group'>): KindRecord => workload({ group: 'batch', ...shape })
const counts = [
  column('Desired', 'integer', 'api.apps.v1.ReplicaSetSpec.replicas', desired),
  counter('Current', 'replicas'),
  counter('Ready', 'readyReplicas'),
]
const template = [containers, images, selector]

export const WORKLOADS: readonly KindRecord[] = [
  workload({
    group: '',
    kind: 'ReplicationController',
    plural: 'replicationcontrollers',
    shortNames: ['rc'],
    columns: [
      ...[nameColumn, ...counts, ageColumn, containers, images],
      wide('Selector', 'string', 'Selector of the pods.', (object) => selectorText(specOf(object).selector)),
    ],
  }),
  apps({
    kind: 'DaemonSet',
    plural: 'daemonsets',
    shortNames: ['ds'],
    columns: [
      ...[
        nameColumn,
        counter('Desired', 'desiredNumberScheduled'),
        counter('Current', 'currentNumberScheduled'),
        counter('Ready', 'numberReady'),
      ],
      ...[counter('Up-to-date', 'updatedNumberScheduled'), counter('Available', 'numberAvailable')],
      column('Node Selector', 'string', 'api.core.v1.PodSpec.nodeSelector', (object) =>
        selectorText(templateOf(object)?.nodeSelector),
      ),
      ...[ageColumn, ...template],
    ],
  }),
  apps({
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    defaults: deploymentDefaults,
    columns: [
      ...[nameColumn, readyOf('readyReplicas'), counter('Up-to-date', 'updatedReplicas', 'string')],
      ...[counter('Available', 'availableReplicas', 'string'), ageColumn, ...template],
    ],
  }),
  apps({
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    columns: [nameColumn, ...counts, ageColumn, ...template],
  }),
  apps({
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
    columns: [nameColumn, readyOf('readyReplicas'), ageColumn, containers, images],
  }),
  workload({
    group: 'autoscaling',
    version: 'v2',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    shortNames: ['hpa'],
    columns: [
      nameColumn,
      column('Reference', 'string', 'api.autoscaling.v2.HorizontalPodAutoscalerSpec.scaleTargetRef', (object) => {
        const reference = specOf(object).scaleTargetRef as { kind?: string; name?: string } | undefined
        return `${reference?.kind}/${reference?.name}`
      }),
      column('Targets', 'string', 'api.autoscaling.v2.HorizontalPodAutoscalerSpec.metrics', () => '<none>'),
      column(
        'MinPods',
        'string',
        'api.autoscaling.v2.HorizontalPodAutoscalerSpec.minReplicas',
        (object) => `${specOf(object).minReplicas ?? '<unset>'}`,
      ),
      column(
        'MaxPods',
        'string',
        'api.autoscaling.v2.HorizontalPodAutoscalerSpec.maxReplicas',
        (object) => (specOf(object).maxReplicas as number | undefined) ?? 0,
      ),
      ...[counter('Replicas', 'currentReplicas', 'string'), ageColumn],
    ],
  }),
  batch({
    kind: 'CronJob',
    plural: 'cronjobs',
    shortNames: ['cj'],
    columns: [
      nameColumn,
      column('Schedule', 'string', 'api.batch.v1.CronJobSpec.schedule', (object) => `${specOf(object).schedule ?? ''}`),
      column('Timezone', 'string', 'api.batch.v1.CronJobSpec.timeZone', (object) => `${specOf(object).timeZone ?? '<none>'}`),
      column('Suspend', 'boolean', 'api.batch.v1.CronJobSpec.suspend', (object) =>
        specOf(object).suspend === true ? 'True' : 'False',
      ),
      column(
        'Active',
        'integer',
        'api.batch.v1.CronJobStatus.active',
        (object) => (((object as Workload).status?.active ?? []) as unknown[]).length,
      ),
      column('Last Schedule', 'string', 'api.batch.v1.CronJobStatus.lastScheduleTime', (object, now) => {
        const last = (object as Workload).status?.lastScheduleTime
        return last === undefined ? '<none>' : since(last, now)
      }),
      ...[ageColumn, ...template],
    ],
  }),
  batch({
    kind: 'Job',
    plural: 'jobs',
    columns: [
      nameColumn,
      column('Status', 'string', 'Status of the job.', jobStatus),
      column('Completions', 'string', 'api.batch.v1.JobStatus.succeeded', (object) => {
        const { completions, parallelism } = specOf(object) as { completions?: number; parallelism?: number }
        if (completions !== undefined) return `${count(object, 'succeeded')}/${completions}`
        return (parallelism ?? 1) > 1 ? `${count(object, 'succeeded')}/1 of ${parallelism}` : `${count(object, 'succeeded')}/1`
      }),
      column('Duration', 'string', 'Time required to complete the job.', jobDuration),
      ...[ageColumn, ...template],
    ],
  }),
]
