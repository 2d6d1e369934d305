/** The addresses of all pools: whose they are, and which are free. */
import { familyOf } from '../model/datapath.ts'
import type { AddressPool } from '../model/load-balancer.ts'
import type { Family, ObjectKey } from '../model/world.ts'
import { addressOf, countBuggy, isBuggy } from './address-number.ts'
import { NumberSet } from './number-set.ts'
import { numberOf } from './ranges.ts'

interface Range {
  readonly first: bigint
  readonly last: bigint
  readonly pool: AddressPool
}

/** Two pools that have addresses in common; the older one has them. */
export interface Overlap {
  readonly younger: AddressPool
  readonly older: AddressPool
}

export interface PoolCounts {
  readonly assigned: Readonly<Record<Family, number>>
  readonly total: Readonly<Record<Family, bigint>>
}

const FAMILIES: readonly Family[] = ['ipv4', 'ipv6']

/** Pools do not change in it: it is made anew when they do. */
export class PoolSpace {
  /** Of two of one name the older one. */
  readonly byName: ReadonlyMap<string, AddressPool>
  readonly overlaps: readonly Overlap[]
  /** Sorted by number; no two overlap. */
  private readonly owners: Readonly<Record<Family, Range[]>> = { ipv4: [], ipv6: [] }
  /** What is left of the spans of a pool, in its own order. */
  private readonly usable = new Map<ObjectKey, Readonly<Record<Family, Range[]>>>()
  /** Given addresses, and those that are left out. */
  private readonly used: Readonly<Record<Family, NumberSet>> = { ipv4: new NumberSet(), ipv6: new NumberSet() }
  private readonly assigned = new Map<ObjectKey, Record<Family, number>>()

  constructor(pools: Iterable<AddressPool>) {
    const sorted = [...pools].sort((one, other) => one.createdAtInMs - other.createdAtInMs || (one.key < other.key ? -1 : 1))
    const overlaps = new Map<string, Overlap>()
    for (const younger of sorted)
      for (const older of this.lay(younger)) overlaps.set(`${younger.key} ${older.key}`, { younger, older })
    this.overlaps = [...overlaps.values()]
    this.byName = new Map(sorted.toReversed().map((pool) => [pool.name, pool]))
  }

  /** What it cost so far. */
  get steps(): number {
    return this.used.ipv4.steps + this.used.ipv6.steps
  }

  /** The pool that may give an address. */
  poolOf(address: string): AddressPool | undefined {
    const number = numberOf(address)
    const family = familyOf(address)
    const pool = ownerOf(this.owners[family], number)?.pool
    return pool !== undefined && leavesOut(pool, family, number) ? undefined : pool
  }

  has(pool: AddressPool, family: Family): boolean {
    return (this.usable.get(pool.key)?.[family].length ?? 0) > 0
  }

  lowestFree(pool: AddressPool, family: Family): string | undefined {
    const used = this.used[family]
    for (const { first, last } of this.usable.get(pool.key)?.[family] ?? []) {
      let free = used.nextFree(first)
      // so that each of them is met once
      while (free <= last && leavesOut(pool, family, free)) {
        used.add(free)
        free = used.nextFree(free)
      }
      if (free <= last) return addressOf(free, family)
    }
    return undefined
  }

  occupy(address: string): void {
    const family = familyOf(address)
    if (this.used[family].add(numberOf(address))) this.count(address, family, 1)
  }

  vacate(address: string): void {
    const family = familyOf(address)
    if (this.used[family].delete(numberOf(address))) this.count(address, family, -1)
  }

  counts(pool: ObjectKey): PoolCounts {
    const of = (family: Family) => (this.usable.get(pool)?.[family] ?? []).reduce((sum, range) => sum + sizeOf(range, family), 0n)
    return { assigned: { ...(this.assigned.get(pool) ?? NONE) }, total: { ipv4: of('ipv4'), ipv6: of('ipv6') } }
  }

  private count(address: string, family: Family, by: 1 | -1): void {
    const pool = this.poolOf(address)
    if (pool === undefined) return
    const counts = this.assigned.get(pool.key) ?? { ...NONE }
    counts[family] += by
    this.assigned.set(pool.key, counts)
  }

  /** Lays the spans of a pool beside those of the older ones, and gives those that it met. */
  private lay(pool: AddressPool): ReadonlySet<AddressPool> {
    const met = new Set<AddressPool>()
    const usable: Record<Family, Range[]> = { ipv4: [], ipv6: [] }
    for (const family of FAMILIES) {
      const owners = this.owners[family]
      for (const span of pool.spans.filter((one) => one.family === family)) {
        const rest = restOf({ first: numberOf(span.first), last: numberOf(span.last), pool }, owners, met)
        for (const range of rest) owners.splice(lastFrom(owners, range.first) + 1, 0, range)
        usable[family].push(...rest)
      }
    }
    this.usable.set(pool.key, usable)
    met.delete(pool)
    return met
  }
}

const NONE: Readonly<Record<Family, number>> = { ipv4: 0, ipv6: 0 }

/** The parts of a range that no other one has. */
function restOf({ first, last, pool }: Range, owners: readonly Range[], met: Set<AddressPool>): readonly Range[] {
  const rest: Range[] = []
  let from = first
  for (let at = Math.max(0, lastFrom(owners, first)); at < owners.length; at++) {
    const other = owners[at]
    if (other === undefined || other.first > last) break
    if (other.last < from) continue
    met.add(other.pool)
    if (from < other.first) rest.push({ first: from, last: other.first - 1n, pool })
    from = other.last + 1n
  }
  if (from <= last) rest.push({ first: from, last, pool })
  return rest
}

/** The index of the last range that begins at the number or below; -1 when none does. */
function lastFrom(ranges: readonly Range[], number: bigint): number {
  let [low, high] = [-1, ranges.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((ranges[middle]?.first ?? number) <= number) low = middle
    else high = middle
  }
  return low
}

function ownerOf(ranges: readonly Range[], number: bigint): Range | undefined {
  const found = ranges[lastFrom(ranges, number)]
  return found !== undefined && number <= found.last ? found : undefined
}

function leavesOut(pool: AddressPool, family: Family, number: bigint): boolean {
  return family === 'ipv4' && pool.avoidsBuggyAddresses && isBuggy(number)
}

function sizeOf({ first, last, pool }: Range, family: Family): bigint {
  return last - first + 1n - (family === 'ipv4' && pool.avoidsBuggyAddresses ? countBuggy(first, last) : 0n)
}
