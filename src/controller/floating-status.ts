/**
 * Where floating addresses may be, told to agents: the candidates in the status of each FloatingAddress, and why there is none.
 *
 * Pods are followed only while there is a FloatingAddress. Agents keep what they last heard: a node that dies is replaced without this.
 */
import { isDeepStrictEqual } from 'node:util'
import { isNotFound } from '../kube/api-error.ts'
import type { KubeClient } from '../kube/client.ts'
import { convertFloatingAddress, type FloatingAddressObject } from '../kube/floating-address.ts'
import { KeyQueue } from '../kube/key-queue.ts'
import { FLOATING_ADDRESSES } from '../kube/load-balancer-resources.ts'
import { type Change, startReflector } from '../kube/reflector.ts'
import { keyOf, NODES, PODS, type Resource } from '../kube/resource.ts'
import type { KubeObject } from '../kube/types.ts'
import { convertNode, convertPod } from '../kube/world-objects.ts'
import { logger } from '../log/log.ts'
import { type HolderKey, holderKey, holderOf } from '../model/address-holder.ts'
import type { Finding } from '../model/code.ts'
import type { FloatingAddress } from '../model/load-balancer.ts'
import type { Node, NodeName, ObjectKey, Pod } from '../model/world.ts'
import { planCandidates } from '../plan/floating-candidates.ts'
import { readyCondition } from './ready-condition.ts'

const log = logger('controller')

export interface FloatingStatusOptions {
  readonly client: KubeClient
  /** All holders of addresses, as they were last heard of. */
  readonly holders: ReadonlyMap<HolderKey, KubeObject>
  /** What is wrong with the object, and with its addresses. */
  readonly findingsOf: (holder: HolderKey) => readonly Finding[]
  /** Hears of the reasons why an address is at no node, when they are new. */
  readonly tell: (object: KubeObject, findings: readonly Finding[]) => void
  readonly signal: AbortSignal
}

export class FloatingStatus {
  private readonly options: FloatingStatusOptions
  private readonly pods = new Map<ObjectKey, Pod>()
  private readonly nodes = new Map<NodeName, Node>()
  private readonly queue: KeyQueue
  private readonly told = new Map<ObjectKey, string>()
  private following = false

  constructor(options: FloatingStatusOptions) {
    this.options = options
    this.queue = new KeyQueue({
      signal: options.signal,
      sync: (key) => this.settle(key),
      failed: (key, err) =>
        log.warn({ err, floatingAddress: key }, 'the status of a FloatingAddress cannot be written; trying again'),
    })
    this.lookAtAll()
  }

  /** Holders, or what is found of them, may be different. */
  look(holders: Iterable<HolderKey>): void {
    const keys = [...holders].flatMap((holder) => {
      const { kind, key } = holderOf(holder)
      return kind === 'floatingaddress' ? [key] : []
    })
    if (keys.length === 0) return
    this.follow()
    this.queue.add(...keys)
  }

  private lookAtAll(): void {
    this.look(this.options.holders.keys())
  }

  private follow(): void {
    if (this.following) return
    this.following = true
    const pods = this.reflect(PODS, (raw) => convertPod(raw).value, this.pods)
    const nodes = this.reflect(NODES, (raw) => convertNode(raw).value, this.nodes)
    // before both are whole a candidate would be missing that is there
    void Promise.all([pods, nodes]).then(() => this.queue.start())
  }

  private reflect<T extends KubeObject, V>(resource: Resource<T>, convert: (raw: T) => V | undefined, map: Map<string, V>) {
    const { client, signal } = this.options
    const take = ({ key, after }: Change<{ readonly value: V | undefined }>) => {
      const isSame = isDeepStrictEqual(map.get(key), after?.value)
      if (after?.value === undefined) map.delete(key)
      else map.set(key, after.value)
      return !isSame
    }
    const reflector = startReflector<T, { readonly value: V | undefined }>({
      ...{ client, signal, resource },
      keep: (raw) => ({ value: convert(raw) }),
      onChanges: (changes) => {
        if (changes.map(take).includes(true)) this.lookAtAll()
      },
    })
    return reflector.synced
  }

  private async settle(key: ObjectKey): Promise<undefined> {
    const object = this.options.holders.get(holderKey('floatingaddress', key)) as FloatingAddressObject | undefined
    if (object === undefined) {
      this.told.delete(key)
      return
    }
    const { value, findings } = convertFloatingAddress(object)
    const status = this.statusOf(object, value, findings)
    if (isDeepStrictEqual({ ...object.status, ...status }, { ...object.status })) return
    const { namespace, name = '' } = object.metadata
    const { client, signal } = this.options
    const request = { type: 'merge', subresource: 'status', signal } as const
    await client.patch(FLOATING_ADDRESSES, { namespace, name }, { status }, request).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
  }

  /** What of the status is written here. The addresses are others' to write, and where they are is for the agent there. */
  private statusOf(object: FloatingAddressObject, floating: FloatingAddress | undefined, invalid: readonly Finding[]): object {
    const at = object.status?.node ?? ''
    const ground = { pods: this.pods.values(), nodes: this.nodes, at }
    const plan = floating === undefined ? { candidates: [], findings: [] } : planCandidates(floating, ground)
    const key = keyOf(object)
    const ofAddress = this.options.findingsOf(holderKey('floatingaddress', key))
    this.tell(object, plan.findings)
    // both readings of the object may find the same
    const found = [...new Map([...invalid, ...ofAddress, ...plan.findings].map((one) => [one.message, one])).values()]
    const good = plan.candidates.length === 1 ? 'It follows a Ready pod.' : `It may go to ${plan.candidates.length} nodes.`
    return {
      candidates: plan.candidates,
      conditions: [readyCondition(object, found, good)],
      // a merge patch takes away what is null
      ...(plan.candidates.length === 0 && object.status?.node !== undefined ? { node: null, pod: null } : {}),
    }
  }

  private tell(object: KubeObject, findings: readonly Finding[]): void {
    const key = keyOf(object)
    const text = findings.map(({ message }) => message).join()
    if ((this.told.get(key) ?? '') === text) return
    this.told.set(key, text)
    this.options.tell(object, findings)
  }
}
