/** What one Service is given beside what it keeps. */
import type { Finding } from '../model/code.ts'
import { familyOf } from '../model/datapath.ts'
import type { AddressPool, AddressRequest } from '../model/load-balancer.ts'
import type { Family } from '../model/world.ts'
import type { AddressBook, Given } from './address-book.ts'
import { invalidity } from './address-demand.ts'
import * as findings from './address-finding.ts'
import { isFor, type NamespaceLabels } from './pool-choice.ts'
import type { PoolSpace } from './pool-space.ts'
import { numberOf } from './ranges.ts'

/** All that the choice depends on. */
export interface Market {
  readonly space: PoolSpace
  /** In the order in which they are tried. */
  readonly automatic: readonly AddressPool[]
  readonly namespaces: NamespaceLabels
  readonly book: AddressBook
}

export interface Choice extends Given {
  readonly findings: readonly Finding[]
}

export const NOTHING_GIVEN: Given = { addresses: [], pool: '' }

/** What it has after an edit of its pool took an address away, as its author agreed: all of another pool where that is to be had, else what is left. */
export function chooseAnew(market: Market, request: AddressRequest, kept: Given): Choice {
  const stayed = choose(market, request, kept)
  if (stayed.addresses.length === request.families.length) return stayed
  const moved = choose(market, request, NOTHING_GIVEN)
  return moved.addresses.length > stayed.addresses.length ? moved : stayed
}

/** `kept` is what it has already; it stays. Who cannot have all that is missing gets none of it, except under PreferDualStack. */
export function choose(market: Market, request: AddressRequest, kept: Given): Choice {
  const missing = request.families.filter((family) => !kept.addresses.some((address) => familyOf(address) === family))
  if (missing.length === 0) return { ...kept, findings: [] }
  if (request.addresses.length > 0) return chooseAsked(market, request, kept)
  const pools = poolsFor(market, request, kept)
  if (!Array.isArray(pools)) return { ...kept, findings: [pools as Finding] }
  const found =
    fromOnePool(market, request, pools, missing) ?? (request.needsAll ? undefined : fromAny(market, request, pools, missing))
  if (found !== undefined) return { ...joined(request, kept, found), findings: [] }
  if (!request.needsAll && kept.addresses.length > 0) return { ...kept, findings: [] }
  return { ...kept, findings: [whyNot(market, request, pools, missing)] }
}

function whyNot({ space }: Market, request: AddressRequest, pools: readonly AddressPool[], missing: readonly Family[]): Finding {
  if (pools.length === 0) return findings.noPool(request)
  const isEnough = (pool: AddressPool) =>
    request.needsAll ? missing.every((family) => space.has(pool, family)) : missing.some((family) => space.has(pool, family))
  const able = pools.filter(isEnough)
  return able.length > 0 ? findings.exhausted(request, able, missing) : findings.familyMissing(request, pools, missing)
}

/** What it asks for, all of it or nothing. */
function chooseAsked(market: Market, request: AddressRequest, kept: Given): Choice {
  const { space, book, namespaces } = market
  const refuse = (finding: Finding) => ({ ...kept, findings: [finding] })
  const invalid = invalidity(request)
  if (invalid !== undefined) return refuse(findings.requestInvalid(request, invalid))
  if (request.pool !== '' && !space.byName.has(request.pool)) return refuse(findings.unknownPool(request))
  const wanted = request.addresses.filter((address) => !kept.addresses.includes(address))
  let pool = space.byName.get(kept.pool)
  for (const address of wanted) {
    const owner = space.poolOf(address)
    if (owner === undefined ? !request.mayBeOutside : request.pool !== '' && owner.name !== request.pool)
      return refuse(findings.inNoPool(request, address))
    if (owner !== undefined && !isFor(owner, request, namespaces)) return refuse(findings.notFor(request, owner))
    if (pool !== undefined && pool !== owner && !request.mayBeOutside)
      return refuse(findings.requestInvalid(request, 'they are of different pools'))
    pool = owner
    const obstacles = book.obstacles(address, request)
    if (obstacles.length > 0) return refuse(findings.inUse(request, address, obstacles))
  }
  return { ...joined(request, kept, { addresses: wanted, pool: pool?.name ?? '' }), findings: [] }
}

/** The pools that it may have the missing addresses of, the best one first; or why there is none. */
function poolsFor(
  { space, automatic, namespaces }: Market,
  request: AddressRequest,
  kept: Given,
): readonly AddressPool[] | Finding {
  const name = kept.addresses.length > 0 ? kept.pool : request.pool
  if (name === '') return automatic.filter((pool) => isFor(pool, request, namespaces))
  const pool = space.byName.get(name)
  if (pool === undefined) return request.pool === '' ? [] : findings.unknownPool(request)
  return isFor(pool, request, namespaces) ? [pool] : findings.notFor(request, pool)
}

function fromOnePool(
  market: Market,
  request: AddressRequest,
  pools: readonly AddressPool[],
  families: readonly Family[],
): Given | undefined {
  for (const pool of pools) {
    const addresses = families.map((family) => pick(market, request, pool, family))
    if (addresses.every((address) => address !== undefined)) return { addresses, pool: pool.name }
  }
  return undefined
}

function fromAny(
  market: Market,
  request: AddressRequest,
  pools: readonly AddressPool[],
  families: readonly Family[],
): Given | undefined {
  for (const family of families) {
    const found = fromOnePool(market, request, pools, [family])
    if (found !== undefined) return found
  }
  return undefined
}

/** An address that it can share, else one that is free: of each the lowest. */
function pick(market: Market, request: AddressRequest, pool: AddressPool, family: Family): string | undefined {
  return sharable(market, request, pool, family) ?? market.space.lowestFree(pool, family)
}

function sharable({ space, book }: Market, request: AddressRequest, pool: AddressPool, family: Family): string | undefined {
  if (request.sharingKey === '') return undefined
  let best: string | undefined
  for (const address of book.sharedUnder(request.sharingKey)) {
    if (familyOf(address) !== family || space.poolOf(address) !== pool) continue
    if (best !== undefined && numberOf(best) < numberOf(address)) continue
    if (book.obstacles(address, request).length === 0) best = address
  }
  return best
}

/** In the order of its families. */
function joined({ families }: AddressRequest, kept: Given, more: Given): Given {
  const all = [...kept.addresses, ...more.addresses]
  const addresses = families.flatMap((family) => all.filter((address) => familyOf(address) === family))
  return { addresses, pool: kept.addresses.length > 0 ? kept.pool : more.pool }
}
