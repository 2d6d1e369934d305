/** How full the pools are, and what is wrong with them, in their status: a while after changes, one write a pool at most. */
import { isDeepStrictEqual } from 'node:util'
import { isNotFound } from '../kube/api-error.ts'
import type { KubeClient } from '../kube/client.ts'
import { IP_ADDRESS_POOLS } from '../kube/load-balancer-resources.ts'
import type { SettingsObject } from '../kube/settings.ts'
import type { Condition } from '../kube/types.ts'
import { logger } from '../log/log.ts'
import type { Finding } from '../model/code.ts'
import type { ObjectKey } from '../model/world.ts'
import type { PoolCounts } from '../plan/pool-space.ts'
import type { AddressWorld } from './address-world.ts'
import { readyCondition } from './ready-condition.ts'

const log = logger('controller')

/** Many Services that come at once are one write. */
const AFTER_IN_MS = 250
/** What could not be written is tried again. */
const AGAIN_IN_MS = 5_000

/** The most that a count of the API can say: int64, and what JSON in JavaScript carries exactly. */
const MOST = BigInt(Number.MAX_SAFE_INTEGER)

interface Status {
  readonly assignedIPv4?: number
  readonly assignedIPv6?: number
  readonly availableIPv4?: number
  readonly availableIPv6?: number
  readonly conditions?: readonly Condition[]
}

export interface PoolStatusOptions {
  readonly client: KubeClient
  readonly world: AddressWorld
  readonly signal: AbortSignal
}

/** What knows how full pools are: a leader. */
interface Counting {
  countsOf(pool: ObjectKey): PoolCounts
  readonly findings: readonly Finding[]
}

export class PoolStatus {
  private readonly options: PoolStatusOptions
  private counting: Counting | undefined
  private timer: NodeJS.Timeout | undefined
  private isWriting = false

  constructor(options: PoolStatusOptions) {
    this.options = options
    options.signal.addEventListener('abort', () => clearTimeout(this.timer))
  }

  /** Undefined: nobody knows, and nothing is written. */
  show(counting: Counting | undefined): void {
    this.counting = counting
    if (counting !== undefined) this.writeIn(AFTER_IN_MS)
  }

  private writeIn(ms: number): void {
    if (this.timer !== undefined || this.options.signal.aborted) return
    this.timer = setTimeout(() => void this.write(), ms)
  }

  /** One after the other, so that an older count never overwrites a newer one. */
  private async write(): Promise<void> {
    this.timer = undefined
    if (this.isWriting) return this.writeIn(AFTER_IN_MS)
    this.isWriting = true
    let hasFailed = false
    for (const [key, object] of this.options.world.poolObjects) hasFailed = !(await this.writeOne(key, object)) || hasFailed
    this.isWriting = false
    if (hasFailed) this.writeIn(AGAIN_IN_MS)
  }

  private async writeOne(key: ObjectKey, object: SettingsObject): Promise<boolean> {
    const { client, signal } = this.options
    const status = this.statusOf(key, object)
    if (status === undefined || isDeepStrictEqual({ ...statusIn(object), ...status }, statusIn(object))) return true
    const { namespace, name = '' } = object.metadata
    const request = { type: 'merge', subresource: 'status', signal } as const
    try {
      await client.patch(IP_ADDRESS_POOLS, { namespace, name }, { status }, request)
      return true
    } catch (err) {
      log.debug({ err, pool: key }, 'the status of a pool could not be written; trying again')
      return isNotFound(err)
    }
  }

  private statusOf(key: ObjectKey, object: SettingsObject): Status | undefined {
    if (this.counting === undefined) return undefined
    const { assigned, total } = this.counting.countsOf(key)
    const subject = `ipaddresspool/${key}`
    const findings = [...this.options.world.findingsOf('pool', key), ...this.counting.findings]
    const about = findings.filter(({ subjects }) => subjects.includes(subject))
    return {
      ...{ assignedIPv4: assigned.ipv4, assignedIPv6: assigned.ipv6 },
      ...{ availableIPv4: free(total.ipv4, assigned.ipv4), availableIPv6: free(total.ipv6, assigned.ipv6) },
      conditions: [readyCondition(object, about, 'All of it can be given.')],
    }
  }
}

function free(total: bigint, assigned: number): number {
  const count = total - BigInt(assigned)
  return Number(count < MOST ? count : MOST)
}

function statusIn(object: SettingsObject): Status {
  return (object as { readonly status?: Status }).status ?? {}
}
