/** What a gateway follows: Ingresses, their classes, Services with their endpoints, and the Secrets that are named. */
import { isDeepStrictEqual } from 'node:util'
import type { KubeClient } from '../kube/client.ts'
import type { Converted } from '../kube/converted.ts'
import { certificateOf, convertIngress, convertIngressClass } from '../kube/ingress.ts'
import { NamedSecrets } from '../kube/named-secrets.ts'
import { type Change, type Reflector, startReflector } from '../kube/reflector.ts'
import { ENDPOINT_SLICES, INGRESS_CLASSES, INGRESSES, type Resource, SECRETS, SERVICES } from '../kube/resource.ts'
import type { Ingress as IngressObject, KubeObject } from '../kube/types.ts'
import { convertEndpointSlice, convertService } from '../kube/world-objects.ts'
import type { Finding } from '../model/code.ts'
import type { CertificateSecret, Ingress, IngressChange, IngressClass, IngressKind, IngressWorld } from '../model/ingress.ts'
import type { EndpointSlice, ObjectKey, Service } from '../model/world.ts'

export interface IngressFollowerOptions {
  readonly client: KubeClient
  readonly signal: AbortSignal
  /** The only class that there is, by name; '': all that are ours. */
  readonly ingressClass: string
  /** Hears nothing before `read` resolves. */
  readonly onChanges: (changes: readonly IngressChange[]) => void
  /** Hears of Ingresses that were changed in any way, their status included; at any time. */
  readonly onIngresses: (keys: readonly ObjectKey[]) => void
}

/** Where objects of a kind go. */
interface Place<T extends KubeObject, V> {
  readonly kind: IngressKind
  readonly resource: Resource<T>
  readonly map: Map<string, V>
  readonly convert: (raw: T) => Converted<V>
  readonly fieldSelector?: string
}

/** An Ingress without what planners know of it: to write its status, and to tell Events of it. */
export type IngressHead = Pick<IngressObject, 'apiVersion' | 'kind' | 'metadata' | 'status'>

type Kept<V> = Converted<V> & { readonly head?: IngressHead }

export class IngressFollower implements IngressWorld {
  readonly ingresses = new Map<ObjectKey, Ingress>()
  readonly classes = new Map<string, IngressClass>()
  readonly services = new Map<ObjectKey, Service>()
  readonly endpointSlices = new Map<ObjectKey, EndpointSlice>()
  readonly secrets = new Map<ObjectKey, CertificateSecret>()
  /** As they were last heard of. */
  readonly heads = new Map<ObjectKey, IngressHead>()
  private readonly found = new Map<string, readonly Finding[]>()
  private readonly options: IngressFollowerOptions
  private readonly reflectors: readonly Reflector<unknown>[]
  /** Those with certificates are followed all at once, as there is one for each host; the few others by name. */
  private readonly certificates = new Map<ObjectKey, CertificateSecret>()
  private readonly named: NamedSecrets<CertificateSecret>
  private state: 'loading' | 'reading' | 'told' = 'loading'
  private readonly missed: IngressChange[] = []

  constructor(options: IngressFollowerOptions) {
    this.options = options
    const { client, signal, ingressClass } = options
    this.named = new NamedSecrets({
      ...{ client, signal, convert: certificateOf, absent: () => undefined },
      onChange: (key) => this.tell([this.takeSecret(key)]),
    })
    this.reflectors = [
      this.follow({ kind: 'ingress', resource: INGRESSES, map: this.ingresses, convert: convertIngress }),
      this.follow({ kind: 'class', resource: INGRESS_CLASSES, map: this.classes, convert: classReader(ingressClass) }),
      this.follow({ kind: 'service', resource: SERVICES, map: this.services, convert: convertService }),
      this.follow({ kind: 'endpointSlice', resource: ENDPOINT_SLICES, map: this.endpointSlices, convert: convertEndpointSlice }),
      this.follow({
        ...{ kind: 'secret', resource: SECRETS, map: this.certificates, fieldSelector: 'type=kubernetes.io/tls' },
        convert: (raw) => ({ value: certificateOf(raw), findings: [] }),
      }),
    ]
  }

  /** Resolves once all but the Secrets that are followed by name is there. */
  get synced(): Promise<unknown> {
    return Promise.all(this.reflectors.map((one) => one.synced))
  }

  /** The Secrets that are needed are followed as well; resolves when they were read, with what changed since. From then on changes are heard. */
  async read(wanted: ReadonlySet<ObjectKey>): Promise<readonly IngressChange[]> {
    this.state = 'reading'
    this.missed.push(...this.need(wanted))
    await this.named.read()
    this.state = 'told'
    return this.missed.splice(0)
  }

  /** Secrets that are to be known from now on; returns what changed by that at once. */
  need(wanted: ReadonlySet<ObjectKey>): readonly IngressChange[] {
    const others = new Set([...wanted].filter((key) => !this.certificates.has(key)))
    return this.named.follow(others).flatMap((key) => this.takeSecret(key) ?? [])
  }

  get connected(): boolean {
    return this.named.connected && this.reflectors.every((one) => one.connected)
  }

  /** What of the Ingresses that `isServed`, and of classes, could not be used. */
  findings(isServed: (key: ObjectKey) => boolean): readonly Finding[] {
    const ofIngresses = [...this.ingresses.keys()].filter(isServed).flatMap((key) => this.found.get(`ingress/${key}`) ?? [])
    return [...ofIngresses, ...[...this.classes.keys()].flatMap((key) => this.found.get(`class/${key}`) ?? [])]
  }

  private follow<T extends KubeObject, V>(place: Place<T, V>): Reflector<Kept<V>> {
    const { client, signal } = this.options
    const { kind, resource, fieldSelector, convert } = place
    return startReflector<T, Kept<V>>({
      ...{ client, signal, resource, fieldSelector },
      keep: (raw) => (kind === 'ingress' ? { ...convert(raw), head: headOf(raw) } : convert(raw)),
      onChanges: (changes) => {
        this.tell(changes.map((one) => this.take(place, one)))
        if (kind === 'ingress') this.options.onIngresses(changes.map(({ key }) => key))
      },
    })
  }

  private tell(taken: readonly (IngressChange | undefined)[]): void {
    const changes = taken.filter((one) => one !== undefined)
    if (this.state === 'reading') this.missed.push(...changes)
    if (this.state === 'told' && changes.length > 0) this.options.onChanges(changes)
  }

  /** Undefined when nothing is different to who plans. */
  private take<V>(
    { kind, map }: Pick<Place<never, V>, 'kind' | 'map'>,
    { key, after }: Change<Kept<V>>,
  ): IngressChange | undefined {
    const findings = after?.findings ?? []
    put(this.found, `${kind}/${key}`, findings.length === 0 ? undefined : findings)
    if (kind === 'ingress') put(this.heads, key, after?.head)
    if (isDeepStrictEqual(map.get(key), after?.value)) return undefined
    put(map, key, after?.value)
    return kind === 'secret' ? this.takeSecret(key) : { kind, key }
  }

  private takeSecret(key: ObjectKey): IngressChange | undefined {
    const value = this.certificates.get(key) ?? this.named.values.get(key)
    if (isDeepStrictEqual(this.secrets.get(key), value)) return undefined
    put(this.secrets, key, value)
    return { kind: 'secret', key }
  }
}

/** A gateway that was told a class takes the others for no class at all. */
function classReader(name: string): (raw: KubeObject) => Converted<IngressClass> {
  return (raw) => (name === '' || raw.metadata.name === name ? convertIngressClass(raw) : { findings: [] })
}

function headOf({ apiVersion, kind, metadata, ...rest }: KubeObject): IngressHead {
  const { namespace, name, uid, resourceVersion } = metadata
  return { apiVersion, kind, metadata: { namespace, name, uid, resourceVersion }, status: (rest as IngressObject).status }
}

function put<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}
