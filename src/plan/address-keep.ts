/** Whether a Service keeps an address that it has. */
import type { Finding } from '../model/code.ts'
import { familyOf } from '../model/datapath.ts'
import type { AddressRequest } from '../model/load-balancer.ts'
import type { Given } from './address-book.ts'
import type { Market } from './address-choice.ts'
import { flawOf } from './address-demand.ts'
import { outsidePool } from './address-finding.ts'
import { isFor } from './pool-choice.ts'

export interface Kept extends Given {
  /** Whether an address went because its pool does not have it any more. */
  readonly isRobbed: boolean
  readonly findings: readonly Finding[]
  /** It asks for what it cannot have, so that this is all that it has. */
  readonly isAll: boolean
}

/**
 * Those of `former` that stay: as long as it asks for nothing else, and may share them. What its pool does not have for it any more stays, too,
 * unless the author of the pool agrees that it goes. Who asks for what cannot be given keeps what it has, too. `former`: address to the name of the pool that it was given from.
 */
export function keep(market: Market, request: AddressRequest, former: ReadonlyMap<string, string>): Kept {
  const flaw = flawOf(market, request, former)
  const asked = flaw === undefined ? request : { ...request, addresses: [], pool: '' }
  const found = { addresses: [] as string[], findings: [] as Finding[], pool: '', isRobbed: false }
  for (const family of request.families)
    for (const [address, name] of former) {
      if (familyOf(address) !== family || found.addresses.some((one) => familyOf(one) === family)) continue
      note(found, address, stay(market, asked, address, name))
    }
  const { addresses, findings, pool, isRobbed } = found
  const hasAny = addresses.length > 0
  if (flaw !== undefined && hasAny) findings.push(flaw)
  return { addresses, pool, isRobbed, findings, isAll: request.isUnreadable === true || (flaw !== undefined && hasAny) }
}

function note(
  found: { addresses: string[]; findings: Finding[]; pool: string; isRobbed: boolean },
  address: string,
  stays: Stay | 'robbed' | undefined,
): void {
  if (stays === 'robbed') found.isRobbed = true
  if (typeof stays !== 'object') return
  found.addresses.push(address)
  if (found.pool === '') found.pool = stays.pool
  found.findings.push(...stays.findings)
}

/** Whether an address in its status, which no claim says is its own, is taken for its own: someone else gave it, of a pool of ours. */
export function mayAdopt({ space, namespaces }: Market, request: AddressRequest, address: string): boolean {
  const pool = space.poolOf(address)
  return pool !== undefined && isFor(pool, request, namespaces)
}

interface Stay {
  readonly pool: string
  readonly findings: readonly Finding[]
}

function stay(market: Market, request: AddressRequest, address: string, name: string): Stay | 'robbed' | undefined {
  const { space, namespaces, book } = market
  if (request.addresses.length > 0 && !request.addresses.includes(address)) return undefined
  if (book.obstacles(address, request).length > 0) return undefined
  const owner = space.poolOf(address)
  if (owner !== undefined && isFor(owner, request, namespaces))
    return request.pool === '' || request.pool === owner.name ? { pool: owner.name, findings: [] } : undefined
  if (owner === undefined && request.mayBeOutside) return { pool: '', findings: [] }
  if (request.pool !== '' && request.pool !== name) return undefined
  const giver = space.byName.get(name)
  if (giver?.mayMove || owner?.mayMove) return 'robbed'
  return { pool: name, findings: [outsidePool(request, address, giver ?? name)] }
}
