/** Endpoints that a user wrote for a Service without a selector, as slices. Source: pkg/controller/endpointslicemirroring. */
import type { EndpointAddress, EndpointSlice, Endpoints, Service, SliceEndpoint } from '../../kube/types.ts'
import { type Group, MANAGED_BY_LABEL, planGroups, SERVICE_LABEL, type SliceOrigin, type SliceWrites } from './endpoint-slices.ts'
import type { SlicePort } from './pod-endpoint.ts'

export const MIRROR_MANAGER = 'endpointslicemirroring-controller.k8s.io'
const SKIP_LABEL = 'endpointslice.kubernetes.io/skip-mirror'
const LEADER_ANNOTATION = 'control-plane.alpha.kubernetes.io/leader'
const MAX_ADDRESSES = 1000

/** Whether a Service's Endpoints are a user's that have to be mirrored. */
export function isMirrored(service: Service | undefined, endpoints: Endpoints | undefined): boolean {
  if (service === undefined || endpoints === undefined) return false
  if (service.metadata.deletionTimestamp !== undefined || service.spec?.type === 'ExternalName') return false
  if (Object.keys(service.spec?.selector ?? {}).length > 0) return false
  return (
    endpoints.metadata.deletionTimestamp === undefined &&
    endpoints.metadata.labels?.[SKIP_LABEL] !== 'true' &&
    endpoints.metadata.annotations?.[LEADER_ANNOTATION] === undefined
  )
}

/**
 * Plans the slices that mirror Endpoints.
 *
 * Shape: a subset's addresses of each family with its ports; at most 1000 of a subset. Order: that of the Endpoints.
 */
export function planMirror(endpoints: Endpoints, existing: readonly EndpointSlice[]): SliceWrites {
  const { name = '', namespace, uid = '', labels } = endpoints.metadata
  const origin: SliceOrigin = {
    owner: { apiVersion: 'v1', kind: 'Endpoints', name, uid, controller: true, blockOwnerDeletion: true },
    namespace,
    labels: { ...labels, [SERVICE_LABEL]: name, [MANAGED_BY_LABEL]: MIRROR_MANAGER },
  }
  return planGroups(origin, groupsOf(endpoints), existing)
}

function groupsOf({ subsets = [] }: Endpoints): readonly Group[] {
  const groups = new Map<string, { addressType: string; ports: readonly SlicePort[]; endpoints: SliceEndpoint[] }>()
  for (const { addresses = [], notReadyAddresses = [], ports = [] } of subsets) {
    const slicePorts = ports.map((port) => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }))
    const all = [
      ...addresses.map((address) => endpointOf(address, true)),
      ...notReadyAddresses.map((address) => endpointOf(address, false)),
    ]
    for (const endpoint of all.slice(0, MAX_ADDRESSES)) {
      const addressType = endpoint.addresses[0]?.includes(':') ? 'IPv6' : 'IPv4'
      const key = JSON.stringify([addressType, slicePorts])
      const group = groups.get(key) ?? { addressType, ports: slicePorts, endpoints: [] }
      group.endpoints.push(endpoint)
      groups.set(key, group)
    }
  }
  return [...groups.values()]
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): SliceEndpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(targetRef === undefined ? {} : { targetRef }),
    ...(nodeName ? { nodeName } : {}),
  }
}
