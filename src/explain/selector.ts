import type { Selector, SelectorTerm } from '../model/bgp-config.ts'
import type { Node } from '../model/world.ts'

/** Whether any of the selectors chooses the node; every node is chosen without selectors. */
export function choosesNode(selectors: readonly Selector[], node: Node): boolean {
  return selectors.length === 0 || selectors.some((terms) => terms.every((term) => holds(term, node.labels)))
}

function holds({ key, is, values }: SelectorTerm, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined
  if (is === 'present') return value !== undefined
  if (is === 'absent') return value === undefined
  const among = value !== undefined && values.includes(value)
  return is === 'in' ? among : !among
}
