/** The backends of a Service's port: what ClusterIP and NodePort have in common. */
import { createHash } from 'node:crypto'
import type { Finding } from '../model/code.ts'
import { SERVICE_WITHOUT_ENDPOINTS } from '../model/codes/ports.ts'
import { type Backend, type BackendGroup, byAddress, GROUP_KEY_LIMIT } from '../model/datapath.ts'
import type { Endpoint, EndpointSlice, Family, Service, ServicePort } from '../model/world.ts'

/** A key of bounded length: a long name keeps its beginning, and a digest stands for the rest. `scope` tells the groups of one owner apart. */
export function groupKey(owner: string, scope: string, family: Family): string {
  const tail = `/${scope}/${family}`
  const room = GROUP_KEY_LIMIT - tail.length
  if (Buffer.byteLength(owner) <= room) return `${owner}${tail}`
  const digest = createHash('sha256').update(owner).digest('hex').slice(0, 16)
  return `${owner.slice(0, room - digest.length - 1)}~${digest}${tail}`
}

/** Whether Fairway carries this Service at all: not a headless or external one, nor one that is labelled for another proxy. */
export function isCarried(service: Service): boolean {
  return service.type !== 'ExternalName' && service.clusterIPs.length > 0 && !service.leftAlone
}

/**
 * The endpoints that new flows go to: the ready ones; when there are none, those that still serve while they terminate.
 *
 * Shape:  sorted, without doubles; an endpoint in two slices counts once.
 * Source: Kubernetes pkg/proxy/topology.go, CategorizeEndpoints.
 */
export function chooseBackends(port: ServicePort, family: Family, slices: readonly EndpointSlice[]): readonly Backend[] {
  const ready = new Map<string, Backend>()
  const leaving = new Map<string, Backend>()
  for (const slice of slices) {
    if (slice.family !== family) continue
    const target = slice.ports.find((candidate) => candidate.name === port.name && candidate.protocol === port.protocol)
    if (target === undefined) continue
    for (const endpoint of slice.endpoints) collect(endpoint, target.port, ready, leaving)
  }
  const chosen = ready.size > 0 ? ready : leaving
  return [...chosen.values()].sort(byAddress)
}

function collect(endpoint: Endpoint, port: number, ready: Map<string, Backend>, leaving: Map<string, Backend>): void {
  const backend = { address: endpoint.address, port }
  const key = `${endpoint.address} ${port}`
  if (endpoint.ready) ready.set(key, backend)
  else if (endpoint.serving && endpoint.terminating) leaving.set(key, backend)
}

/** A group without conditions: everybody may come, and nobody is remembered. */
export const PLAIN = { whenEmpty: 'refuse', affinityInSeconds: 0, sourceRanges: [] } as const

/** The group of one port of a Service, drawn from all ready endpoints of the cluster. */
export function planGroup(service: Service, port: ServicePort, family: Family, slices: readonly EndpointSlice[]): BackendGroup {
  return {
    kind: 'group',
    key: groupKey(`${service.key}:${port.name}`, 'cluster', family),
    family,
    masquerade: 'outsiders',
    ...PLAIN,
    backends: chooseBackends(port, family, slices),
  }
}

/** One finding for a Service of which some port has no backend, naming the ports and families. */
export function withoutEndpoints(
  service: Service,
  groups: readonly { port: ServicePort; group: BackendGroup }[],
): readonly Finding[] {
  const empty = groups.filter(({ group }) => group.backends.length === 0)
  if (empty.length === 0) return []
  const ports = [...new Set(empty.map(({ port, group }) => `${port.port}/${port.protocol} (${group.family})`))].toSorted()
  const subject = `service/${service.key}`
  const message = `${subject} has no ready endpoint for ${ports.join(', ')}: new connections are refused.`
  return [{ code: SERVICE_WITHOUT_ENDPOINTS, subjects: [subject], message, fix: SERVICE_WITHOUT_ENDPOINTS.fix }]
}
