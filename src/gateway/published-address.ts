/** Where clients reach the gateways: what the status of Ingresses says. */
import type { KubeClient } from '../kube/client.ts'
import { type Reflector, startReflector } from '../kube/reflector.ts'
import { PODS, SERVICES } from '../kube/resource.ts'
import type { LoadBalancerIngress, Pod, Service } from '../kube/types.ts'
import { logger } from '../log/log.ts'
import type { ObjectKey } from '../model/world.ts'

const log = logger('gateway')

/** `service`: the addresses of that Service; `addresses`: these; `pods`: those of the nodes on which a pod like this one is ready. */
export type Publish =
  | { readonly kind: 'service'; readonly service: ObjectKey }
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  /** '' when this process is no pod: nothing is said. */
  | { readonly kind: 'pods'; readonly pod: ObjectKey }

/** Sorted, each once; undefined while it is not known: what stands in the status stays. */
export interface PublishedAddresses {
  readonly current: readonly LoadBalancerIngress[] | undefined
}

const LINGER_IN_MS = 30_000

/** Labels that tell the pods of one rollout from those of another. */
const OF_ROLLOUTS: ReadonlySet<string> = new Set(['pod-template-hash', 'controller-revision-hash', 'pod-template-generation'])

/** Follows until the signal; `onChange` hears whenever `current` may be another. */
export function followAddresses(client: KubeClient, publish: Publish, following: Following): PublishedAddresses {
  if (publish.kind === 'addresses') return { current: sorted(publish.addresses.map(ingressOf)) }
  if (publish.kind === 'service') return followService(client, publish.service, following)
  return publish.pod === '' ? { current: undefined } : new PodAddresses(client, publish.pod, following)
}

export interface Following {
  readonly signal: AbortSignal
  readonly onChange: () => void
  /** How long the address of a node stays when its pod is not ready any more: a rollout is not to be seen. 30 s by default. */
  readonly lingerInMs?: number
}

/** A Service that has none is taken at its word: clients reach nobody. */
function followService(client: KubeClient, service: ObjectKey, { signal, onChange }: Following): PublishedAddresses {
  const [namespace, name] = service.split('/')
  const reflector = startReflector<Service, readonly LoadBalancerIngress[]>({
    ...{ client, signal, resource: SERVICES, namespace, fieldSelector: `metadata.name=${name}` },
    keep: addressesOfService,
    onChanges: onChange,
  })
  void reflector.synced.then(onChange)
  return {
    get current() {
      return reflector.hasSynced ? (reflector.store.get(service) ?? []) : undefined
    },
  }
}

class PodAddresses implements PublishedAddresses {
  private reflector: Reflector<readonly string[]> | undefined
  private readonly following: Following
  /** Until when an address is said that no pod is ready at. */
  private readonly leaving = new Map<string, NodeJS.Timeout>()
  private ready: ReadonlySet<string> = new Set()

  constructor(client: KubeClient, pod: ObjectKey, following: Following) {
    this.following = following
    this.begin(client, pod).catch((err: unknown) =>
      log.error(
        { err, pod },
        'the pod of this gateway cannot be read: the status of Ingresses will not say where they are reached',
      ),
    )
  }

  /** While no pod is ready nothing is known: the one that comes is likely to be where the last one was. */
  get current(): readonly LoadBalancerIngress[] | undefined {
    const all = [...this.ready, ...this.leaving.keys()]
    return all.length === 0 || this.reflector?.hasSynced !== true ? undefined : sorted(all.map(ingressOf))
  }

  private async begin(client: KubeClient, key: ObjectKey): Promise<void> {
    const { signal } = this.following
    const [namespace, name = ''] = key.split('/')
    const { metadata } = await client.get(PODS, { namespace, name }, { signal })
    const labels = Object.entries(metadata.labels ?? {}).filter(([label]) => !OF_ROLLOUTS.has(label))
    const labelSelector = labels.map(([label, value]) => `${label}=${value}`).join(',')
    this.reflector = startReflector<Pod, readonly string[]>({
      ...{ client, signal, resource: PODS, namespace, labelSelector, keep: addressesOfPod, onChanges: () => this.look() },
    })
    await this.reflector.synced
    this.look()
  }

  private look(): void {
    const { lingerInMs = LINGER_IN_MS, onChange } = this.following
    const before = this.ready
    this.ready = new Set([...(this.reflector?.store.values() ?? [])].flat())
    for (const address of this.ready) this.forget(address)
    for (const address of before) {
      if (this.ready.has(address) || this.leaving.has(address)) continue
      const gone = () => {
        this.forget(address)
        onChange()
      }
      this.leaving.set(address, setTimeout(gone, lingerInMs).unref())
    }
    onChange()
  }

  private forget(address: string): void {
    clearTimeout(this.leaving.get(address))
    this.leaving.delete(address)
  }
}

function addressesOfService({ spec, status }: Service): readonly LoadBalancerIngress[] {
  const given = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => [ip, hostname])
  return sorted([...given, ...(spec?.externalIPs ?? [])].flatMap((one) => (one ? ingressOf(one) : [])))
}

/** Of one that takes requests. */
function addressesOfPod({ metadata, status }: Pod): readonly string[] {
  const isReady = status?.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True') ?? false
  if (!isReady || metadata.deletionTimestamp !== undefined) return []
  return (status?.hostIPs ?? []).flatMap(({ ip }) => ip ?? [])
}

const ingressOf = (text: string): LoadBalancerIngress => (/^[0-9.]+$|:/.test(text) ? { ip: text } : { hostname: text })

function sorted(all: readonly LoadBalancerIngress[]): readonly LoadBalancerIngress[] {
  const byText = new Map(all.map((one) => [one.ip ?? one.hostname ?? '', one]))
  return [...byText].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, ingress]) => ingress)
}
