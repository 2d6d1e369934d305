/** Jobs by the clock: stored and shown. Source: kubernetes pkg/apis/batch/validation, pkg/apis/batch/v1/defaults.go. */
import type { FieldError, KindRecord, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { ageColumn, column, nameColumn } from '../define.ts'
import { since } from '../duration.ts'
import { scheduleProblem } from './cron-schedule.ts'
import { endingErrors } from './job.ts'
import { containers, images, SELECTED, selector, specOf, statusOf, workload } from './shape.ts'
import { templateDefaults } from './template.ts'

/** A Job's name is the CronJob's and 11 characters more. */
const LONGEST_NAME = 52
const POLICIES = ['Allow', 'Forbid', 'Replace']

interface CronJobSpec {
  schedule?: string
  timeZone?: string
  suspend?: boolean
  concurrencyPolicy?: string
  successfulJobsHistoryLimit?: number
  failedJobsHistoryLimit?: number
}

const cronSpecOf = (object: RawObject): CronJobSpec => specOf(object) as CronJobSpec

function defaults(object: RawObject): void {
  templateDefaults(object)
  const spec = cronSpecOf(object)
  spec.concurrencyPolicy ||= 'Allow'
  spec.suspend ??= false
  spec.successfulJobsHistoryLimit ??= 3
  spec.failedJobsHistoryLimit ??= 1
}

function validate(object: RawObject): readonly FieldError[] {
  const { metadata } = object
  const { concurrencyPolicy, failedJobsHistoryLimit, schedule = '', successfulJobsHistoryLimit, timeZone } = cronSpecOf(object)
  const { name = '' } = metadata
  const problem = scheduleProblem(schedule)
  return [
    ...(schedule === ''
      ? [check.required('spec.schedule')]
      : problem === ''
        ? []
        : [check.invalid('spec.schedule', schedule, problem)]),
    ...timeZoneErrors(timeZone),
    ...check.oneOf('spec.concurrencyPolicy', concurrencyPolicy, POLICIES),
    ...check.notNegative('spec.successfulJobsHistoryLimit', successfulJobsHistoryLimit),
    ...check.notNegative('spec.failedJobsHistoryLimit', failedJobsHistoryLimit),
    ...endingErrors('spec.jobTemplate.spec', object),
    ...(name.length > LONGEST_NAME
      ? [check.invalid('metadata.name', name, `must be no more than ${LONGEST_NAME} characters`)]
      : []),
  ]
}

function timeZoneErrors(zone: string | undefined): readonly FieldError[] {
  const field = 'spec.timeZone'
  if (zone === undefined) return []
  if (zone === '') return [check.invalid(field, zone, 'timeZone must be nil or non-empty string')]
  if (zone.toLowerCase() === 'local')
    return [check.invalid(field, zone, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones')]
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return []
  } catch {
    return [check.invalid(field, zone, `unknown time zone ${zone}`)]
  }
}

export const cronJob: KindRecord = workload({
  group: 'batch',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  defaults,
  validate,
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
    ...[ageColumn, containers, images, selector(SELECTED)],
  ],
})
