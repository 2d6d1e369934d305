/** Pods that run to their end: stored and shown. Source: kubernetes pkg/apis/batch/validation. */
import type { FieldError, KindRecord, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { ageColumn, column, nameColumn } from '../define.ts'
import { humanDuration } from '../duration.ts'
import { containers, count, images, SELECTED, selector, specOf, statusOf, templateOf, workload } from './shape.ts'
import { templateDefaults as defaults } from './template.ts'

/** Pods that always start again never end. `path` is where the Job's spec is. */
export function endingErrors(path: string, object: RawObject): readonly FieldError[] {
  const template = templateOf(object)
  if (template?.restartPolicy === 'OnFailure' || template?.restartPolicy === 'Never') return []
  return [check.required(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"')]
}

function duration(object: RawObject, nowInMs: number): string {
  const { startTime, completionTime } = statusOf(object) as { startTime?: string; completionTime?: string }
  if (startTime === undefined) return ''
  return humanDuration((completionTime === undefined ? nowInMs : Date.parse(completionTime)) - Date.parse(startTime))
}

function statusText(object: RawObject): string {
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

export const job: KindRecord = workload({
  group: 'batch',
  kind: 'Job',
  plural: 'jobs',
  defaults,
  validate: (object) => endingErrors('spec', object),
  columns: [
    nameColumn,
    column('Status', 'string', 'Status of the job.', statusText),
    column('Completions', 'string', 'api.batch.v1.JobStatus.succeeded', completions),
    column('Duration', 'string', 'Time required to complete the job.', duration),
    ...[ageColumn, containers, images, selector(SELECTED)],
  ],
})
