import type { FieldError, KindRecord, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { ageColumn, nameColumn } from '../define.ts'
import { containers, counter, images, readyOf, selector, specOf, type WorkloadSpec, workload } from './shape.ts'
import * as template from './template.ts'

interface Strategy {
  type?: string
  rollingUpdate?: { maxUnavailable?: number | string; maxSurge?: number | string }
}

const SELECTOR =
  "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by this deployment. It must match the pod template's labels."
const REVISIONS = 10
const DEADLINE_IN_SECONDS = 600

function defaults(object: RawObject): void {
  template.templateDefaults(object)
  const spec = specOf(object)
  spec.replicas ??= 1
  const strategy: Strategy = { type: 'RollingUpdate', ...(spec.strategy as Strategy | undefined) }
  if (strategy.type === 'RollingUpdate')
    strategy.rollingUpdate = { maxUnavailable: '25%', maxSurge: '25%', ...strategy.rollingUpdate }
  spec.strategy = strategy
  spec.revisionHistoryLimit ??= REVISIONS
  spec.progressDeadlineSeconds ??= DEADLINE_IN_SECONDS
}

function validate(object: RawObject, old: RawObject | undefined, subresource: string): check.FieldErrors {
  if (subresource !== '') return template.statusErrors(object)
  const spec = specOf(object)
  return [
    ...check.notNegative('spec.replicas', spec.replicas),
    ...template.selectorAndTemplateErrors(object, { selects: 'deployment', deadline: 'ReplicaSet' }),
    ...strategyErrors((spec.strategy ?? {}) as Strategy),
    ...check.notNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...check.notNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...deadlineErrors(spec),
    ...template.selectorUnchanged(object, old),
  ]
}

function strategyErrors({ type, rollingUpdate }: Strategy): check.FieldErrors {
  const path = 'spec.strategy'
  if (type === 'Recreate') {
    const detail = "may not be specified when strategy `type` is 'Recreate'"
    return rollingUpdate === undefined ? [] : [check.forbidden(`${path}.rollingUpdate`, detail)]
  }
  if (type !== 'RollingUpdate') return [check.notSupported(`${path}.type`, type ?? '', ['Recreate', 'RollingUpdate'])]
  const { maxUnavailable, maxSurge } = rollingUpdate ?? {}
  const field = `${path}.rollingUpdate`
  const errors: FieldError[] = [
    ...template.countOrPercent(`${field}.maxUnavailable`, maxUnavailable),
    ...template.countOrPercent(`${field}.maxSurge`, maxSurge),
  ]
  if (template.isNone(maxUnavailable) && template.isNone(maxSurge))
    errors.push(check.invalid(`${field}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'))
  return [...errors, ...template.notMoreThanAll(`${field}.maxUnavailable`, maxUnavailable)]
}

function deadlineErrors({ progressDeadlineSeconds, minReadySeconds = 0 }: WorkloadSpec): check.FieldErrors {
  const field = 'spec.progressDeadlineSeconds'
  const deadline = typeof progressDeadlineSeconds === 'number' ? progressDeadlineSeconds : DEADLINE_IN_SECONDS
  const late = deadline <= minReadySeconds ? [check.invalid(field, deadline, 'must be greater than minReadySeconds')] : []
  return [...check.notNegative(field, deadline), ...late]
}

export const deployment: KindRecord = workload({
  group: 'apps',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  subresources: ['status', 'scale'],
  scale: {
    specReplicasPath: ['spec', 'replicas'],
    statusReplicasPath: ['status', 'replicas'],
    selectorPath: ['spec', 'selector'],
  },
  defaults,
  validate,
  columns: [
    nameColumn,
    readyOf('readyReplicas'),
    counter('Up-to-date', 'updatedReplicas', 'api.apps.v1.DeploymentStatus.updatedReplicas', 'string'),
    counter('Available', 'availableReplicas', 'api.apps.v1.DeploymentStatus.availableReplicas', 'string'),
    ageColumn,
    ...[containers, images, selector(SELECTOR)],
  ],
})
