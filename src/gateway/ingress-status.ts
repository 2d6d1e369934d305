/** What a leader among gateways writes: where the Ingresses that are served are reached. */
import { isDeepStrictEqual } from 'node:util'
import { isConflict, isNotFound } from '../kube/api-error.ts'
import type { KubeClient } from '../kube/client.ts'
import { KeyQueue } from '../kube/key-queue.ts'
import { INGRESSES } from '../kube/resource.ts'
import type { LoadBalancerIngress } from '../kube/types.ts'
import { logger } from '../log/log.ts'
import type { ObjectKey } from '../model/world.ts'
import type { IngressHead } from './ingress-world.ts'

const log = logger('gateway')

/** After a write that came too late: the watch is to bring what is. */
const STALE_IN_MS = 200

export interface IngressStatusOptions {
  readonly client: KubeClient
  readonly signal: AbortSignal
  readonly heads: ReadonlyMap<ObjectKey, IngressHead>
  readonly isServed: (key: ObjectKey) => boolean
  /** Whether it was served by us, and is not any more: what we wrote is taken back. */
  readonly isLeft: (key: ObjectKey) => boolean
  /** Undefined: not known, so that nothing is written. */
  readonly addresses: () => readonly LoadBalancerIngress[] | undefined
  readonly onWritten: () => void
  readonly onFailure: () => void
}

export class IngressStatus {
  private readonly options: IngressStatusOptions
  private readonly queue: KeyQueue
  /** The versions that were written over, so that none is before the watch has brought what it became. */
  private readonly written = new Map<ObjectKey, string | undefined>()

  constructor(options: IngressStatusOptions) {
    this.options = options
    this.queue = new KeyQueue({
      signal: options.signal,
      sync: (key) => this.settle(key),
      failed: (ingress, err) => {
        options.onFailure()
        log.warn({ err, ingress }, 'where an Ingress is reached cannot be written; it is tried again')
      },
    })
    this.queue.start()
  }

  /** These may have to say something else. */
  look(keys: Iterable<ObjectKey>): void {
    this.queue.add(...keys)
  }

  /** Writes only what is different, and only on the object as it was seen. Those of others are left as they are. */
  private async settle(key: ObjectKey): Promise<number | undefined> {
    const { client, heads, signal, onWritten } = this.options
    const head = heads.get(key)
    const wanted = head && this.wanted(key, head)
    if (head === undefined) this.written.delete(key)
    if (head === undefined || wanted === undefined || isDeepStrictEqual(currentOf(head), wanted)) return undefined
    const { namespace, name = '', resourceVersion } = head.metadata
    if (this.written.get(key) === resourceVersion) return undefined
    const status = { loadBalancer: { ingress: wanted.length === 0 ? null : wanted } }
    const request = { type: 'merge', subresource: 'status', signal } as const
    try {
      await client.patch(INGRESSES, { namespace, name }, { metadata: { resourceVersion }, status }, request)
      this.written.set(key, resourceVersion)
      onWritten()
    } catch (error) {
      if (isNotFound(error)) return undefined
      if (!isConflict(error)) throw error
      return STALE_IN_MS
    }
    return undefined
  }

  private wanted(key: ObjectKey, head: IngressHead): readonly LoadBalancerIngress[] | undefined {
    const { isServed, isLeft, addresses } = this.options
    if (isServed(key)) return addresses()
    return isLeft(key) && isDeepStrictEqual(currentOf(head), addresses()) ? [] : undefined
  }
}

function currentOf({ status }: IngressHead): readonly LoadBalancerIngress[] {
  return status?.loadBalancer?.ingress ?? []
}
