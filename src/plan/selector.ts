/** Selectors on labels. */
import type { Selector, SelectorTerm } from '../model/selector.ts'

type Labels = Readonly<Record<string, string>>

/** Whether all terms hold; without terms they do. */
export function chooses(selector: Selector, labels: Labels): boolean {
  return selector.every((term) => holds(term, labels))
}

/** Whether any of the selectors chooses; without selectors everything is chosen. */
export function anyChooses(selectors: readonly Selector[], labels: Labels): boolean {
  return selectors.length === 0 || selectors.some((selector) => chooses(selector, labels))
}

/** Source: apimachinery pkg/labels/selector.go, Requirement.Matches: `NotIn` holds where the label is missing. */
function holds({ key, is, values }: SelectorTerm, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (is) {
    case 'in':
      return value !== undefined && values.includes(value)
    case 'not-in':
      return value === undefined || !values.includes(value)
    case 'present':
      return value !== undefined
    case 'absent':
      return value === undefined
  }
}
