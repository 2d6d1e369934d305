import type { KindRecord, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { ageColumn, nameColumn } from '../define.ts'
import { containers, images, replicaCounts, selector, specOf, workload } from './shape.ts'
import * as template from './template.ts'

const SELECTOR =
  "Selector is a label query over pods that should match the replica count. Label keys and values that must match in order to be controlled by this replica set. It must match the pod template's labels. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors"

function defaults(object: RawObject): void {
  template.templateDefaults(object)
  specOf(object).replicas ??= 1
  const status = (object.status ?? {}) as { replicas?: number }
  status.replicas ??= 0
  object.status = status
}

function validate(object: RawObject, old: RawObject | undefined, subresource: string): check.FieldErrors {
  if (subresource !== '') return template.statusErrors(object)
  const spec = specOf(object)
  return [
    ...check.notNegative('spec.replicas', spec.replicas),
    ...check.notNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...template.selectorAndTemplateErrors(object, { selects: 'deployment', deadline: 'ReplicaSet' }),
    ...template.selectorUnchanged(object, old),
  ]
}

export const replicaSet: KindRecord = workload({
  group: 'apps',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  shortNames: ['rs'],
  subresources: ['status', 'scale'],
  scale: {
    specReplicasPath: ['spec', 'replicas'],
    statusReplicasPath: ['status', 'replicas'],
    selectorPath: ['spec', 'selector'],
  },
  defaults,
  prepare(object, old) {
    if (old === undefined) object.status = { replicas: 0 }
  },
  validate,
  selectableFields: {
    'status.replicas': (object) => String((object.status as { replicas?: number } | undefined)?.replicas ?? 0),
  },
  columns: [...[nameColumn, ...replicaCounts('api.apps.v1.ReplicaSet'), ageColumn], ...[containers, images, selector(SELECTOR)]],
})
