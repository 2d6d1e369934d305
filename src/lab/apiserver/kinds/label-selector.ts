/** Label selectors of objects: what is wrong with one, what it matches, and its text. Source: apimachinery pkg/apis/meta/v1. */
import type { FieldError } from '../kind.ts'
import * as check from './check.ts'

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly Requirement[]
}

interface Requirement {
  readonly key?: string
  readonly operator?: string
  readonly values?: readonly string[]
}

const OPERATORS: Readonly<Record<string, (value: string | undefined, values: readonly string[]) => boolean>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
}

/** Whether labels match; a selector without requirements matches all, none at all matches nothing. */
export function selectorMatches(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>> = {}): boolean {
  if (selector === undefined) return false
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(
      ({ key = '', operator = '', values = [] }) => OPERATORS[operator]?.(labels[key], values) ?? false,
    )
  )
}

export const isEmptySelector = (selector: LabelSelector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0

/** What is wrong with a selector; one that is not there is fine. */
export function selectorErrors(field: string, selector: LabelSelector | undefined): check.FieldErrors {
  return [
    ...check.labels(`${field}.matchLabels`, selector?.matchLabels),
    ...(selector?.matchExpressions ?? []).flatMap((requirement, index) =>
      requirementErrors(`${field}.matchExpressions[${index}]`, requirement),
    ),
  ]
}

function requirementErrors(field: string, { key = '', operator = '', values = [] }: Requirement): readonly FieldError[] {
  const takesValues = operator === 'In' || operator === 'NotIn'
  const errors: FieldError[] = []
  if (OPERATORS[operator] === undefined)
    errors.push(check.invalid(`${field}.operator`, operator, 'not a valid selector operator'))
  else if (takesValues && values.length === 0)
    errors.push(check.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
  else if (!takesValues && values.length > 0)
    errors.push(check.forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
  return [
    ...errors,
    ...check.qualifiedName(`${field}.key`, key),
    ...values.flatMap((value, index) => check.labelValue(`${field}.values[${index}]`, value)),
  ]
}

/** A selector as kubectl prints it, by key; `<none>` when it asks for nothing. */
export function labelSelectorText(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }))
  const others = (selector?.matchExpressions ?? []).map(({ key = '', operator, values = [] }) => {
    if (operator === 'Exists') return { key, text: key }
    if (operator === 'DoesNotExist') return { key, text: `!${key}` }
    return { key, text: `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.toSorted().join(',')})` }
  })
  const all = [...equal, ...others].toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return all.map(({ text }) => text).join(',') || '<none>'
}
