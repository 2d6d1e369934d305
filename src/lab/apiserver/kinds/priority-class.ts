import type { RawObject } from '../kind.ts'
import * as check from './check.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'

interface PriorityClass extends RawObject {
  value?: number
  globalDefault?: boolean
  preemptionPolicy?: string
}

const HIGHEST_OF_USERS = 1_000_000_000

function validate(object: RawObject, old: RawObject | undefined): check.FieldErrors {
  const { value = 0, preemptionPolicy } = object as PriorityClass
  const name = object.metadata.name ?? ''
  const detail = `maximum allowed value of a user defined priority is ${HIGHEST_OF_USERS}`
  if (old !== undefined && (old as PriorityClass).value !== value)
    return [check.forbidden('value', 'may not be changed in an update.')]
  return [
    ...(value > HIGHEST_OF_USERS && !name.startsWith('system-') ? [check.forbidden('value', detail)] : []),
    ...check.oneOf('preemptionPolicy', preemptionPolicy, ['Never', 'PreemptLowerPriority']),
  ]
}

/** Stored and shown; pods of the lab all have priority 0. */
export const priorityClass = defineKind({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  shortNames: ['pc'],
  namespaced: false,
  schema: 'io.k8s.api.scheduling.v1.PriorityClass',
  countsGeneration: true,
  defaults(object) {
    const priority = object as PriorityClass
    priority.value ??= 0
    priority.preemptionPolicy ||= 'PreemptLowerPriority'
    if (priority.globalDefault === false) delete priority.globalDefault
  },
  validate,
  columns: [
    nameColumn,
    column('Value', 'integer', 'api.scheduling.v1.PriorityClass.value', (object) => (object as PriorityClass).value ?? 0),
    column(
      'Global-Default',
      'boolean',
      'api.scheduling.v1.PriorityClass.globalDefault',
      (object) => (object as PriorityClass).globalDefault ?? false,
    ),
    ageColumn,
    column(
      'PreemptionPolicy',
      'string',
      'api.scheduling.v1.PriorityClass.preemptionPolicy',
      (object) => (object as PriorityClass).preemptionPolicy ?? '',
    ),
  ],
})
