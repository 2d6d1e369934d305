/** How full pools are, who announces them, and what is wrong with them. */
import type { Finding } from '../model/code.ts'
import { ADDRESS_OUTSIDE_POOL, ADDRESS_POOL_UNANNOUNCED, ADDRESS_POOLS_OVERLAP } from '../model/codes/address.ts'
import type { Advertisement, LoadBalancerConfig } from '../model/load-balancer.ts'
import type { PoolOutline } from '../model/pool-outline.ts'
import type { ObjectKey } from '../model/world.ts'
import { settleAddresses } from '../plan/address-trial.ts'
import { meansPool } from '../plan/advertisement.ts'
import type { AddressInput } from '../plan/load-balancer-address.ts'
import { type PoolCounts, PoolSpace } from '../plan/pool-space.ts'
import { foundOnce } from './found-once.ts'
import { byNames } from './order.ts'
import type { AddressCounts, PoolAnnouncer, PoolRow, PoolState } from './pool-row.ts'

/** What announces pools. */
export type PoolAdvertisements = Pick<LoadBalancerConfig, 'l2Advertisements' | 'bgpAdvertisements'>

export interface PoolsInput extends Omit<AddressInput, 'pools'>, PoolAdvertisements {
  readonly pools: ReadonlyMap<ObjectKey, PoolOutline>
}

export interface PoolsView {
  readonly rows: readonly PoolRow[]
  readonly findings: readonly Finding[]
}

/**
 * Shape:    a row for each pool, whether it can be used or not.
 * Order:    by name and namespace, numbers by their value; that of the input never matters.
 * Counts:   assigned is what claims and statuses of Services say, not what is only planned.
 * Findings: of pools, and of Services that lack an address or keep one which their pool has no more.
 */
export function pools(input: PoolsInput): PoolsView {
  const all = [...input.pools.values()].toSorted(byNames(({ name, namespace }) => [name, namespace]))
  const space = new PoolSpace(all.flatMap(({ usable }) => usable ?? []))
  for (const address of input.claims.keys()) space.occupy(address)
  for (const { current } of input.requests.values()) for (const address of current) space.occupy(address)
  const announcers = new Map(all.map((pool) => [pool.key, announcersOf(pool, input)]))
  const planned = settleAddresses({ ...input, pools: usablePools(input.pools) }).findings
  const findings = [
    ...all.flatMap((pool) => pool.findings),
    ...all.flatMap((pool) => (announcers.get(pool.key)?.length === 0 ? unannounced(pool) : [])),
    ...planned,
  ]
  const rows = all.map((pool) => {
    const about = findings.filter(({ subjects }) => subjects.includes(subjectOf(pool)))
    return rowOf(pool, space.counts(pool.key), announcers.get(pool.key) ?? [], about)
  })
  return { rows, findings: foundOnce(findings) }
}

export function usablePools(outlines: ReadonlyMap<ObjectKey, PoolOutline>): AddressInput['pools'] {
  return new Map([...outlines.values()].flatMap(({ key, usable }) => (usable === undefined ? [] : [[key, usable]])))
}

export function subjectOf({ key }: { readonly key: ObjectKey }): string {
  return `ipaddresspool/${key}`
}

/** The advertisements that are for a pool. Whether nodes and peers are there for them is another question. */
export function announcersOf(
  { usable }: PoolOutline,
  { l2Advertisements, bgpAdvertisements }: PoolAdvertisements,
): readonly PoolAnnouncer[] {
  if (usable === undefined) return []
  const of = (kind: PoolAnnouncer['kind'], all: ReadonlyMap<ObjectKey, Advertisement>) =>
    [...all.values()]
      .filter((one) => meansPool(one, usable))
      .map(({ key, name }): PoolAnnouncer => ({ kind, namespace: key.slice(0, Math.max(0, key.length - name.length - 1)), name }))
  const names = byNames(({ kind, name, namespace }: PoolAnnouncer) => [kind, name, namespace])
  return [...of('L2Advertisement', l2Advertisements), ...of('BGPAdvertisement', bgpAdvertisements)].toSorted(names)
}

/** None of one that cannot be used, of which that is told. */
export function unannounced(pool: PoolOutline): readonly Finding[] {
  if (pool.usable === undefined) return []
  const message = `No L2Advertisement and no BGPAdvertisement announces the addresses of pool ${pool.name}.`
  const { fix } = ADDRESS_POOL_UNANNOUNCED
  return [{ code: ADDRESS_POOL_UNANNOUNCED, subjects: [subjectOf(pool)], message, fix }]
}

function rowOf(
  { name, namespace, addresses, usable, conditions }: PoolOutline,
  counts: PoolCounts,
  announcedBy: readonly PoolAnnouncer[],
  findings: readonly Finding[],
): PoolRow {
  const [ipv4, ipv6] = [countsOf(counts, 'ipv4'), countsOf(counts, 'ipv6')]
  const state = usable === undefined ? 'Unusable' : stateOf(ipv4, ipv6, findings)
  return {
    pool: name,
    namespace,
    state,
    health: state === 'Ready' ? 'good' : state === 'Unusable' || state === 'Empty' ? 'bad' : 'degraded',
    addresses,
    ipv4,
    ipv6,
    autoAssign: usable?.autoAssign ?? false,
    avoidBuggyIPs: usable?.avoidsBuggyAddresses ?? false,
    priority: usable?.priority ?? 0,
    reserved: usable?.reserved !== undefined,
    announcedBy,
    conditions,
  }
}

function countsOf({ total, assigned }: PoolCounts, family: 'ipv4' | 'ipv6'): AddressCounts {
  const available = total[family] - BigInt(assigned[family])
  return { total: Number(total[family]), assigned: assigned[family], available: Number(available) }
}

const STATES: ReadonlyMap<string, PoolState> = new Map([
  [ADDRESS_POOL_UNANNOUNCED.code, 'Unannounced'],
  [ADDRESS_POOLS_OVERLAP.code, 'Overlapping'],
  [ADDRESS_OUTSIDE_POOL.code, 'Outgrown'],
])

function stateOf(ipv4: AddressCounts, ipv6: AddressCounts, findings: readonly Finding[]): PoolState {
  if (ipv4.total + ipv6.total === 0) return 'Empty'
  const [first] = findings
  if (first !== undefined) return STATES.get(first.code.code) ?? 'Flawed'
  return ipv4.available + ipv6.available === 0 ? 'Full' : 'Ready'
}
