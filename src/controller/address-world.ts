/** What the controller follows: Services, pools, claims and namespaces. Kinds that are not defined yet are waited for. */
import { isDeepStrictEqual } from 'node:util'
import { convertAddressClaim } from '../kube/address-claim.ts'
import { convertAddressRequest } from '../kube/address-request.ts'
import { convertNamespace } from '../kube/bgp-objects.ts'
import { NAMESPACES } from '../kube/bgp-resources.ts'
import type { KubeClient } from '../kube/client.ts'
import type { Converted } from '../kube/converted.ts'
import { LateDefinitions } from '../kube/late-definitions.ts'
import { ADDRESS_CLAIMS, IP_ADDRESS_POOLS } from '../kube/load-balancer-resources.ts'
import { convertAddressPool } from '../kube/pool-objects.ts'
import { type Change, type Reflector, startReflector } from '../kube/reflector.ts'
import { type Resource, SERVICES } from '../kube/resource.ts'
import type { SettingsObject } from '../kube/settings.ts'
import type { KubeObject, Service } from '../kube/types.ts'
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

export class AddressWorld {
  readonly pools = new Map<ObjectKey, AddressPool>()
  /** By address. */
  readonly claims = new Map<string, AddressClaim>()
  readonly requests = new Map<ObjectKey, AddressRequest>()
  readonly namespaces = new Map<string, Namespace>()
  /** All Services, as they were last heard of. */
  readonly services = new Map<ObjectKey, Service>()
  /** Objects of pools, for their status. */
  readonly poolObjects = new Map<ObjectKey, SettingsObject>()
  /** The addresses that claims say a Service has. */
  readonly held = new Map<ObjectKey, ReadonlySet<string>>()
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
    this.reflectors = [
      this.follow('namespace', NAMESPACES, convertNamespace, this.namespaces),
      this.follow('pool', IP_ADDRESS_POOLS, convertAddressPool, this.pools),
      this.follow('claim', ADDRESS_CLAIMS, convertAddressClaim, this.claims),
      this.follow('request', SERVICES, request, this.requests),
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

  private follow<T extends KubeObject, V>(
    kind: AddressKind,
    resource: Resource<T>,
    convert: (raw: T) => Converted<V>,
    map: Map<string, V>,
  ): Reflector<Kept> {
    const { client, signal } = this.options
    const reflector: Reflector<Kept> = startReflector<T, Kept>({
      ...{ client, signal, resource },
      optional: resource.group !== '',
      onAbsent: (absent) => this.definitions.note(resource, absent, () => reflector.lookAgain()),
      keep: (raw) => ({ raw, converted: convert(raw) }),
      onChanges: (changes) => {
        const taken = changes.flatMap((change) => this.take(kind, change, map as Map<string, unknown>) ?? [])
        if (this.whole && taken.length > 0) this.options.onChanges(taken)
      },
    })
    return reflector
  }

  /** Undefined when nothing is different to who plans. */
  private take(
    kind: AddressKind,
    { key, before, after }: Change<Kept>,
    map: Map<string, unknown>,
  ): AddressWorldChange | undefined {
    const findings = after?.converted.findings ?? []
    if (findings.length > 0) this.found.set(`${kind}/${key}`, findings)
    else this.found.delete(`${kind}/${key}`)
    if (kind === 'request') put(this.services, key, after?.raw as Service | undefined)
    if (kind === 'pool') put(this.poolObjects, key, after?.raw as SettingsObject | undefined)
    const value = after?.converted.value
    if (kind === 'claim')
      return this.takeClaim(before?.converted.value as AddressClaim | undefined, value as AddressClaim | undefined)
    const isSame = isDeepStrictEqual(map.get(key), value)
    if (isSame && kind !== 'request') return undefined
    put(map, key, value)
    // a Service that has a claim is settled again whatever changed of it: its status, or that it is ours
    return isSame && !this.held.has(key) ? undefined : { kind, key }
  }

  private takeClaim(before: AddressClaim | undefined, after: AddressClaim | undefined): AddressWorldChange | undefined {
    const address = after?.address ?? before?.address
    if (address === undefined || isDeepStrictEqual(this.claims.get(address), after)) return undefined
    for (const holder of before?.holders ?? []) this.hold(holder, address, false)
    put(this.claims, address, after)
    for (const holder of after?.holders ?? []) this.hold(holder, address, true)
    return { kind: 'claim', key: address }
  }

  private hold(holder: ObjectKey, address: string, holds: boolean): void {
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
