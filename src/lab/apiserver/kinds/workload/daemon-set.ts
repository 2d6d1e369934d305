import type { KindRecord, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { ageColumn, column, nameColumn, selectorText } from '../define.ts'
import { containers, counter, images, selector, specOf, templateOf, workload } from './shape.ts'
import * as template from './template.ts'

interface Strategy {
  type?: string
  rollingUpdate?: { maxUnavailable?: number | string; maxSurge?: number | string }
}

const SELECTOR =
  "A label query over pods that are managed by the daemon set. Must match in order to be controlled. It must match the pod template's labels. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors"
const REVISIONS = 10
const GENERATION = 'deprecated.daemonset.template.generation'
const NUMBERS = ['currentNumberScheduled', 'desiredNumberScheduled', 'numberMisscheduled', 'numberReady'] as const
const NOTHING_RUNS = Object.fromEntries(NUMBERS.map((field) => [field, 0]))

function defaults(object: RawObject): void {
  template.templateDefaults(object)
  const spec = specOf(object)
  const strategy: Strategy = { type: 'RollingUpdate', ...(spec.updateStrategy as Strategy | undefined) }
  if (strategy.type === 'RollingUpdate') strategy.rollingUpdate = { maxUnavailable: 1, maxSurge: 0, ...strategy.rollingUpdate }
  spec.updateStrategy = strategy
  spec.revisionHistoryLimit ??= REVISIONS
  object.status = { ...NOTHING_RUNS, ...(object.status as object | undefined) }
}

/** How often the template was changed, in an annotation: what is left of a field of an older version. */
function countTemplates(object: RawObject, old: RawObject | undefined): void {
  const before = Number(old?.metadata.annotations?.[GENERATION] ?? 0)
  const changed = old === undefined || !check.sameJson(specOf(object).template, specOf(old).template)
  object.metadata.annotations = { ...object.metadata.annotations, [GENERATION]: String(before + (changed ? 1 : 0)) }
}

function validate(object: RawObject, old: RawObject | undefined, subresource: string): check.FieldErrors {
  if (subresource !== '') return template.statusErrors(object)
  const spec = specOf(object)
  return [
    ...template.selectorAndTemplateErrors(object, { selects: 'daemonset', deadline: 'DaemonSet' }),
    ...check.notNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...strategyErrors((spec.updateStrategy ?? {}) as Strategy),
    ...check.notNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...template.selectorUnchanged(object, old),
  ]
}

function strategyErrors({ type, rollingUpdate }: Strategy): check.FieldErrors {
  const field = 'spec.updateStrategy'
  if (type === 'OnDelete') return []
  if (type !== 'RollingUpdate') return [check.notSupported(`${field}.type`, type ?? '', ['RollingUpdate', 'OnDelete'])]
  const { maxUnavailable, maxSurge } = rollingUpdate ?? {}
  const path = `${field}.rollingUpdate`
  const numbers = [
    ...[
      ...template.countOrPercent(`${path}.maxUnavailable`, maxUnavailable),
      ...template.notMoreThanAll(`${path}.maxUnavailable`, maxUnavailable),
    ],
    ...[...template.countOrPercent(`${path}.maxSurge`, maxSurge), ...template.notMoreThanAll(`${path}.maxSurge`, maxSurge)],
  ]
  const unavailable = !template.isNone(maxUnavailable)
  const surge = !template.isNone(maxSurge)
  if (unavailable && surge)
    return [...numbers, check.invalid(`${path}.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero')]
  return unavailable || surge ? numbers : [...numbers, check.required(`${path}.maxUnavailable`, 'cannot be 0 when maxSurge is 0')]
}

const inStatus = (name: string, field: string) => counter(name, field, `api.apps.v1.DaemonSetStatus.${field}`)

export const daemonSet: KindRecord = workload({
  group: 'apps',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  shortNames: ['ds'],
  defaults,
  prepare(object, old) {
    if (old === undefined) object.status = { ...NOTHING_RUNS }
    countTemplates(object, old)
  },
  validate,
  columns: [
    nameColumn,
    inStatus('Desired', 'desiredNumberScheduled'),
    inStatus('Current', 'currentNumberScheduled'),
    inStatus('Ready', 'numberReady'),
    inStatus('Up-to-date', 'updatedNumberScheduled'),
    inStatus('Available', 'numberAvailable'),
    column('Node Selector', 'string', 'api.core.v1.PodSpec.nodeSelector', (object) =>
      selectorText(templateOf(object)?.nodeSelector),
    ),
    ...[ageColumn, containers, images, selector(SELECTOR)],
  ],
})
