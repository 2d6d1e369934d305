/** Whether what a Service asks for by name can be given to it at all, whoever has what. */
import type { Finding } from '../model/code.ts'
import { familyOf } from '../model/datapath.ts'
import type { AddressRequest } from '../model/load-balancer.ts'
import * as findings from './address-finding.ts'
import { isFor, type NamespaceLabels } from './pool-choice.ts'
import type { PoolSpace } from './pool-space.ts'

/**
 * Why it cannot; undefined when it can, once those who have it give it up. `former` it has already, address to pool: that is not asked for
 * anew. A slip of the pen must not take an address away that clients use, so that who keeps one keeps it for as long as this says why.
 */
export function flawOf(
  { space, namespaces }: { readonly space: PoolSpace; readonly namespaces: NamespaceLabels },
  request: AddressRequest,
  former: ReadonlyMap<string, string>,
): Finding | undefined {
  if (request.mayBeOutside) return undefined // it names the address that it is
  const invalid = request.addresses.length === 0 ? undefined : invalidity(request)
  if (invalid !== undefined) return findings.requestInvalid(request, invalid)
  const isNew = request.pool !== '' && ![...former.values()].includes(request.pool)
  const pool = space.byName.get(request.pool)
  if (isNew && pool === undefined) return findings.unknownPool(request)
  if (isNew && pool !== undefined && !isFor(pool, request, namespaces)) return findings.notFor(request, pool)
  for (const address of request.addresses) {
    if (former.has(address)) continue
    const owner = space.poolOf(address)
    if (owner === undefined || (request.pool !== '' && owner.name !== request.pool)) return findings.inNoPool(request, address)
    if (!isFor(owner, request, namespaces)) return findings.notFor(request, owner)
  }
  return undefined
}

/** What is wrong with the addresses that it asks for, whatever pools there are. */
export function invalidity({ addresses, families, needsAll }: AddressRequest): string | undefined {
  const asked = addresses.map(familyOf)
  const alien = asked.find((family) => !families.includes(family))
  if (alien !== undefined) return `it has no cluster address of ${findings.FAMILY_NAMES[alien]}`
  if (new Set(asked).size < asked.length) return 'two are of the same family'
  const missing = families.find((family) => !asked.includes(family))
  return needsAll && missing !== undefined ? `it needs one of ${findings.FAMILY_NAMES[missing]} as well` : undefined
}
