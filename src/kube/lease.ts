/**
 * Leader election by a Lease: at most one of several processes leads, as far as their clocks run alike.
 *
 * As client-go does it: who finds the Lease free, its own, or not renewed for its whole duration *as seen from here* takes it, each
 * time on the condition that nobody else wrote it meanwhile. A leader that cannot renew it in time stops leading before another
 * may begin. What is written while leading must be safe all the same: a process that was asleep does not know that it was.
 * Source: client-go tools/leaderelection/leaderelection.go.
 */
import { logger } from '../log/log.ts'
import { isAlreadyExists, isConflict, isNotFound } from './api-error.ts'
import { pause } from './backoff.ts'
import type { KubeClient } from './client.ts'
import { LEASES } from './resource.ts'
import type { Lease } from './types.ts'

const log = logger('lease')

export interface ElectionOptions {
  readonly client: KubeClient
  readonly namespace: string
  readonly name: string
  /** Unlike that of any other live process. One that comes back under the same takes its own Lease up again at once. */
  readonly identity: string
  /** Ends it, and gives the Lease back. */
  readonly signal: AbortSignal
  readonly durationInMs?: number
  /** How long a leader tries to renew before it stops leading; less than the duration. */
  readonly renewWithinInMs?: number
  readonly retryInMs?: number
  /** Leads: returns or throws when it stopped, at the latest when its signal is aborted. Then it stands for election again. */
  readonly lead: (signal: AbortSignal) => Promise<void>
}

/** A Lease as it was last seen, and when that was, by this process' own clock. */
interface Seen {
  readonly lease: Lease
  readonly atInMs: number
}

/** Runs until its signal; never fails. */
export async function standForElection(options: ElectionOptions): Promise<void> {
  const candidate = new Candidate(options)
  while (!options.signal.aborted) await candidate.term()
}

class Candidate {
  private readonly options: ElectionOptions
  private readonly durationInMs: number
  private readonly renewWithinInMs: number
  private readonly retryInMs: number
  private seen: Seen | undefined

  constructor(options: ElectionOptions) {
    this.options = options
    this.durationInMs = options.durationInMs ?? 15_000
    this.renewWithinInMs = options.renewWithinInMs ?? (this.durationInMs * 2) / 3
    this.retryInMs = options.retryInMs ?? this.durationInMs / 8
  }

  /** Waits until it may lead, leads, and gives the Lease back. */
  async term(): Promise<void> {
    const { signal, identity, lead } = this.options
    while (!(await this.attempt())) if (!(await pause(this.retryInMs, signal))) return
    if (signal.aborted) return this.release()
    log.info({ identity }, 'leading')
    const over = new AbortController()
    const led = lead(AbortSignal.any([signal, over.signal])).catch((err: unknown) => log.error({ err }, 'could not lead'))
    const ended = led.then(() => over.abort())
    await this.keep(AbortSignal.any([signal, over.signal]))
    over.abort()
    await ended
    log.info({ identity }, 'leading no more')
    await this.release()
    await pause(this.retryInMs, signal) // others first: who could not lead is not to try again at once
  }

  /** Renews until it cannot, or until the signal. */
  private async keep(signal: AbortSignal): Promise<void> {
    let renewedAtInMs = performance.now()
    while (await pause(this.retryInMs, signal)) {
      const beganAtInMs = performance.now()
      const leftInMs = renewedAtInMs + this.renewWithinInMs - beganAtInMs
      if (leftInMs <= 0) return
      const renewed = await this.attempt(leftInMs)
      if (renewed) renewedAtInMs = beganAtInMs
      else if (this.seen?.lease.spec?.holderIdentity !== this.options.identity) return
    }
  }

  /** Whether the Lease is ours now. Never throws. */
  private async attempt(timeoutInMs = this.renewWithinInMs): Promise<boolean> {
    try {
      await this.write(timeoutInMs)
      return true
    } catch (err) {
      if (err !== TAKEN && !isConflict(err) && !isAlreadyExists(err)) log.debug({ err }, 'the Lease cannot be written')
      return false
    }
  }

  private async write(timeoutInMs: number): Promise<void> {
    const { client, namespace, name, identity, signal } = this.options
    const request = { attempts: 1, timeoutInMs: Math.max(1, timeoutInMs), signal }
    const current = await client.get(LEASES, { namespace, name }, request).catch((error: unknown) => {
      if (isNotFound(error)) return undefined
      throw error
    })
    if (current === undefined) {
      const lease = { metadata: { namespace, name }, spec: this.spec(undefined) }
      this.note(await client.create(LEASES, lease, request))
      return
    }
    this.note(current)
    if (!this.isFree(current)) throw TAKEN
    const lease = { ...current, spec: this.spec(current.spec) }
    this.note(await client.update(LEASES, lease, request))
    if (current.spec?.holderIdentity !== identity) log.info({ before: current.spec?.holderIdentity }, 'the Lease was taken')
  }

  private isFree(lease: Lease): boolean {
    const { holderIdentity = '', leaseDurationSeconds = this.durationInMs / 1000 } = lease.spec ?? {}
    if (holderIdentity === '' || holderIdentity === null || holderIdentity === this.options.identity) return true
    return performance.now() - (this.seen?.atInMs ?? performance.now()) >= leaseDurationSeconds * 1000
  }

  /** Only what changed counts as a sign of life: clocks of two machines are never compared. */
  private note(lease: Lease): void {
    if (this.seen?.lease.metadata.resourceVersion === lease.metadata.resourceVersion) return
    this.seen = { lease, atInMs: performance.now() }
  }

  private spec(before: Lease['spec']): NonNullable<Lease['spec']> {
    const { identity } = this.options
    const now = microTime(new Date())
    const stays = before?.holderIdentity === identity
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.durationInMs / 1000),
      acquireTime: stays ? before.acquireTime : now,
      renewTime: now,
      leaseTransitions: (before?.leaseTransitions ?? 0) + (before === undefined || stays ? 0 : 1),
    }
  }

  /** So that the next one need not wait. */
  private async release(): Promise<void> {
    const lease = this.seen?.lease
    if (lease === undefined || lease.spec?.holderIdentity !== this.options.identity) return
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(new Date()) }
    this.seen = undefined
    await this.options.client
      .update(LEASES, { ...lease, spec }, { attempts: 1, timeoutInMs: 1_000 })
      .catch((err: unknown) => log.debug({ err }, 'the Lease could not be given back'))
  }
}

const TAKEN = new Error('the Lease is held by another')

/** metav1.MicroTime. */
function microTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z')
}
