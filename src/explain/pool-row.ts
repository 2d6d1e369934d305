/** One line about a pool of addresses. */
import type { Condition } from '../model/session-report.ts'
import type { Health } from './bgp-peer-row.ts'

/** Addresses of one family. Beyond 2^53 they are rounded. */
export interface AddressCounts {
  readonly total: number
  readonly assigned: number
  readonly available: number
}

/** An object that announces the addresses of a pool. */
export interface PoolAnnouncer {
  readonly kind: 'L2Advertisement' | 'BGPAdvertisement'
  readonly namespace: string
  readonly name: string
}

/** `Ready` addresses can be given; `Full` none is free; the others are told in a finding. */
export type PoolState = 'Ready' | 'Full' | 'Unannounced' | 'Overlapping' | 'Outgrown' | 'Flawed' | 'Empty' | 'Unusable'

export interface PoolRow {
  readonly pool: string
  readonly namespace: string
  readonly state: PoolState
  readonly health: Health
  /** The ranges as they are written. */
  readonly addresses: readonly string[]
  readonly ipv4: AddressCounts
  readonly ipv6: AddressCounts
  readonly autoAssign: boolean
  readonly avoidBuggyIPs: boolean
  /** Of serviceAllocation; 0 for the last one. */
  readonly priority: number
  /** Whether it is for some Services only. */
  readonly reserved: boolean
  /** Sorted. */
  readonly announcedBy: readonly PoolAnnouncer[]
  /** As its status has them. */
  readonly conditions: readonly Condition[]
}
