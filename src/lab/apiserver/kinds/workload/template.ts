/** The template that pods are made from, and its selector. Source: kubernetes pkg/apis/apps/validation and pkg/apis/core/validation. */
import type { FieldError, RawObject } from '../../kind.ts'
import * as check from '../check.ts'
import { isEmptySelector, selectorErrors, selectorMatches } from '../label-selector.ts'
import { podSpecDefaults } from '../pod/defaults.ts'
import { podSpecErrors } from '../pod/validate.ts'
import { specOf, statusOf, templateOf } from './shape.ts'

const MISMATCH = '`selector` does not match template `labels`'

/** Defaults of the template's pods. */
export function templateDefaults(object: RawObject): void {
  const template = templateOf(object)
  if (template !== undefined) podSpecDefaults(template)
  object.status ??= {}
}

/** `owner` is the kind as its messages name it: `deployment`, and `ReplicaSet` where a deadline is refused. */
interface Owner {
  readonly selects: string
  readonly deadline: string
}

/** Selector and template: both must be there, and fit. */
export function selectorAndTemplateErrors(object: RawObject, owner: Owner): check.FieldErrors {
  const { selector } = specOf(object)
  const own =
    selector === undefined
      ? [check.required('spec.selector')]
      : [
          ...selectorErrors('spec.selector', selector),
          ...(isEmptySelector(selector)
            ? [check.invalid('spec.selector', selector, `empty selector is invalid for ${owner.selects}`)]
            : []),
        ]
  return [...own, ...templateErrors(object, owner)]
}

function templateErrors(object: RawObject, owner: Owner): check.FieldErrors {
  const { selector, template = {} } = specOf(object)
  const { metadata = {}, spec = {} } = template
  const errors: FieldError[] = []
  if (selector !== undefined && !isEmptySelector(selector) && !selectorMatches(selector, metadata.labels))
    errors.push(check.invalid('spec.template.metadata.labels', metadata.labels ?? null, MISMATCH))
  errors.push(...check.labels('spec.template.labels', metadata.labels))
  for (const error of podSpecErrors(spec, false)) errors.push({ ...error, field: `spec.template.${error.field}` })
  if (spec.restartPolicy !== 'Always' && !check.unset(spec.restartPolicy))
    errors.push(check.notSupported('spec.template.spec.restartPolicy', spec.restartPolicy, ['Always']))
  if (spec.activeDeadlineSeconds !== undefined)
    errors.push(
      check.forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${owner.deadline} is not Supported`),
    )
  return errors
}

/** A selector stays what it was at creation. */
export function selectorUnchanged(object: RawObject, old: RawObject | undefined): check.FieldErrors {
  return old === undefined ? [] : check.unchanged('spec.selector', specOf(object).selector, specOf(old).selector)
}

/** Numbers of a status are not negative. */
export function statusErrors(object: RawObject): check.FieldErrors {
  return Object.entries(statusOf(object)).flatMap(([field, value]) => check.notNegative(`status.${field}`, value))
}

const PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"

/** A number of pods, or a share of them: `3`, `25%`. */
export function countOrPercent(field: string, value: unknown): check.FieldErrors {
  if (typeof value !== 'string') return check.notNegative(field, value)
  return /^[0-9]+%$/.test(value) ? [] : [check.invalid(field, value, PERCENT)]
}

/** As `countOrPercent`, and no more than all of them. */
export function notMoreThanAll(field: string, value: unknown): check.FieldErrors {
  const percent = typeof value === 'string' ? Number(/^([0-9]+)%$/.exec(value)?.[1] ?? 0) : 0
  return percent > 100 ? [check.invalid(field, value, 'must not be greater than 100%')] : []
}

/** Whether a number of pods or a share of them is none. */
export const isNone = (value: unknown): boolean => value === undefined || value === 0 || value === '0' || value === '0%'
