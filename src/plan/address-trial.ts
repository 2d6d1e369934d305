/** What Services would have if pools were different: both plans are carried out in thought, and nothing is written. Pure. */
import type { Finding } from '../model/code.ts'
import type { AddressClaim, AddressPool, AddressRequest } from '../model/load-balancer.ts'
import type { ObjectKey } from '../model/world.ts'
import type { Given } from './address-book.ts'
import { type AddressChange, type AddressInput, type AddressPlanner, createAddressPlanner } from './load-balancer-address.ts'

/** Where Services get to once claims and statuses say what is planned. */
export interface AddressOutcome {
  /** Those that have an address. */
  readonly given: ReadonlyMap<ObjectKey, Given>
  readonly findingsOf: ReadonlyMap<ObjectKey, readonly Finding[]>
  /** Of all Services and pools. */
  readonly findings: readonly Finding[]
}

export interface AddressTrial {
  readonly before: AddressOutcome
  readonly after: AddressOutcome
}

/** `pools` are all that there would be. */
export function tryPools(input: AddressInput, pools: AddressInput['pools']): AddressTrial {
  const planner = createAddressPlanner()
  const settled = carryOut(planner, input, [])
  const before = outcomeOf(planner, settled)
  const changed = [...new Set([...input.pools.keys(), ...pools.keys()])]
  const after = carryOut(
    planner,
    { ...settled, pools },
    changed.map((key) => ({ kind: 'pool', key })),
  )
  return { before, after: outcomeOf(planner, after) }
}

/** What Services come to with the pools that there are. */
export function settleAddresses(input: AddressInput): AddressOutcome {
  const planner = createAddressPlanner()
  return outcomeOf(planner, carryOut(planner, input, []))
}

/** An address that one Service gives up is free for another when its claim is gone: one round a link of such a chain. */
const MOST_ROUNDS = 1_000

function carryOut(planner: AddressPlanner, input: AddressInput, changes: readonly AddressChange[]): AddressInput {
  let world = input
  let news = changes
  for (let round = 0; round < MOST_ROUNDS; round++) {
    planner.update(world, news)
    const next = { ...world, claims: claimsOf(planner), requests: requestsOf(planner, world) }
    news = [...claimNews(world.claims, next.claims), ...requestNews(world.requests, next.requests)]
    world = next
    if (news.length === 0) break
  }
  return world
}

function claimsOf(planner: AddressPlanner): ReadonlyMap<string, AddressClaim> {
  const claims = new Map<string, AddressClaim>()
  for (const key of planner.services) {
    const { addresses, pool } = planner.given(key)
    for (const address of addresses)
      if (!claims.has(address)) claims.set(address, { address, pool, holders: [...planner.holdersOf(address)].sort() })
  }
  return claims
}

function requestsOf(planner: AddressPlanner, { requests }: AddressInput): ReadonlyMap<ObjectKey, AddressRequest> {
  return new Map(
    [...requests].map(([key, request]) => {
      const { addresses } = planner.given(key)
      return [key, addresses.join() === request.current.join() ? request : { ...request, current: addresses }]
    }),
  )
}

function claimNews(
  before: ReadonlyMap<string, AddressClaim>,
  after: ReadonlyMap<string, AddressClaim>,
): readonly AddressChange[] {
  const text = (claim: AddressClaim | undefined) => claim && `${claim.pool} ${claim.holders.toSorted().join()}`
  const addresses = [...new Set([...before.keys(), ...after.keys()])]
  return addresses.filter((key) => text(before.get(key)) !== text(after.get(key))).map((key) => ({ kind: 'claim', key }))
}

function requestNews(before: AddressInput['requests'], after: AddressInput['requests']): readonly AddressChange[] {
  return [...after.keys()].filter((key) => before.get(key) !== after.get(key)).map((key) => ({ kind: 'request', key }))
}

function outcomeOf(planner: AddressPlanner, { requests }: AddressInput): AddressOutcome {
  const found = [...requests.keys()].map((key) => [key, planner.findingsOf(key)] as const)
  return {
    given: new Map([...planner.services].map((key) => [key, bare(planner.given(key))])),
    findingsOf: new Map(found.filter(([, findings]) => findings.length > 0)),
    findings: planner.findings,
  }
}

/** Without the request that it was for, which says what else is so. */
function bare({ addresses, pool }: Given): Given {
  return { addresses, pool }
}

/** Pools by key, with those of `more` in the place of those of the same key. Those that stay keep their age. */
export function withPools(
  pools: ReadonlyMap<ObjectKey, AddressPool>,
  more: Iterable<AddressPool>,
): ReadonlyMap<ObjectKey, AddressPool> {
  const all = new Map(pools)
  for (const pool of more) all.set(pool.key, { ...pool, createdAtInMs: pools.get(pool.key)?.createdAtInMs ?? pool.createdAtInMs })
  return all
}
