/** Label selectors of Kubernetes as terms. Source: apimachinery, meta/v1 LabelSelector. */
import type { Selector, SelectorTerm } from '../model/selector.ts'
import { type Fields, sorted } from './settings.ts'

const OPERATORS: Readonly<Record<string, SelectorTerm['is']>> = {
  In: 'in',
  NotIn: 'not-in',
  Exists: 'present',
  DoesNotExist: 'absent',
}

/** Terms sorted by key; what cannot be a term makes the object unusable, since fewer terms would choose more than was meant. */
export function selectorOf(fields: Fields): Selector {
  return [...equalTerms(fields.child('matchLabels')), ...fields.children('matchExpressions').flatMap(term)].toSorted(
    (a, b) => compare(a.key, b.key) || compare(a.is, b.is) || compare(a.values.join(), b.values.join()),
  )
}

/** The selectors of a list, of which any may hold. */
export function selectorsOf(fields: Fields, field: string): readonly Selector[] {
  return fields.children(field).map(selectorOf)
}

function equalTerms(labels: Fields | undefined): readonly SelectorTerm[] {
  return (labels?.entries() ?? []).flatMap(([key, value]) => {
    if (typeof value === 'string') return { key, is: 'in' as const, values: [value] }
    labels?.notes.refuse(labels.name(key), value, 'a text')
    return []
  })
}

function term(fields: Fields): readonly SelectorTerm[] {
  const key = fields.text('key')
  const operator = fields.text('operator')
  const is = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined
  // the empty text is a value that a label may have
  const values = fields.list('values').flatMap(([value, name]) => {
    if (typeof value === 'string') return [value]
    fields.notes.refuse(name, value, 'a text')
    return []
  })
  if (key === '') fields.notes.refuse(fields.name('key'), key, 'the key of a label')
  if (is === undefined) {
    fields.notes.refuse(fields.name('operator'), operator, 'In, NotIn, Exists or DoesNotExist')
    return []
  }
  const compares = is === 'in' || is === 'not-in'
  if (compares !== values.length > 0)
    fields.notes.forbid(fields.name('values'), compares ? `must not be empty with ${operator}` : `must be empty with ${operator}`)
  return [{ key, is, values: sorted(values) }]
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
