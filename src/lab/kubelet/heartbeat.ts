/** Registers the node and keeps it alive in the API: the Lease every two seconds, the status when it is not as it should be. */
import { isAlreadyExists, isConflict, isNotFound } from '../../kube/api-error.ts'
import { Backoff, pause } from '../../kube/backoff.ts'
import type { KubeClient } from '../../kube/client.ts'
import { type Change, startReflector } from '../../kube/reflector.ts'
import { LEASES, NODES } from '../../kube/resource.ts'
import type { Lease, Node } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import { type MachineFacts, type NodeWish, nodeObject, nodeStatus } from './node-object.ts'

const HEARTBEAT_IN_MS = 2_000
const LEASE_SECONDS = 40
const LEASE_NAMESPACE = 'kube-node-lease'
const log = logger('kubelet')

export class NodeHeartbeat {
  readonly #client: KubeClient
  readonly #wish: NodeWish
  readonly #facts: MachineFacts
  readonly #signal: AbortSignal
  #uid = ''
  #repairing = false

  constructor(client: KubeClient, wish: NodeWish, facts: MachineFacts, signal: AbortSignal) {
    this.#client = client
    this.#wish = wish
    this.#facts = facts
    this.#signal = signal
  }

  /** Resolves once the node is registered, Ready and has its Lease; tries until then or until the signal. */
  async register(): Promise<void> {
    const backoff = new Backoff({ firstInMs: 50, maxInMs: 2_000 })
    while (!this.#signal.aborted) {
      try {
        await this.#makeReady()
        await this.#renew()
        return
      } catch (err) {
        log.warn({ err }, 'the node cannot be registered yet')
        await pause(backoff.next(), this.#signal)
      }
    }
  }

  /** Renews the Lease, and repairs the node's status whenever someone has taken its readiness or the object away. */
  keep(): void {
    void this.#renewForEver()
    startReflector<Node>({
      client: this.#client,
      resource: NODES,
      fieldSelector: `metadata.name=${this.#wish.name}`,
      signal: this.#signal,
      onChanges: (changes) => this.#check(changes),
    })
  }

  #check(changes: readonly Change<Node>[]): void {
    const last = changes.at(-1)
    const ready = last?.after?.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
    if (ready || this.#repairing) return
    this.#repairing = true
    void this.register().finally(() => {
      this.#repairing = false
    })
  }

  async #makeReady(): Promise<void> {
    const node = await this.#obtain()
    this.#uid = node.metadata.uid ?? ''
    const status = nodeStatus(this.#wish, this.#facts, node, Date.now())
    await this.#client.patch(
      NODES,
      { name: this.#wish.name },
      { status },
      { type: 'merge', subresource: 'status', signal: this.#signal },
    )
  }

  /** Makes the node, or brings labels and ranges of the one that is there up to date; what users set otherwise stays. */
  async #obtain(): Promise<Node> {
    const wanted = nodeObject(this.#wish, this.#facts)
    try {
      return await this.#client.create(NODES, wanted, { signal: this.#signal })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
    const patch = { metadata: { labels: wanted.metadata.labels }, spec: wanted.spec }
    return this.#client.patch(NODES, { name: this.#wish.name }, patch, { type: 'merge', signal: this.#signal })
  }

  async #renewForEver(): Promise<void> {
    while (await pause(HEARTBEAT_IN_MS, this.#signal)) {
      try {
        await this.#renew()
      } catch (err) {
        log.warn({ err }, 'the Lease of the node could not be renewed')
      }
    }
  }

  async #renew(): Promise<void> {
    const name = { namespace: LEASE_NAMESPACE, name: this.#wish.name }
    const renewTime = new Date().toISOString().replace('Z', '000Z')
    const options = { signal: this.#signal, timeoutInMs: HEARTBEAT_IN_MS, attempts: 1 }
    try {
      await this.#client.patch(
        LEASES,
        name,
        { spec: { renewTime, holderIdentity: this.#wish.name } },
        { ...options, type: 'merge' },
      )
    } catch (error) {
      if (!isNotFound(error)) throw error
      const owner = { apiVersion: 'v1', kind: 'Node', name: this.#wish.name, uid: this.#uid }
      const spec = { holderIdentity: this.#wish.name, leaseDurationSeconds: LEASE_SECONDS, renewTime }
      const lease: Lease = { metadata: { ...name, ownerReferences: [owner] }, spec }
      await this.#client.create(LEASES, lease, options).catch((reason: unknown) => {
        if (!isAlreadyExists(reason) && !isConflict(reason)) throw reason
      })
    }
  }
}
