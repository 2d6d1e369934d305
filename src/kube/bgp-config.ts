/** What users ask of BGP, followed: kinds that may not be there yet, and just those Secrets that peers name. */
import { isDeepStrictEqual } from 'node:util'
import type { BgpConfig, PeerSecret } from '../model/bgp-config.ts'
import type { Finding } from '../model/code.ts'
import type { ObjectKey } from '../model/world.ts'
import {
  convertBfdProfile,
  convertCommunityNames,
  convertNamespace,
  convertPeerSecret,
  convertPodRouteAdvertisement,
  convertRouteImport,
  missingPeerSecret,
  unreadPeerSecret,
} from './bgp-objects.ts'
import { convertBgpPeer } from './bgp-peer.ts'
import { BFD_PROFILES, BGP_PEERS, BGP_ROUTE_IMPORTS, COMMUNITIES, NAMESPACES, POD_ROUTE_ADVERTISEMENTS } from './bgp-resources.ts'
import type { KubeClient } from './client.ts'
import type { Converted } from './converted.ts'
import { convertFloatingAddress } from './floating-address.ts'
import { LateDefinitions } from './late-definitions.ts'
import { BGP_ADVERTISEMENTS, FLOATING_ADDRESSES, IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from './load-balancer-resources.ts'
import { NamedSecrets } from './named-secrets.ts'
import { convertAddressPool, convertBgpAdvertisement, convertL2Advertisement } from './pool-objects.ts'
import { type BatchInfo, type Change, type Reflector, type ReflectorOptions, startReflector } from './reflector.ts'
import type { Resource } from './resource.ts'
import type { Condition, KubeObject } from './types.ts'

/** One setting that is new, different or gone; what it is now stands in the config. */
export interface BgpConfigChange {
  readonly kind: keyof BgpConfig
  readonly key: string
}

/** The object that settings were read from: what is needed to say something about it, as an Event or a condition. */
export interface SettingsSource {
  readonly resource: Resource<KubeObject>
  /** '' for what has no namespace. */
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly generation: number
  /** Those of its status, as they are on the server. */
  readonly conditions: readonly Condition[]
}

export interface BgpConfigOptions {
  readonly client: KubeClient
  readonly signal: AbortSignal
  /** Hears nothing until the config is whole; then of all that is there, afterwards of what changes. */
  readonly onChange: (changes: readonly BgpConfigChange[], batch: BatchInfo) => void
  /** Tuning of the reflectors, for tests. */
  readonly reflector?: Pick<ReflectorOptions<KubeObject, never>, 'backoff'>
}

export interface BgpConfigStore {
  readonly config: BgpConfig
  /** By subject, as in findings: `bgppeer/NAMESPACE/NAME`, `podrouteadvertisement/NAME`. Also of objects that cannot be used. */
  readonly sources: ReadonlyMap<string, SettingsSource>
  /** Resolves after the first whole config was heard. */
  readonly synced: Promise<void>
  /** Whether everything is being followed, as far as known. */
  readonly connected: boolean
  /** What of the objects could not be used. */
  readonly findings: readonly Finding[]
  /** Resolves when it ended by its signal. */
  readonly done: Promise<void>
}

/** What a reflector keeps of an object. */
interface Kept {
  readonly converted: Converted<unknown>
  readonly source: SettingsSource
}

interface Kind {
  readonly kind: Exclude<keyof BgpConfig, 'secrets'>
  readonly resource: Resource<KubeObject>
  readonly convert: (raw: KubeObject) => Converted<unknown>
}

const KINDS: readonly Kind[] = [
  { kind: 'namespaces', resource: NAMESPACES, convert: convertNamespace },
  { kind: 'bfdProfiles', resource: BFD_PROFILES, convert: convertBfdProfile },
  { kind: 'communities', resource: COMMUNITIES, convert: convertCommunityNames },
  { kind: 'routeImports', resource: BGP_ROUTE_IMPORTS, convert: convertRouteImport },
  { kind: 'podRouteAdvertisements', resource: POD_ROUTE_ADVERTISEMENTS, convert: convertPodRouteAdvertisement },
  { kind: 'peers', resource: BGP_PEERS, convert: convertBgpPeer },
  { kind: 'pools', resource: IP_ADDRESS_POOLS, convert: convertAddressPool },
  { kind: 'l2Advertisements', resource: L2_ADVERTISEMENTS, convert: convertL2Advertisement },
  { kind: 'bgpAdvertisements', resource: BGP_ADVERTISEMENTS, convert: convertBgpAdvertisement },
  { kind: 'floatingAddresses', resource: FLOATING_ADDRESSES, convert: convertFloatingAddress },
]

type Maps = { readonly [K in keyof BgpConfig]: BgpConfig[K] & Map<string, unknown> }

/** Starts following; it runs until its signal, and never fails. */
export function startBgpConfig(options: BgpConfigOptions): BgpConfigStore {
  const follower = new Follower(options)
  return {
    config: follower.maps,
    sources: follower.sources,
    synced: follower.synced,
    get connected() {
      return follower.connected
    },
    get findings() {
      return [...follower.findings.values()].flat()
    },
    done: follower.done,
  }
}

class Follower {
  readonly maps: Maps
  readonly sources = new Map<string, SettingsSource>()
  readonly findings = new Map<string, readonly Finding[]>()
  readonly synced: Promise<void>
  readonly done: Promise<void>
  private readonly options: BgpConfigOptions
  private readonly secrets: NamedSecrets<PeerSecret>
  private readonly definitions: LateDefinitions
  private readonly reflectors: readonly Reflector<Kept>[]
  private whole = false

  constructor(options: BgpConfigOptions) {
    this.options = options
    const { client, signal, reflector: tuning } = options
    const onChange = (key: ObjectKey, batch: BatchInfo) => this.tell([{ kind: 'secrets', key }], batch)
    this.secrets = new NamedSecrets({
      ...{ client, signal, onChange, tuning },
      convert: convertPeerSecret,
      absent: (key, isRead) => (isRead ? missingPeerSecret(key) : unreadPeerSecret(key)),
    })
    this.maps = emptyMaps(this.secrets.values)
    this.definitions = new LateDefinitions(client, signal)
    this.reflectors = KINDS.map((kind) => this.follow(kind))
    this.synced = this.becomeWhole()
    this.done = Promise.all(this.reflectors.map((reflector) => reflector.done)).then(() => undefined)
  }

  get connected(): boolean {
    return this.secrets.connected && this.reflectors.every((reflector) => reflector.connected)
  }

  private follow(kind: Kind): Reflector<Kept> {
    const { client, signal, reflector: tuning } = this.options
    const { resource, convert } = kind
    const reflector: Reflector<Kept> = startReflector<KubeObject, Kept>({
      ...tuning,
      ...{ client, signal, resource },
      optional: resource.group !== '', // the definitions may come later, or never
      onAbsent: (absent) => this.definitions.note(resource, absent, () => reflector.lookAgain()),
      keep: (raw) => ({ converted: convert(raw), source: sourceOf(resource, raw) }),
      onChanges: (changes, batch) => this.take(kind, changes, batch),
    })
    return reflector
  }

  private async becomeWhole(): Promise<void> {
    await Promise.all(this.reflectors.map((reflector) => reflector.synced))
    await this.secrets.read()
    this.whole = true
    const kinds = Object.keys(this.maps) as (keyof BgpConfig)[]
    const changes = kinds.flatMap((kind) => [...this.maps[kind].keys()].map((key) => ({ kind, key })))
    this.tell(changes, { receivedAtInMs: performance.now() })
  }

  private take(kind: Kind, changes: readonly Change<Kept>[], batch: BatchInfo): void {
    const taken: BgpConfigChange[] = changes
      .filter((change) => this.put(kind, change))
      .map(({ key }) => ({ kind: kind.kind, key }))
    if (kind.kind === 'peers') for (const key of this.secrets.follow(this.namedSecrets())) taken.push({ kind: 'secrets', key })
    if (taken.length > 0) this.tell(taken, batch)
  }

  /** Returns whether anything is different to who plans: a condition or an annotation is not. */
  private put({ kind, resource }: Kind, { key, after }: Change<Kept>): boolean {
    const subject = `${resource.kind.toLowerCase()}/${key}`
    if (after === undefined) this.sources.delete(subject)
    else if (kind !== 'namespaces') this.sources.set(subject, after.source)
    const { value, findings = [] } = after?.converted ?? {}
    if (findings.length > 0) this.findings.set(subject, findings)
    else this.findings.delete(subject)
    const map: Map<string, unknown> = this.maps[kind]
    if (isDeepStrictEqual(map.get(key), value)) return false
    if (value === undefined) map.delete(key)
    else map.set(key, value)
    return true
  }

  private namedSecrets(): ReadonlySet<ObjectKey> {
    const passwords = [...this.maps.peers.values()].map(({ password }) => password)
    return new Set(passwords.flatMap((password) => (password !== undefined && 'secret' in password ? password.secret : [])))
  }

  private tell(changes: readonly BgpConfigChange[], batch: BatchInfo): void {
    if (this.whole) this.options.onChange(changes, batch)
  }
}

function emptyMaps(secrets: Map<ObjectKey, PeerSecret>): Maps {
  return {
    peers: new Map(),
    bfdProfiles: new Map(),
    communities: new Map(),
    podRouteAdvertisements: new Map(),
    routeImports: new Map(),
    namespaces: new Map(),
    pools: new Map(),
    l2Advertisements: new Map(),
    bgpAdvertisements: new Map(),
    floatingAddresses: new Map(),
    secrets,
  }
}

function sourceOf(resource: Resource<KubeObject>, raw: KubeObject): SettingsSource {
  const { namespace = '', name = '', uid = '', generation = 0 } = raw.metadata
  const conditions: unknown = (raw as { readonly status?: { readonly conditions?: unknown } }).status?.conditions
  return { resource, namespace, name, uid, generation, conditions: Array.isArray(conditions) ? (conditions as Condition[]) : [] }
}
