/** Which pools a Service may have addresses of, and which it has first. */
import { namespaceOf } from '../model/address-holder.ts'
import type { AddressPool, AddressRequest } from '../model/load-balancer.ts'
import { anyChooses } from './selector.ts'

type Labels = Readonly<Record<string, string>>

/** Labels of namespaces, by name. */
export type NamespaceLabels = ReadonlyMap<string, { readonly labels: Labels }>

/** Source: MetalLB internal/allocator, isPoolCompatibleWithService. */
export function isFor(pool: AddressPool, request: AddressRequest, known: NamespaceLabels): boolean {
  if (pool.reserved === undefined) return true
  const { namespaces, namespaceSelectors, services } = pool.reserved
  const namespace = namespaceOf(request.key)
  const isNamed = namespaces.includes(namespace)
  const isChosen = namespaceSelectors.length > 0 && anyChooses(namespaceSelectors, known.get(namespace)?.labels ?? {})
  const isForAll = namespaces.length + namespaceSelectors.length === 0
  return (isNamed || isChosen || isForAll) && anyChooses(services, request.labels)
}

/**
 * Pools that give addresses to who asks for none in particular, in the order in which they are tried: those that are kept for some before
 * those for everybody, by priority (0 last), then by name.
 */
export function inOrder(pools: Iterable<AddressPool>): readonly AddressPool[] {
  const rank = ({ reserved, priority }: AddressPool) =>
    reserved === undefined ? Number.POSITIVE_INFINITY : priority === 0 ? Number.MAX_VALUE : priority
  const compare = (one: AddressPool, other: AddressPool) => {
    const [first, second] = [rank(one), rank(other)]
    return first === second ? (one.name < other.name ? -1 : Number(one.name > other.name)) : first < second ? -1 : 1
  }
  return [...pools].filter(({ autoAssign }) => autoAssign).sort(compare)
}
