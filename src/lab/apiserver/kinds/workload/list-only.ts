/** Kinds that nothing acts on: stored and shown, so that `kubectl get all` has its answers. */
import type { KindRecord, RawObject } from '../../kind.ts'
import { ageColumn, column, nameColumn, selectorText, wide } from '../define.ts'
import { humanDuration, since } from '../duration.ts'
import { olderAutoscaler } from './older-autoscaler.ts'
import { containers, count, counter, images, readyOf, replicaCounts, selector, specOf, statusOf, workload } from './shape.ts'
import { templateDefaults as defaults } from './template.ts'

function jobDuration(object: RawObject, nowInMs: number): string {
  const { startTime, completionTime } = statusOf(object) as { startTime?: string; completionTime?: string }
  if (startTime === undefined) return ''
  return humanDuration((completionTime === undefined ? nowInMs : Date.parse(completionTime)) - Date.parse(startTime))
}

function jobStatus(object: RawObject): string {
  const conditions = (statusOf(object).conditions ?? []) as { type?: string; status?: string }[]
  const holds = (type: string): boolean => conditions.some((condition) => condition.type === type && condition.status === 'True')
  if (holds('Complete')) return 'Complete'
  if (holds('Failed')) return 'Failed'
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating'
  if (holds('Suspended')) return 'Suspended'
  return holds('FailureTarget') ? 'FailureTarget' : 'Running'
}

function completions(object: RawObject): string {
  const { completions: wanted, parallelism = 1 } = specOf(object) as { completions?: number; parallelism?: number }
  const done = count(object, 'succeeded')
  if (wanted !== undefined) return `${done}/${wanted}`
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`
}

const replicationController = workload({
  group: '',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  defaults,
  columns: [
    ...[nameColumn, ...replicaCounts('api.core.v1.ReplicationController'), ageColumn, containers, images],
    wide('Selector', 'string', 'api.core.v1.ReplicationControllerSpec.selector', (object) =>
      selectorText(specOf(object).selector),
    ),
  ],
})

const statefulSet = workload({
  group: 'apps',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  shortNames: ['sts'],
  defaults,
  columns: [nameColumn, readyOf('readyReplicas'), ageColumn, containers, images],
})

const SELECTOR =
  'A label query over pods that should match the pod count. Normally, the system sets this field for you. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors'
const TARGET =
  'scaleTargetRef points to the target resource to scale, and is used to the pods for which metrics should be collected, as well as to actually change the replica count.'

const HPA = 'api.autoscaling.v2.HorizontalPodAutoscaler'
const horizontalPodAutoscaler = workload({
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  defaults,
  columns: [
    nameColumn,
    column('Reference', 'string', TARGET, (object) => {
      const reference = specOf(object).scaleTargetRef as { kind?: string; name?: string } | undefined
      return `${reference?.kind}/${reference?.name}`
    }),
    column('Targets', 'string', `${HPA}Spec.metrics`, () => '<none>'),
    column('MinPods', 'string', `${HPA}Spec.minReplicas`, (object) => `${specOf(object).minReplicas ?? '<unset>'}`),
    column('MaxPods', 'string', `${HPA}Spec.maxReplicas`, (object) => (specOf(object).maxReplicas as number | undefined) ?? 0),
    ...[counter('Replicas', 'currentReplicas', `${HPA}Status.currentReplicas`, 'string'), ageColumn],
  ],
})

const cronJob = workload({
  group: 'batch',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  defaults,
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
      (object) => ((statusOf(object).active ?? []) as unknown[]).length,
    ),
    column('Last Schedule', 'string', 'api.batch.v1.CronJobStatus.lastScheduleTime', (object, now) => {
      const last = statusOf(object).lastScheduleTime
      return last === undefined ? '<none>' : since(last, now)
    }),
    ...[ageColumn, containers, images, selector(SELECTOR)],
  ],
})

const job = workload({
  group: 'batch',
  kind: 'Job',
  plural: 'jobs',
  defaults,
  columns: [
    nameColumn,
    column('Status', 'string', 'Status of the job.', jobStatus),
    column('Completions', 'string', 'api.batch.v1.JobStatus.succeeded', completions),
    column('Duration', 'string', 'Time required to complete the job.', jobDuration),
    ...[ageColumn, containers, images, selector(SELECTOR)],
  ],
})

export const LIST_ONLY: readonly KindRecord[] = [
  ...[replicationController, statefulSet, horizontalPodAutoscaler, cronJob, job],
  olderAutoscaler(horizontalPodAutoscaler),
]
