import type { Finding } from './code.ts'
import type { AddressPool } from './load-balancer.ts'
import type { Condition } from './session-report.ts'
import type { ObjectKey } from './world.ts'

/** A pool as its author wrote it, usable or not, and what is said of it in its status. */
export interface PoolOutline {
  readonly key: ObjectKey
  readonly namespace: string
  readonly name: string
  /** The ranges as they are written. */
  readonly addresses: readonly string[]
  /** Absent when it cannot be used. */
  readonly usable?: AddressPool
  /** What is wrong with it as it is written. */
  readonly findings: readonly Finding[]
  readonly conditions: readonly Condition[]
}
