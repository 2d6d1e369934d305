/** Only the Secrets that are named are read, each by its own name, so that a role can allow just them. */
import { isDeepStrictEqual } from 'node:util'
import type { ObjectKey } from '../model/world.ts'
import type { KubeClient } from './client.ts'
import { type BatchInfo, type Reflector, type ReflectorOptions, startReflector } from './reflector.ts'
import { SECRETS } from './resource.ts'
import type { DataObject } from './types.ts'

export interface NamedSecretsOptions<V> {
  readonly client: KubeClient
  readonly signal: AbortSignal
  readonly convert: (raw: DataObject & { readonly type?: string }) => V
  /** What stands for one that is not there, or was not read yet; undefined: nothing does. */
  readonly absent: (key: ObjectKey, isRead: boolean) => V | undefined
  /** Hears the keys of what changed by what the server said; not what `follow` itself changes. */
  readonly onChange: (key: ObjectKey, batch: BatchInfo) => void
  readonly tuning?: Pick<ReflectorOptions<DataObject, V>, 'backoff'>
}

interface Followed<V> {
  readonly stop: AbortController
  readonly reflector: Reflector<V>
}

/** Follows the Secrets that it is told to, and forgets the others. */
export class NamedSecrets<V> {
  /** Everything that is followed, or what stands for it. */
  readonly values = new Map<ObjectKey, V>()
  private readonly followed = new Map<ObjectKey, Followed<V>>()
  private readonly options: NamedSecretsOptions<V>

  constructor(options: NamedSecretsOptions<V>) {
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
    const { client, signal, tuning, convert, absent } = this.options
    const stop = new AbortController()
    const [namespace = '', name = ''] = key.split('/')
    this.set(key, absent(key, false))
    const reflector: Reflector<V> = startReflector<DataObject, V>({
      ...tuning,
      client,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      resource: SECRETS,
      signal: AbortSignal.any([signal, stop.signal]),
      optional: true, // a role that does not allow this one leaves out what needs it, not everything
      keep: convert,
      onChanges: (changes, batch) => this.put(key, stop, changes.at(-1)?.after, batch),
    })
    this.followed.set(key, { stop, reflector })
    void reflector.synced.then(() => this.put(key, stop, reflector.store.get(key), { receivedAtInMs: performance.now() }))
  }

  private put(key: ObjectKey, { signal }: AbortController, read: V | undefined, batch: BatchInfo): void {
    const value = read ?? this.options.absent(key, true)
    if (signal.aborted || isDeepStrictEqual(this.values.get(key), value)) return
    this.set(key, value)
    this.options.onChange(key, batch)
  }

  private set(key: ObjectKey, value: V | undefined): void {
    if (value === undefined) this.values.delete(key)
    else this.values.set(key, value)
  }
}
