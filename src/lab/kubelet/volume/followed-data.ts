/** ConfigMaps and Secrets that volumes of this node's pods are made of, each followed once however many pods have it. */
import type { KubeClient } from '../../../kube/client.ts'
import { type Reflector, startReflector } from '../../../kube/reflector.ts'
import type { Resource } from '../../../kube/resource.ts'
import type { DataObject } from '../../../kube/types.ts'

export interface DataName {
  readonly resource: Resource<DataObject>
  readonly namespace: string
  readonly name: string
}

interface Followed {
  readonly listeners: Set<Listener>
  readonly reflector: Reflector<DataObject>
  readonly end: AbortController
}

type Listener = (object: DataObject) => void

export class FollowedData {
  readonly #client: KubeClient
  readonly #signal: AbortSignal
  readonly #followed = new Map<string, Followed>()

  constructor(client: KubeClient, signal: AbortSignal) {
    this.#client = client
    this.#signal = signal
  }

  /** Tells what the object is as soon as that is known, and after every change, until `signal`. Nothing is told of an absent one. */
  follow(wish: DataName, listener: Listener, signal: AbortSignal): void {
    if (signal.aborted) return // a pod may go while its volumes are laid
    const key = `${wish.resource.plural}/${wish.namespace}/${wish.name}`
    const followed = this.#followed.get(key) ?? this.#begin(key, wish)
    followed.listeners.add(listener)
    for (const object of followed.reflector.store.values()) listener(object)
    signal.addEventListener('abort', () => {
      followed.listeners.delete(listener)
      if (followed.listeners.size > 0) return
      followed.end.abort()
      this.#followed.delete(key)
    })
  }

  #begin(key: string, { resource, namespace, name }: DataName): Followed {
    const listeners = new Set<Listener>()
    const end = new AbortController()
    const reflector = startReflector<DataObject>({
      ...{ client: this.#client, resource, namespace, fieldSelector: `metadata.name=${name}` },
      signal: AbortSignal.any([end.signal, this.#signal]),
      onChanges: (changes) => {
        for (const { after } of changes) if (after !== undefined) for (const listener of listeners) listener(after)
      },
    })
    const followed = { listeners, reflector, end }
    this.#followed.set(key, followed)
    return followed
  }
}
