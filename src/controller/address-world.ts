/** What the controller follows: who is to have addresses, pools, claims and namespaces. Kinds that are not defined yet are waited for. */
import { isDeepStrictEqual } from 'node:util'
import { convertAddressClaim } from '../kube/address-claim.ts'
import { convertAddressRequest } from '../kube/address-request.ts'
import { convertNamespace } from '../kube/bgp-objects.ts'
import { NAMESPACES } from '../kube/bgp-resources.ts'
import type { KubeClient } from '../kube/client.ts'
import type { Converted } from '../kube/converted.ts'
import { convertFloatingRequest } from '../kube/floating-address.ts'
import { LateDefinitions } from '../kube/late-definitions.ts'
import { ADDRESS_CLAIMS, FLOATING_ADDRESSES, IP_ADDRESS_POOLS } from '../kube/load-balancer-resources.ts'
import { convertAddressPool } from '../kube/pool-objects.ts'
import { type Change, type Reflector, startReflector } from '../kube/reflector.ts'
import { type Resource, SERVICES } from '../kube/resource.ts'
import type { SettingsObject } from '../kube/settings.ts'
import type { KubeObject, Service } from '../kube/types.ts'
import { type HolderKey, holderKey } from '../model/address-holder.ts'
import type { Namespace } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import type { AddressClaim, AddressPool, AddressRequest } from '../model/load-balancer.ts'
import type { ObjectKey } from '../model/world.ts'

export type AddressKind = 'pool' | 'claim' | 'request' | 'namespace'

/** One object that is new, different or gone; what it is now stands in the world. `key`: of a claim its address. */
export interface AddressWorldChange {
  readonly kind: AddressKind
  readonly key: string
}

export interface AddressWorldOptions {
  readonly client: KubeClient
  readonly signal: AbortSignal
  readonly loadBalancerClass: string
  /** Hears nothing before all is there. */
  readonly onChanges: (changes: readonly AddressWorldChange[]) => void
}

interface Kept {
  readonly raw: KubeObject
  readonly converted: Converted<unknown>
}

/** Where objects of a kind go. */
interface Place<T extends KubeObject, V> {
  readonly convert: (raw: T) => Converted<V>
  readonly map: Map<string, V>
  /** What the planner calls an object, by its key; the key by default. */
  readonly nameOf?: (key: ObjectKey) => string
  /** Whether more of the object matters than what it is converted to. */
  readonly isWhollyHeard?: boolean
}

export class AddressWorld {
  readonly pools = new Map<ObjectKey, AddressPool>()
  /** By address. */
  readonly claims = new Map<string, AddressClaim>()
  readonly requests = new Map<HolderKey, AddressRequest>()
  readonly namespaces = new Map<string, Namespace>()
  /** All Services and FloatingAddresses, as they were last heard of. */
  readonly holders = new Map<HolderKey, KubeObject>()
  /** Objects of pools, for their status. */
  readonly poolObjects = new Map<ObjectKey, SettingsObject>()
  /** The addresses that claims say a holder has. */
  readonly held = new Map<HolderKey, ReadonlySet<string>>()
  readonly synced: Promise<void>
  private readonly found = new Map<string, readonly Finding[]>()
  private readonly options: AddressWorldOptions
  private readonly definitions: LateDefinitions
  private readonly reflectors: readonly Reflector<Kept>[]
  private whole = false

  constructor(options: AddressWorldOptions) {
    this.options = options
    this.definitions = new LateDefinitions(options.client, options.signal)
    const request = (raw: Service) => convertAddressRequest(raw, options.loadBalancerClass)
    const ofFloating = (key: ObjectKey) => holderKey('floatingaddress', key)
    const floating = { convert: convertFloatingRequest, map: this.requests, nameOf: ofFloating, isWhollyHeard: true }
    this.reflectors = [
      this.follow('namespace', NAMESPACES, { convert: convertNamespace, map: this.namespaces }),
      this.follow('pool', IP_ADDRESS_POOLS, { convert: convertAddressPool, map: this.pools }),
      this.follow('claim', ADDRESS_CLAIMS, { convert: convertAddressClaim, map: this.claims }),
      this.follow('request', SERVICES, { convert: request, map: this.requests }),
      this.follow('request', FLOATING_ADDRESSES, floating),
    ]
    this.synced = Promise.all(this.reflectors.map((one) => one.synced)).then(() => {
      this.whole = true
    })
  }

  get connected(): boolean {
    return this.reflectors.every((one) => one.connected)
  }

  /** What of the objects could not be used. */
  get findings(): readonly Finding[] {
    return [...this.found.values()].flat()
  }

  findingsOf(kind: AddressKind, key: string): readonly Finding[] {
    return this.found.get(`${kind}/${key}`) ?? []
  }

  private follow<T extends KubeObject, V>(kind: AddressKind, resource: Resource<T>, place: Place<T, V>): Reflector<Kept> {
    const { client, signal } = this.options
    const { convert, nameOf = (key) => key } = place
    const reflector: Reflector<Kept> = startReflector<T, Kept>({
      ...{ client, signal, resource },
      optional: resource.group !== '',
      onAbsent: (absent) => this.definitions.note(resource, absent, () => reflector.lookAgain()),
      keep: (raw) => ({ raw, converted: convert(raw) }),
      onChanges: (changes) => {
        const taken = changes.flatMap(
          (one) => this.take(kind, { ...one, key: nameOf(one.key) }, place as Place<never, unknown>) ?? [],
        )
        if (this.whole && taken.length > 0) this.options.onChanges(taken)
      },
    })
    return reflector
  }

  /** Undefined when nothing is different to who plans. */
  private take(
    kind: AddressKind,
    { key, before, after }: Change<Kept>,
    { map, isWhollyHeard = false }: Place<never, unknown>,
  ): AddressWorldChange | undefined {
    const findings = after?.converted.findings ?? []
    const isFoundSame = isDeepStrictEqual(this.findingsOf(kind, key), findings)
    if (findings.length > 0) this.found.set(`${kind}/${key}`, findings)
    else this.found.delete(`${kind}/${key}`)
    if (kind === 'request') put(this.holders, key, after?.raw)
    if (kind === 'pool') put(this.poolObjects, key, after?.raw as SettingsObject | undefined)
    const value = after?.converted.value
    if (kind === 'claim')
      return this.takeClaim(before?.converted.value as AddressClaim | undefined, value as AddressClaim | undefined)
    const isSame = isDeepStrictEqual(map.get(key), value)
    if (isSame && kind !== 'request') return undefined
    put(map, key, value)
    // a holder that has a claim is settled again whatever changed of it: its status, or that it is ours
    return isSame && isFoundSame && !isWhollyHeard && !this.held.has(key) ? undefined : { kind, key }
  }

  private takeClaim(before: AddressClaim | undefined, after: AddressClaim | undefined): AddressWorldChange | undefined {
    const address = after?.address ?? before?.address
    if (address === undefined || isDeepStrictEqual(this.claims.get(address), after)) return undefined
    for (const holder of before?.holders ?? []) this.hold(holder, address, false)
    put(this.claims, address, after)
    for (const holder of after?.holders ?? []) this.hold(holder, address, true)
    return { kind: 'claim', key: address }
  }

  private hold(holder: HolderKey, address: string, holds: boolean): void {
    const addresses = new Set(this.held.get(holder) ?? [])
    if (holds) addresses.add(address)
    else addresses.delete(address)
    put(this.held, holder, addresses.size > 0 ? addresses : undefined)
  }
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
