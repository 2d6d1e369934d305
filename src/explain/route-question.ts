/** What routes are asked for: an address, a prefix, or a pod or Service. */
import type { ObjectKey } from '../model/world.ts'
import { RangeSet } from '../plan/ranges.ts'
import type { RouteRow } from './bgp-route-row.ts'

/** One of them; addresses and prefixes are canonical text. */
export type RouteQuestion = { readonly address: string } | { readonly cidr: string } | { readonly object: ObjectKey }

/** Whether a row answers: its prefix holds the address, or overlaps with the prefix, or is there for the pod or the Service. */
export function answers(question: RouteQuestion, row: RouteRow): boolean {
  if ('object' in question)
    return row.sources.some(({ pods, services }) => pods.includes(question.object) || services.includes(question.object))
  const of = new RangeSet([row.prefix])
  if ('address' in question) return of.has(question.address)
  return of.has(firstOf(question.cidr)) || new RangeSet([question.cidr]).has(firstOf(row.prefix))
}

export function textOf(question: RouteQuestion): string {
  if ('object' in question) return `a pod or Service ${question.object}`
  return 'address' in question ? question.address : question.cidr
}

/** Two prefixes overlap when one holds the first address of the other. */
function firstOf(cidr: string): string {
  return cidr.slice(0, cidr.indexOf('/'))
}
