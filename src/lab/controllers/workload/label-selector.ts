/** Label selectors of objects. Source: apimachinery pkg/apis/meta/v1/helpers.go, LabelSelectorAsSelector. */
import type { LabelSelector } from '../../../kube/apps.ts'

type Labels = Readonly<Record<string, string>>

/** Whether all of a selector's terms hold; an empty selector matches everything, an absent one nothing. */
export function matchesLabels(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (selector === undefined) return false
  const equal = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
  return equal && (selector.matchExpressions ?? []).every((each) => holds(labels[each.key], each.operator, each.values ?? []))
}

function holds(value: string | undefined, operator: string, values: readonly string[]): boolean {
  if (operator === 'In') return value !== undefined && values.includes(value)
  if (operator === 'NotIn') return value === undefined || !values.includes(value)
  if (operator === 'Exists') return value !== undefined
  return operator === 'DoesNotExist' && value === undefined
}
