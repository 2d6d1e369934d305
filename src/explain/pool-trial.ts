/** What other pools would do to Services, before anybody makes them. */
import { subjectOf as holderSubject, titleOf } from '../model/address-holder.ts'
import type { Finding } from '../model/code.ts'
import { ADDRESS_WOULD_MOVE } from '../model/codes/address.ts'
import type { PoolOutline } from '../model/pool-outline.ts'
import type { ObjectKey } from '../model/world.ts'
import { type AddressOutcome, tryPools, withPools } from '../plan/address-trial.ts'
import type { AddressInput } from '../plan/load-balancer-address.ts'
import type { Health } from './bgp-peer-row.ts'
import { foundOnce } from './found-once.ts'
import { byNames } from './order.ts'
import { announcersOf, type PoolAdvertisements, subjectOf, unannounced, usablePools } from './pools.ts'

/** What would become of the addresses of one Service. `lacks`: it has none, and would get none. */
export type AddressFate = 'keeps' | 'gains' | 'moves' | 'loses' | 'lacks'

interface Had {
  readonly addresses: readonly string[]
  /** '' without addresses. */
  readonly pool: string
}

export interface FateRow {
  readonly service: ObjectKey
  readonly fate: AddressFate
  readonly health: Health
  readonly before: Had
  readonly after: Had
  /** What would be wrong with it then. */
  readonly codes: readonly string[]
  readonly reason: string
}

export interface PoolTrialInput extends Omit<AddressInput, 'pools'> {
  /** Those that there are. */
  readonly pools: ReadonlyMap<ObjectKey, PoolOutline>
  /** Those that are tried; they stand in the place of those of the same key. */
  readonly tried: ReadonlyMap<ObjectKey, PoolOutline>
  /** All that there would be. */
  readonly advertisements: PoolAdvertisements
}

export interface PoolTrialView {
  readonly rows: readonly FateRow[]
  readonly findings: readonly Finding[]
}

/**
 * Shape:    a row for each Service that is to have addresses of ours.
 * Order:    by name; that of the input never matters.
 * Findings: what would be wrong with the pools that are tried, and with any Service and pool, once all is carried out.
 */
export function poolTrial(input: PoolTrialInput): PoolTrialView {
  const { tried, advertisements } = input
  const there = usablePools(input.pools)
  const unusable = [...tried.values()].filter(({ usable }) => usable === undefined).map(({ key }) => key)
  const others = new Map([...there].filter(([key]) => !unusable.includes(key)))
  const { before, after } = tryPools({ ...input, pools: there }, withPools(others, usablePools(tried).values()))
  const rows = [...input.requests.keys()]
    .map((key) => fateOf(key, before, after))
    .toSorted(byNames(({ service }) => service.split('/')))
  const written = [...tried.values()].flatMap((pool) => [
    ...pool.findings,
    ...(announcersOf(pool, advertisements).length === 0 ? unannounced(pool) : []),
  ])
  return { rows, findings: foundOnce([...written, ...after.findings, ...rows.flatMap((row) => wouldMove(row, tried))]) }
}

const NOTHING: Had = { addresses: [], pool: '' }
const HEALTH: Readonly<Record<AddressFate, Health>> = {
  keeps: 'good',
  gains: 'good',
  moves: 'degraded',
  loses: 'bad',
  lacks: 'bad',
}

function fateOf(service: ObjectKey, before: AddressOutcome, after: AddressOutcome): FateRow {
  const had = before.given.get(service) ?? NOTHING
  const has = after.given.get(service) ?? NOTHING
  const findings = after.findingsOf.get(service) ?? []
  const lost = had.addresses.some((address) => !has.addresses.includes(address))
  const won = has.addresses.some((address) => !had.addresses.includes(address))
  const same = has.addresses.length === 0 ? 'lacks' : 'keeps'
  const fate = lost ? (won ? 'moves' : 'loses') : won ? 'gains' : same
  const health = HEALTH[fate] === 'good' && findings.length > 0 ? 'degraded' : HEALTH[fate]
  const codes = [...new Set(findings.map(({ code }) => code.code))].sort()
  return { service, fate, health, before: had, after: has, codes, reason: findings.map(({ message }) => message).join(' ') }
}

/** Whoever loses an address has users that know it, also where another one is as good to us. */
function wouldMove({ service, fate, before, after }: FateRow, tried: PoolTrialInput['tried']): readonly Finding[] {
  if (fate !== 'moves' && fate !== 'loses') return []
  const pool = [...tried.values()].find(({ name }) => name === before.pool)
  const subjects = [...(pool === undefined ? [] : [subjectOf(pool)]), holderSubject(service)]
  const then = after.addresses.join(' and ') || 'no address'
  const message = `${titleOf(service)} would have ${then} instead of ${before.addresses.join(' and ')}.`
  return [{ code: ADDRESS_WOULD_MOVE, subjects, message, fix: ADDRESS_WOULD_MOVE.fix }]
}
