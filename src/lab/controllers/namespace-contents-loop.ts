/**
 * Gives every namespace what users find in one: the ServiceAccount `default`, and the ConfigMap `kube-root-ca.crt` with the authority
 * that the API server's certificate is of. What is deleted comes back.
 * Source: kubernetes pkg/controller/serviceaccount and pkg/controller/certificates/rootcacertpublisher.
 */
import { isAlreadyExists, isNotFound } from '../../kube/api-error.ts'
import { Backoff, pause } from '../../kube/backoff.ts'
import type { KubeClient } from '../../kube/client.ts'
import { type Change, type Reflector, startReflector } from '../../kube/reflector.ts'
import type { Resource } from '../../kube/resource.ts'
import type { KubeObject } from '../../kube/types.ts'
import { logger } from '../../log/log.ts'

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

const core = (plural: string, kind: string, namespaced = true) => ({ group: '', version: 'v1', plural, kind, namespaced })
const NAMESPACES: Resource<KubeObject> = core('namespaces', 'Namespace', false)
const SERVICE_ACCOUNTS: Resource<KubeObject> = core('serviceaccounts', 'ServiceAccount')
const CONFIG_MAPS: Resource<ConfigMap> = core('configmaps', 'ConfigMap')

const ACCOUNT = 'default'
const ROOT_CA = 'kube-root-ca.crt'
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

const log = logger('namespaces')

/** Starts it; resolves when it knows the namespaces. `ca` is PEM. It runs until the signal. */
export async function startNamespaceContents(client: KubeClient, ca: string, signal: AbortSignal): Promise<void> {
  await new NamespaceContents(client, ca, signal).start()
}

class NamespaceContents {
  readonly #client: KubeClient
  readonly #ca: string
  readonly #signal: AbortSignal
  readonly #namespaces: Reflector<KubeObject>
  readonly #contents: readonly Reflector<KubeObject>[]

  constructor(client: KubeClient, ca: string, signal: AbortSignal) {
    this.#client = client
    this.#ca = ca
    this.#signal = signal
    this.#namespaces = startReflector<KubeObject>({
      ...{ client, signal, resource: NAMESPACES },
      onChanges: (changes) => {
        for (const { key, after } of changes) if (after !== undefined) this.#fill(key)
      },
    })
    const removed = (changes: readonly Change<KubeObject>[]): void => {
      for (const { before, after } of changes) if (after === undefined) this.#fill(before?.metadata.namespace ?? '')
    }
    const named = (resource: Resource<KubeObject>, name: string): Reflector<KubeObject> =>
      startReflector<KubeObject>({ client, signal, resource, fieldSelector: `metadata.name=${name}`, onChanges: removed })
    this.#contents = [named(SERVICE_ACCOUNTS, ACCOUNT), named(CONFIG_MAPS, ROOT_CA)]
  }

  async start(): Promise<void> {
    await Promise.all([this.#namespaces, ...this.#contents].map((reflector) => reflector.synced))
  }

  /** Makes what a namespace lacks, until it is there or the namespace is going. */
  async #fill(namespace: string): Promise<void> {
    const backoff = new Backoff({ firstInMs: 100, maxInMs: 5_000 })
    while (!this.#signal.aborted && this.#namespaces.store.get(namespace)?.metadata.deletionTimestamp === undefined) {
      try {
        await this.#ensure(SERVICE_ACCOUNTS, { metadata: { namespace, name: ACCOUNT } })
        const annotations = { 'kubernetes.io/description': DESCRIPTION }
        await this.#ensure(CONFIG_MAPS, { metadata: { namespace, name: ROOT_CA, annotations }, data: { 'ca.crt': this.#ca } })
        return
      } catch (err) {
        if (isNotFound(err) || this.#signal.aborted) return // the namespace is gone
        log.warn({ err, namespace }, 'a namespace could not be given its account and authority; trying again')
        await pause(backoff.next(), this.#signal)
      }
    }
  }

  async #ensure<T extends KubeObject>(resource: Resource<T>, object: T): Promise<void> {
    try {
      await this.#client.create(resource, object, { signal: this.#signal })
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
    }
  }
}
