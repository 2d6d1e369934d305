/** The older Endpoints object of a Service, which `kubectl get endpoints` shows. */
import { isDeepStrictEqual } from 'node:util'
import type { EndpointAddress, Endpoints, Pod, Service } from '../../kube/types.ts'
import { HEADLESS_LABEL } from './endpoint-slices.ts'
import { addressOf, endpointPorts, hasAddress, hostnameIn, isHeadless, isReady, type SlicePort } from './pod-endpoint.ts'

const MANAGED_BY = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' }

type Subset = NonNullable<Endpoints['subsets']>[number]

interface PortUse {
  readonly port: SlicePort | undefined
  readonly ready: EndpointAddress[]
  readonly notReady: EndpointAddress[]
}

/**
 * Makes the Endpoints of one Service that has a selector.
 *
 * Shape:  first family only; ports with the same addresses share a subset; terminating pods are left out unless not-ready ones
 *         are published.
 * Order:  addresses by their text; subsets by their first port.
 * Source: pkg/controller/endpoint, pkg/api/v1/endpoints RepackSubsets.
 */
export function makeEndpoints(service: Service, pods: readonly Pod[]): Endpoints {
  const { name, namespace, labels } = service.metadata
  const headless: Readonly<Record<string, string>> = isHeadless(service) ? { [HEADLESS_LABEL]: '' } : {}
  const subsets = subsetsOf(service, pods)
  const metadata = { name, namespace, labels: { ...labels, ...MANAGED_BY, ...headless } }
  return { apiVersion: 'v1', kind: 'Endpoints', metadata, ...(subsets.length === 0 ? {} : { subsets }) }
}

function subsetsOf(service: Service, pods: readonly Pod[]): readonly Subset[] {
  const tolerant = service.spec?.publishNotReadyAddresses === true
  const family = service.spec?.ipFamilies?.[0] ?? 'IPv4'
  const uses = new Map<string, PortUse>()
  for (const pod of pods) {
    const ip = addressOf(pod, family)
    if (ip === undefined || !hasAddress(pod) || (pod.metadata.deletionTimestamp !== undefined && !tolerant)) continue
    const ports = endpointPorts(service, pod)
    const address = endpointAddress(service, pod, ip)
    const isBare = isHeadless(service) && (service.spec?.ports ?? []).length === 0
    for (const port of isBare ? [undefined] : ports) {
      const key = JSON.stringify(port ?? null)
      const use = uses.get(key) ?? { port, ready: [], notReady: [] }
      if (tolerant || isReady(pod)) use.ready.push(address)
      else use.notReady.push(address)
      uses.set(key, use)
    }
  }
  return packed([...uses.values()])
}

/** Ports that have the very same addresses become one subset. */
function packed(uses: readonly PortUse[]): readonly Subset[] {
  const byAddresses = new Map<string, { use: PortUse; ports: SlicePort[] }>()
  for (const use of uses.toSorted((a, b) => portText(a.port).localeCompare(portText(b.port)))) {
    const sorted = { ...use, ready: sortedByIP(use.ready), notReady: sortedByIP(use.notReady) }
    const key = JSON.stringify([sorted.ready, sorted.notReady])
    const entry = byAddresses.get(key) ?? { use: sorted, ports: [] }
    if (use.port !== undefined) entry.ports.push(use.port)
    byAddresses.set(key, entry)
  }
  return [...byAddresses.values()].map(({ use, ports }) => ({
    ...(use.ready.length === 0 ? {} : { addresses: use.ready }),
    ...(use.notReady.length === 0 ? {} : { notReadyAddresses: use.notReady }),
    ...(ports.length === 0 ? {} : { ports: ports.map(olderPort) }),
  }))
}

function olderPort({ name, port, protocol, appProtocol }: SlicePort) {
  return { ...(name === '' ? {} : { name }), port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }
}

function portText(port: SlicePort | undefined): string {
  return port === undefined ? '' : `${port.name}/${port.protocol}/${port.port}`
}

function sortedByIP(addresses: readonly EndpointAddress[]): EndpointAddress[] {
  return addresses.toSorted((a, b) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0))
}

function endpointAddress(service: Service, pod: Pod, ip: string): EndpointAddress {
  const { namespace, name, uid } = pod.metadata
  const hostname = hostnameIn(service, pod)
  const nodeName = pod.spec?.nodeName
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName ? { nodeName } : {}),
    targetRef: { kind: 'Pod', namespace, name, uid },
  }
}

/** Whether the object that is there says what the wanted one does. */
export function sameEndpoints(wanted: Endpoints, there: Endpoints): boolean {
  return (
    isDeepStrictEqual(wanted.subsets ?? [], there.subsets ?? []) &&
    isDeepStrictEqual(wanted.metadata.labels, there.metadata.labels)
  )
}
