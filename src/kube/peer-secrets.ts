/** Passwords of peers: only the Secrets that are named are read, each by its own name, so that a role can allow just them. */
import { isDeepStrictEqual } from 'node:util'
import type { PeerSecret } from '../model/bgp-config.ts'
import type { ObjectKey } from '../model/world.ts'
import { convertPeerSecret, missingPeerSecret, type Secret, unreadPeerSecret } from './bgp-objects.ts'
import type { KubeClient } from './client.ts'
import { type BatchInfo, type Reflector, type ReflectorOptions, startReflector } from './reflector.ts'
import { SECRETS } from './resource.ts'
import type { DataObject } from './types.ts'

export interface PeerSecretsOptions {
  readonly client: KubeClient
  readonly signal: AbortSignal
  /** Hears the keys of what changed by what the server said; not what `follow` itself changes. */
  readonly onChange: (key: ObjectKey, batch: BatchInfo) => void
  readonly tuning?: Pick<ReflectorOptions<DataObject, PeerSecret>, 'backoff'>
}

interface Followed {
  readonly stop: AbortController
  readonly reflector: Reflector<PeerSecret>
}

/** Follows the Secrets that it is told to, and forgets the others. */
export class PeerSecrets {
  /** Everything that is followed; what was not read yet says so. */
  readonly values = new Map<ObjectKey, PeerSecret>()
  private readonly followed = new Map<ObjectKey, Followed>()
  private readonly options: PeerSecretsOptions

  constructor(options: PeerSecretsOptions) {
    this.options = options
  }

  /** Makes `wanted` all that is followed; returns the keys of those that are new or gone. */
  follow(wanted: ReadonlySet<ObjectKey>): readonly ObjectKey[] {
    const gone = [...this.followed.keys()].filter((key) => !wanted.has(key))
    const fresh = [...wanted].filter((key) => !this.followed.has(key))
    for (const key of gone) {
      this.followed.get(key)?.stop.abort()
      this.followed.delete(key)
      this.values.delete(key)
    }
    for (const key of fresh) this.begin(key)
    return [...gone, ...fresh]
  }

  /** Resolves when all that is followed now was read, or found missing. */
  async read(): Promise<void> {
    await Promise.all([...this.followed.values()].map(({ reflector }) => reflector.synced))
  }

  get connected(): boolean {
    return [...this.followed.values()].every(({ reflector }) => reflector.connected)
  }

  private begin(key: ObjectKey): void {
    const { client, signal, tuning } = this.options
    const stop = new AbortController()
    const [namespace = '', name = ''] = key.split('/')
    this.values.set(key, unreadPeerSecret(key))
    const reflector: Reflector<PeerSecret> = startReflector<DataObject, PeerSecret>({
      ...tuning,
      client,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      resource: SECRETS,
      signal: AbortSignal.any([signal, stop.signal]),
      optional: true, // a role that does not allow this one leaves its peers without a session, not the node without peers
      keep: (raw) => convertPeerSecret(raw as Secret),
      onChanges: (changes, batch) => this.put(key, stop, changes.at(-1)?.after, batch),
    })
    this.followed.set(key, { stop, reflector })
    void reflector.synced.then(() => this.put(key, stop, reflector.store.get(key), { receivedAtInMs: performance.now() }))
  }

  private put(key: ObjectKey, { signal }: AbortController, read: PeerSecret | undefined, batch: BatchInfo): void {
    const value = read ?? missingPeerSecret(key)
    if (signal.aborted || isDeepStrictEqual(this.values.get(key), value)) return
    this.values.set(key, value)
    this.options.onChange(key, batch)
  }
}
