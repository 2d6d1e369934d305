/** Notices when a kind that the server lacked is defined: a watch on its CustomResourceDefinition alone, while it is missing. */
import type { KubeClient } from './client.ts'
import { type Reflector, startReflector } from './reflector.ts'
import type { Resource } from './resource.ts'
import type { Condition, KubeObject } from './types.ts'

interface Definition extends KubeObject {
  readonly spec?: { readonly versions?: readonly { readonly name: string; readonly served: boolean }[] }
  readonly status?: { readonly conditions?: readonly Condition[] }
}

const DEFINITIONS: Resource<Definition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
}

/** Follows definitions of kinds that are absent. Who may not read definitions notices later, by asking for the kind now and then. */
export class LateDefinitions {
  private readonly client: KubeClient
  private readonly signal: AbortSignal
  private readonly watched = new Map<Resource<KubeObject>, AbortController>()

  constructor(client: KubeClient, signal: AbortSignal) {
    this.client = client
    this.signal = signal
  }

  /** To be told whenever a kind turns out to be absent, or to be there. `onServed` is called when it should be there. */
  note(resource: Resource<KubeObject>, absent: boolean, onServed: () => void): void {
    if (!absent) {
      this.watched.get(resource)?.abort()
      this.watched.delete(resource)
    } else if (!this.watched.has(resource)) {
      const stop = new AbortController()
      this.watched.set(resource, stop)
      this.follow(resource, stop.signal, onServed)
    }
  }

  private follow(resource: Resource<KubeObject>, stop: AbortSignal, onServed: () => void): Reflector<boolean> {
    return startReflector<Definition, boolean>({
      client: this.client,
      resource: DEFINITIONS,
      fieldSelector: `metadata.name=${resource.plural}.${resource.group}`,
      signal: AbortSignal.any([this.signal, stop]),
      optional: true,
      keep: (definition) => isServed(definition, resource.version),
      onChanges: (changes) => {
        if (changes.some(({ after }) => after === true)) onServed()
      },
    })
  }
}

function isServed({ spec, status }: Definition, version: string): boolean {
  const established = status?.conditions?.some((one) => one.type === 'Established' && one.status === 'True') ?? false
  return established && (spec?.versions ?? []).some(({ name, served }) => name === version && served)
}
