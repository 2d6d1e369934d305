/**
 * Leases in the place of BFD, between nodes that hear each other's kernel and not each other's BFD: something between them blocks it.
 * Slower, and only for those: a node that hears everybody writes and reads nothing.
 */
import { isAlreadyExists, isNotFound } from '../../kube/api-error.ts'
import type { KubeClient } from '../../kube/client.ts'
import { LEASES } from '../../kube/resource.ts'
import type { Lease } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import type { NodeName } from '../../model/world.ts'

const log = logger('l2')

const NAMESPACE = 'kube-system'
const EVERY_IN_MS = 1_000
const NEVER = ''
/** A Lease that was renewed vouches for its node for so long, by the clock of who reads it. */
export const VOUCHED_IN_MS = 10_000

export interface LeaseStandInOptions {
  readonly client: KubeClient
  readonly node: NodeName
  readonly signal: AbortSignal
  /** Those whose BFD is not heard though they answer. */
  readonly silent: () => readonly NodeName[]
  readonly onVouched: (node: NodeName) => void
}

export class LeaseStandIn {
  private readonly options: LeaseStandInOptions
  private readonly timer: NodeJS.Timeout
  private readonly seen = new Map<NodeName, string>()
  private isBusy = false

  constructor(options: LeaseStandInOptions) {
    this.options = options
    this.timer = setInterval(() => void this.look(), EVERY_IN_MS)
    this.timer.unref()
    options.signal.addEventListener('abort', () => clearInterval(this.timer))
  }

  /** Renews this node's Lease and reads those of the silent ones. */
  async look(): Promise<void> {
    const silent = this.options.silent()
    if (silent.length === 0 || this.isBusy) return
    this.isBusy = true
    try {
      await Promise.all([this.renew(), ...silent.map((node) => this.read(node))])
    } catch (err) {
      log.debug({ err }, 'Leases cannot be renewed or read')
    } finally {
      this.isBusy = false
    }
  }

  private async renew(): Promise<void> {
    const { client, node, signal } = this.options
    const name = nameOf(node)
    const spec = { holderIdentity: node, leaseDurationSeconds: VOUCHED_IN_MS / 1000, renewTime: now() }
    try {
      await client.patch(LEASES, { namespace: NAMESPACE, name }, { spec }, { type: 'merge', signal })
    } catch (error) {
      if (!isNotFound(error)) throw error
      await client.create(LEASES, { metadata: { namespace: NAMESPACE, name }, spec }, { signal }).catch((failure: unknown) => {
        if (!isAlreadyExists(failure)) throw failure
      })
    }
  }

  /** A Lease counts when it was renewed since it was last read: clocks of nodes differ. */
  private async read(node: NodeName): Promise<void> {
    const { client, signal, onVouched } = this.options
    const lease: Lease | undefined = await client
      .get(LEASES, { namespace: NAMESPACE, name: nameOf(node) }, { signal })
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      })
    const renewed = lease?.spec?.renewTime ?? NEVER
    const before = this.seen.get(node)
    this.seen.set(node, renewed)
    if (before !== undefined && before !== renewed) onVouched(node)
  }
}

function nameOf(node: NodeName): string {
  return `fairway-l2-${node}`
}

/** MicroTime. */
function now(): string {
  return new Date().toISOString().replace('Z', '000Z')
}
