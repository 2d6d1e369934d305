/** Watches the nodes' Leases; a node that stays silent becomes Unknown, and its pods not ready. Its kubelet makes it Ready again. */
import type { KubeClient } from '../../kube/client.ts'
import { createEventRecorder, type EventRecorder } from '../../kube/events.ts'
import { type Change, type Reflector, startReflector } from '../../kube/reflector.ts'
import { LEASES, NODES, PODS } from '../../kube/resource.ts'
import type { Lease, Node, Pod } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'
import { notReadyConditions, silentInMs, unknownConditions } from './node-life.ts'

const log = logger('nodes')

/** Starts it; resolves when it knows the nodes. It runs until the signal. */
export async function startNodeLife(client: KubeClient, graceInMs: number, signal: AbortSignal): Promise<void> {
  await new NodeLife(client, graceInMs, signal).start()
}

class NodeLife {
  readonly #client: KubeClient
  readonly #graceInMs: number
  readonly #signal: AbortSignal
  readonly #recorder: EventRecorder
  readonly #heardAtInMs = new Map<string, number>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #nodes: Reflector<Node>

  constructor(client: KubeClient, graceInMs: number, signal: AbortSignal) {
    this.#client = client
    this.#graceInMs = graceInMs
    this.#signal = signal
    this.#recorder = createEventRecorder({ client, component: 'node-controller' })
    this.#nodes = startReflector<Node>({ client, signal, resource: NODES, onChanges: (changes) => this.#nodesChanged(changes) })
  }

  async start(): Promise<void> {
    const leases = startReflector<Lease>({
      client: this.#client,
      signal: this.#signal,
      resource: LEASES,
      namespace: 'kube-node-lease',
      onChanges: (changes) => {
        for (const { after } of changes) if (after !== undefined) this.#heard(after.metadata.name ?? '')
      },
    })
    this.#signal.addEventListener('abort', () => {
      for (const timer of this.#timers.values()) clearTimeout(timer)
    })
    await Promise.all([this.#nodes.synced, leases.synced])
  }

  #nodesChanged(changes: readonly Change<Node>[]): void {
    for (const { key, before, after } of changes) {
      if (after === undefined) {
        clearTimeout(this.#timers.get(key))
        this.#timers.delete(key)
      } else if (before === undefined) {
        this.#recorder.event(
          { ...after, apiVersion: 'v1', kind: 'Node' },
          'Normal',
          'RegisteredNode',
          `Node ${key} event: Registered Node ${key} in Controller`,
        )
        this.#heard(key)
      }
    }
  }

  /** Looks again when the node would have been silent for too long. */
  #heard(node: string): void {
    this.#heardAtInMs.set(node, performance.now())
    if (!this.#timers.has(node)) this.#arm(node, this.#graceInMs)
  }

  #arm(node: string, inMs: number): void {
    this.#timers.set(
      node,
      setTimeout(() => this.#look(node), inMs),
    )
  }

  #look(name: string): void {
    this.#timers.delete(name)
    const node = this.#nodes.store.get(name)
    if (node === undefined || this.#signal.aborted) return
    const leftInMs = silentInMs({ heardAtInMs: this.#heardAtInMs.get(name) ?? 0 }, this.#graceInMs, performance.now())
    this.#arm(name, leftInMs > 0 ? leftInMs : this.#graceInMs)
    // with the API server away nobody is heard, which says nothing of the nodes
    if (leftInMs > 0 || !this.#nodes.connected) return
    this.#markUnknown(name, node).catch((err: unknown) => {
      if (!this.#signal.aborted) log.warn({ err, node: name }, 'a silent node could not be marked')
    })
  }

  async #markUnknown(name: string, node: Node): Promise<void> {
    const now = `${new Date().toISOString().slice(0, 19)}Z`
    const conditions = unknownConditions(node, now)
    const options = { type: 'merge', subresource: 'status', signal: this.#signal } as const
    if (conditions !== undefined) {
      log.warn({ node: name }, 'a node is silent')
      await this.#client.patch(NODES, { name }, { status: { conditions } }, options)
      this.#recorder.event(
        { ...node, apiVersion: 'v1', kind: 'Node' },
        'Normal',
        'NodeNotReady',
        `Node ${name} status is now: NodeNotReady`,
      )
    }
    const pods = await this.#client.list<Pod>(PODS, { fieldSelector: `spec.nodeName=${name}`, signal: this.#signal })
    for (const pod of pods.items) {
      const podConditions = notReadyConditions(pod, now)
      const { namespace, name: podName = '', uid } = pod.metadata
      if (podConditions !== undefined)
        await this.#client.patch(
          PODS,
          { namespace, name: podName },
          { metadata: { uid }, status: { conditions: podConditions } },
          options,
        )
    }
  }
}
