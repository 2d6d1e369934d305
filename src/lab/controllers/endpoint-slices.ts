/** The endpoint slices of a Service as they should be, and the fewest writes that bring those that are there to it. */
import { isDeepStrictEqual } from 'node:util'
import type { EndpointSlice, Node, OwnerReference, Pod, Service, SliceEndpoint } from '../../kube/types.ts'
import { addressOf, endpointPorts, hasAddress, hasEndpoints, isHeadless, podEndpoint, type SlicePort } from './pod-endpoint.ts'

export const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by'
export const MANAGER = 'endpointslice-controller.k8s.io'
export const SERVICE_LABEL = 'kubernetes.io/service-name'
export const HEADLESS_LABEL = 'service.kubernetes.io/headless'
const MAX_ENDPOINTS = 100

export interface SliceWrites {
  readonly create: readonly EndpointSlice[]
  readonly update: readonly EndpointSlice[]
  readonly delete: readonly EndpointSlice[]
}

/** What slices are made for, and say so by: a Service, or Endpoints that a user wrote. */
export interface SliceOrigin {
  readonly owner: OwnerReference
  readonly namespace: string | undefined
  /** All of them, those that say whose slice it is among them. */
  readonly labels: Readonly<Record<string, string>>
}

/** Endpoints of one family that have the same ports. */
export interface Group {
  readonly addressType: string
  readonly ports: readonly SlicePort[]
  readonly endpoints: readonly SliceEndpoint[]
}

/**
 * Plans the slices of one Service.
 *
 * Shape:  per family and set of ports, slices of at most 100 endpoints; a family without endpoints has one empty slice.
 * Order:  `pods` in any order give the same endpoints; those that are there stay where they are.
 * Source: k8s.io/endpointslice reconciler.go.
 */
export function planSlices(
  service: Service,
  pods: readonly Pod[],
  nodes: ReadonlyMap<string, Node>,
  existing: readonly EndpointSlice[],
): SliceWrites {
  if (!hasEndpoints(service)) return { create: [], update: [], delete: existing }
  const families = service.spec?.ipFamilies ?? ['IPv4']
  const groups = families.flatMap((family) => {
    const found = groupsOf(service, family, pods, nodes)
    return found.length > 0 ? found : [{ addressType: family, ports: [], endpoints: [] }]
  })
  return planGroups(originOf(service), groups, existing)
}

/** Plans the slices of these groups; a group without endpoints has one empty slice. */
export function planGroups(origin: SliceOrigin, groups: readonly Group[], existing: readonly EndpointSlice[]): SliceWrites {
  const families = [...new Set(groups.map(({ addressType }) => addressType))]
  const plans = families.map((family) =>
    planFamily(origin, {
      wanted: groups.filter(({ addressType }) => addressType === family),
      existing: existing.filter(({ addressType }) => addressType === family),
    }),
  )
  const strangers = existing.filter((slice) => !families.includes(slice.addressType ?? ''))
  return {
    create: plans.flatMap((plan) => plan.create),
    update: plans.flatMap((plan) => plan.update),
    delete: [...plans.flatMap((plan) => plan.delete), ...strangers],
  }
}

function groupsOf(service: Service, family: string, pods: readonly Pod[], nodes: ReadonlyMap<string, Node>): readonly Group[] {
  const groups = new Map<string, { ports: readonly SlicePort[]; endpoints: SliceEndpoint[] }>()
  for (const pod of pods.filter(hasAddress).toSorted(byName)) {
    const address = addressOf(pod, family)
    if (address === undefined) continue
    const ports = endpointPorts(service, pod)
    const key = portsKey(ports)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    group.endpoints.push(podEndpoint(service, pod, address, nodes.get(pod.spec?.nodeName ?? '')))
    groups.set(key, group)
  }
  return [...groups.values()].map((group) => ({ addressType: family, ...group }))
}

function planFamily(
  origin: SliceOrigin,
  { wanted, existing }: { readonly wanted: readonly Group[]; readonly existing: readonly EndpointSlice[] },
): SliceWrites {
  const kept = new Set<EndpointSlice>()
  const fresh: EndpointSlice[] = []
  const update: EndpointSlice[] = []
  for (const group of wanted) {
    const slices = existing.filter((slice) => portsKey(slice.ports ?? []) === portsKey(group.ports))
    const filled = fillSlices(group, slices)
    for (const { slice, endpoints } of filled.placed) {
      kept.add(slice)
      const next = makeSlice(origin, { ...group, endpoints }, slice)
      if (!sameSlice(next, slice)) update.push(next)
    }
    for (const endpoints of filled.added) fresh.push(makeSlice(origin, { ...group, endpoints }, undefined))
  }
  const free = existing.filter((slice) => !kept.has(slice))
  // a slice that has to go is turned into one that has to come: one write instead of two
  const turned = fresh
    .splice(0, free.length)
    .map((slice, index) => ({ ...slice, metadata: { ...slice.metadata, ...identityOf(free[index]) } }))
  return { create: fresh, update: [...update, ...turned], delete: free.slice(turned.length) }
}

interface Filling {
  readonly placed: readonly { readonly slice: EndpointSlice; readonly endpoints: readonly SliceEndpoint[] }[]
  readonly added: readonly (readonly SliceEndpoint[])[]
}

/** Endpoints stay in their slice, new ones go where there is room, fullest slice first; slices that would be empty are left out. */
function fillSlices(group: Group, slices: readonly EndpointSlice[]): Filling {
  const waiting = new Map(group.endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]))
  const held = slices.map((slice) => {
    const endpoints: SliceEndpoint[] = []
    for (const old of slice.endpoints ?? []) {
      const now = waiting.get(endpointKey(old))
      if (now === undefined) continue
      waiting.delete(endpointKey(old))
      endpoints.push(now)
    }
    return { slice, endpoints }
  })
  const rest = [...waiting.values()]
  for (const place of held.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) {
    place.endpoints.push(...rest.splice(0, MAX_ENDPOINTS - place.endpoints.length))
  }
  const added: SliceEndpoint[][] = []
  while (rest.length > 0) added.push(rest.splice(0, MAX_ENDPOINTS))
  const used = held.filter(({ endpoints }) => endpoints.length > 0)
  if (group.endpoints.length > 0) return { placed: used, added }
  return { placed: held.slice(0, 1), added: held.length === 0 ? [[]] : [] }
}

function originOf(service: Service): SliceOrigin {
  const { name = '', namespace, uid = '', labels } = service.metadata
  const owner = { apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }
  return { owner, namespace, labels: sliceLabels(service, labels ?? {}) }
}

function makeSlice({ owner, namespace, labels }: SliceOrigin, group: Group, old: EndpointSlice | undefined): EndpointSlice {
  const identity = old === undefined ? { generateName: `${owner.name}-`, namespace } : identityOf(old)
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...identity, labels, ownerReferences: [owner] },
    addressType: group.addressType,
    endpoints: group.endpoints,
    ports: group.ports,
  }
}

function sliceLabels(service: Service, labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { [HEADLESS_LABEL]: _headless, [SERVICE_LABEL]: _service, [MANAGED_BY_LABEL]: _manager, ...users } = labels
  const headless: Readonly<Record<string, string>> = isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}
  return { ...users, [MANAGED_BY_LABEL]: MANAGER, [SERVICE_LABEL]: service.metadata.name ?? '', ...headless }
}

/** What makes an update hit the slice that was read, and no later one. */
function identityOf(slice: EndpointSlice | undefined): EndpointSlice['metadata'] {
  const { name, namespace, generateName, uid, resourceVersion } = slice?.metadata ?? {}
  return { name, namespace, ...(generateName === undefined ? {} : { generateName }), uid, resourceVersion }
}

/** Whether a slice needs no write; its ports are the group's already, in whatever order. */
function sameSlice(one: EndpointSlice, other: EndpointSlice): boolean {
  const content = ({ metadata, endpoints }: EndpointSlice) => [metadata.labels ?? {}, endpoints ?? []]
  return (
    isDeepStrictEqual(content(one), content(other)) &&
    other.metadata.ownerReferences?.[0]?.uid === one.metadata.ownerReferences?.[0]?.uid
  )
}

function endpointKey(endpoint: SliceEndpoint): string {
  return `${endpoint.targetRef?.uid ?? ''} ${endpoint.addresses[0] ?? ''}`
}

function portsKey(
  ports: readonly { readonly name?: string; readonly port?: number; readonly protocol?: string; readonly appProtocol?: string }[],
): string {
  return ports
    .map(({ name = '', port, protocol, appProtocol = '' }) => `${name}/${protocol}/${port}/${appProtocol}`)
    .toSorted()
    .join(' ')
}

function byName(a: Pod, b: Pod): number {
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1
}
