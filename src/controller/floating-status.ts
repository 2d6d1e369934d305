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
import type { KubeObject, Node as NodeObject, Pod as PodObject } from '../kube/types.ts'
import { convertNode, convertPod } from '../kube/world-objects.ts'
import { logger } from '../log/log.ts'
import { type HolderKey, holderKey, holderOf, namespaceOf, subjectOf, titleOf } from '../model/address-holder.ts'
import type { Finding } from '../model/code.ts'
import { L2_NOBODY_ANNOUNCES } from '../model/codes/l2-plan.ts'
import type { FloatingAddress, FloatingCandidate } from '../model/load-balancer.ts'
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

/** Where objects go, and as what. */
interface Followed<T extends KubeObject, V> {
  readonly convert: (raw: T) => V | undefined
  readonly map: Map<string, V>
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

  /** Those whose pods are of one of the namespaces. */
  private lookWithin(namespaces: ReadonlySet<string>): void {
    this.look([...this.options.holders.keys()].filter((holder) => namespaces.has(namespaceOf(holder))))
  }

  private follow(): void {
    if (this.following) return
    this.following = true
    const namespaceIn = (key: ObjectKey) => key.split('/')[0] ?? ''
    const ofPods = { convert: (raw: PodObject) => convertPod(raw).value, map: this.pods }
    const ofNodes = { convert: (raw: NodeObject) => convertNode(raw).value, map: this.nodes }
    const pods = this.reflect(PODS, ofPods, (keys) => this.lookWithin(new Set(keys.map(namespaceIn))))
    const nodes = this.reflect(NODES, ofNodes, () => this.lookAtAll())
    // before both are whole a candidate would be missing that is there
    void Promise.all([pods, nodes]).then(() => this.queue.start())
  }

  /** `look` hears of those that are different. */
  private reflect<T extends KubeObject, V>(resource: Resource<T>, into: Followed<T, V>, look: (keys: readonly string[]) => void) {
    const { client, signal } = this.options
    const { convert, map } = into
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
        const different = changes.filter(take).map(({ key }) => key)
        if (different.length > 0) look(different)
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
    const { namespace, name = '', resourceVersion } = object.metadata
    const { client, signal } = this.options
    // what a node said since then is not to be taken back
    const metadata = Object.hasOwn(status, 'node') ? { metadata: { resourceVersion } } : {}
    const request = { type: 'merge', subresource: 'status', signal } as const
    await client.patch(FLOATING_ADDRESSES, { namespace, name }, { ...metadata, status }, request).catch((error: unknown) => {
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
    const said = [...invalid, ...ofAddress, ...plan.findings]
    const isSomewhere = plan.candidates.some(({ node }) => node === at)
    const all = said.length > 0 || isSomewhere ? said : [heldByNobody(key, plan.candidates)]
    const found = [...new Map(all.map((one) => [one.message, one])).values()]
    const good = plan.candidates.length === 1 ? 'It follows a Ready pod.' : `It may go to ${plan.candidates.length} nodes.`
    return {
      candidates: plan.candidates,
      conditions: [readyCondition(object, found, good)],
      // a merge patch takes away what is null
      ...(!isSomewhere && object.status?.node !== undefined ? { node: null, pod: null } : {}),
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

/** Why, the agents know: each of them sees its own interfaces and sessions only, and says it in an Event. */
function heldByNobody(key: ObjectKey, candidates: readonly FloatingCandidate[]): Finding {
  const holder = holderKey('floatingaddress', key)
  const nodes = candidates.map(({ node }) => node).join(', ')
  const message = `${titleOf(holder)} is at no node: none of ${nodes} says that it has it.`
  const fix = 'Look at its Events (`kubectl describe floatingaddress`), where agents say what is in the way, and at the agents.'
  return { code: L2_NOBODY_ANNOUNCES, subjects: [subjectOf(holder)], message, fix }
}
