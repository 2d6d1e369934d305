/** The cluster as one node sees it: five collections followed at once, in Fairway's own words. */
import { isDeepStrictEqual } from 'node:util'
import type { Finding } from '../model/code.ts'
import type {
  EndpointSlice,
  Node,
  NodeName,
  ObjectKey,
  Pod,
  Service,
  ServiceCIDR,
  World,
  WorldChange,
  WorldKind,
} from '../model/world.ts'
import type { KubeClient } from './client.ts'
import type { Converted } from './converted.ts'
import { type BatchInfo, type Change, type Reflector, type ReflectorOptions, startReflector } from './reflector.ts'
import { ENDPOINT_SLICES, NODES, PODS, type Resource, SERVICE_CIDRS, SERVICES } from './resource.ts'
import type { KubeObject } from './types.ts'
import { convertEndpointSlice, convertNode, convertPod, convertService, convertServiceCIDR } from './world-objects.ts'

export interface WorldOptions {
  readonly client: KubeClient
  /** Pods are followed of this node alone. */
  readonly node: NodeName
  readonly signal: AbortSignal
  /** Hears nothing until the world is whole; then first all of it as additions, afterwards what changes. */
  readonly onChanges: (changes: readonly WorldChange[], batch: BatchInfo) => void
  /** Tuning of the reflectors, for tests. */
  readonly reflector?: Pick<
    ReflectorOptions<KubeObject, KubeObject>,
    'backoff' | 'pageSize' | 'initialTimeoutInMs' | 'watchTimeoutInS'
  >
}

export interface WorldStore {
  readonly world: World
  /** Resolves after the first whole world was heard. */
  readonly synced: Promise<void>
  /** Whether every collection is being followed, as far as known. */
  readonly connected: boolean
  /** What of the objects could not be used. */
  readonly findings: readonly Finding[]
  /** Resolves when it ended by its signal. */
  readonly done: Promise<void>
}

interface Maps {
  readonly services: Map<ObjectKey, Service>
  readonly endpointSlices: Map<ObjectKey, EndpointSlice>
  readonly pods: Map<ObjectKey, Pod>
  readonly nodes: Map<NodeName, Node>
  readonly serviceCIDRs: Map<string, ServiceCIDR>
}

/** Starts following; it runs until its signal, and never fails. */
export function startWorld(options: WorldOptions): WorldStore {
  const maps: Maps = {
    services: new Map(),
    endpointSlices: new Map(),
    pods: new Map(),
    nodes: new Map(),
    serviceCIDRs: new Map(),
  }
  const findings = new Map<string, readonly Finding[]>()
  let whole = false

  function follow<T extends KubeObject, M>(source: Source<T, M>): Reflector<Converted<M>> {
    const { client, signal } = options
    return startReflector<T, Converted<M>>({
      ...options.reflector,
      client,
      signal,
      resource: source.resource,
      fieldSelector: source.fieldSelector,
      optional: source.optional,
      keep: source.convert,
      onChanges(changes, batch) {
        const kept = changes.flatMap((change) => takeChange(source, change, findings) ?? [])
        if (whole && kept.length > 0) options.onChanges(kept, batch)
      },
    })
  }

  const reflectors: readonly Reflector<unknown>[] = [
    follow({ kind: 'service', resource: SERVICES, map: maps.services, convert: convertService }),
    follow({ kind: 'endpointSlice', resource: ENDPOINT_SLICES, map: maps.endpointSlices, convert: convertEndpointSlice }),
    follow({ kind: 'pod', resource: PODS, map: maps.pods, convert: convertPod, fieldSelector: `spec.nodeName=${options.node}` }),
    follow({ kind: 'node', resource: NODES, map: maps.nodes, convert: convertNode }),
    follow({
      kind: 'serviceCIDR',
      resource: SERVICE_CIDRS,
      map: maps.serviceCIDRs,
      convert: convertServiceCIDR,
      optional: true, // since Kubernetes 1.33
    }),
  ]
  const synced = Promise.all(reflectors.map((reflector) => reflector.synced)).then(() => {
    whole = true
    options.onChanges(additions(maps), { receivedAtInMs: performance.now() })
  })
  return {
    world: maps,
    synced,
    get connected() {
      return reflectors.every((reflector) => reflector.connected)
    },
    get findings() {
      return [...findings.values()].flat()
    },
    done: Promise.all(reflectors.map((reflector) => reflector.done)).then(() => undefined),
  }
}

interface Source<T extends KubeObject, M> {
  readonly kind: WorldKind
  readonly resource: Resource<T>
  readonly map: Map<string, M>
  readonly convert: (raw: T) => Converted<M>
  readonly fieldSelector?: string
  readonly optional?: boolean
}

/** Puts a change into the world; undefined when nothing is different to a planner (a heartbeat, a label of no meaning). */
function takeChange<T extends KubeObject, M>(
  source: Source<T, M>,
  change: Change<Converted<M>>,
  findings: Map<string, readonly Finding[]>,
): WorldChange | undefined {
  const { kind, map } = source
  const { key, after } = change
  if (after !== undefined && after.findings.length > 0) findings.set(`${kind}/${key}`, after.findings)
  else findings.delete(`${kind}/${key}`)
  const before = map.get(key)
  if (isDeepStrictEqual(before, after?.value)) return undefined
  if (after?.value === undefined) map.delete(key)
  else map.set(key, after.value)
  // one function for all kinds: that kind and value belong together is known from the source, not to the compiler
  return { kind, key, before, after: after?.value } as unknown as WorldChange
}

function additions(maps: Maps): readonly WorldChange[] {
  return [
    ...[...maps.nodes].map(([key, after]): WorldChange => ({ kind: 'node', key, after })),
    ...[...maps.serviceCIDRs].map(([key, after]): WorldChange => ({ kind: 'serviceCIDR', key, after })),
    ...[...maps.services].map(([key, after]): WorldChange => ({ kind: 'service', key, after })),
    ...[...maps.endpointSlices].map(([key, after]): WorldChange => ({ kind: 'endpointSlice', key, after })),
    ...[...maps.pods].map(([key, after]): WorldChange => ({ kind: 'pod', key, after })),
  ]
}
