/** Kinds that nothing acts on: stored and shown, so that `kubectl get all` has its answers. */
import type { KindRecord } from '../../kind.ts'
import { ageColumn, column, nameColumn, selectorText, wide } from '../define.ts'
import { cronJob } from './cron-job.ts'
import { job } from './job.ts'
import { olderAutoscaler } from './older-autoscaler.ts'
import { containers, counter, images, readyOf, replicaCounts, specOf, workload } from './shape.ts'
import { templateDefaults as defaults } from './template.ts'

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

export const LIST_ONLY: readonly KindRecord[] = [
  ...[replicationController, statefulSet, horizontalPodAutoscaler, cronJob, job],
  olderAutoscaler(horizontalPodAutoscaler),
]
