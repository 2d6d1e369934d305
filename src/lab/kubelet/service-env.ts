/** The environment by which containers find Services: `WEB_SERVICE_HOST`, and the links that Docker once made. */
import type { KubeClient } from '../../kube/client.ts'
import { startReflector } from '../../kube/reflector.ts'
import { SERVICES } from '../../kube/resource.ts'
import type { Service, ServicePort } from '../../kube/types.ts'

/** What is kept of a Service. */
export interface LinkedService {
  readonly name: string
  readonly namespace: string
  /** '' or `None` for one without an address. */
  readonly address: string
  readonly ports: readonly Pick<ServicePort, 'name' | 'port' | 'protocol'>[]
}

/** The Services of the cluster, as containers are told of them. */
export interface ServiceLinks {
  /** Waits until the Services are known. `links` is the pod's enableServiceLinks. */
  of(namespace: string, links: boolean): Promise<Readonly<Record<string, string>>>
}

/** Follows the Services until the signal. */
export function followServices(client: KubeClient, signal: AbortSignal): ServiceLinks {
  const services = startReflector<Service, LinkedService>({ client, signal, resource: SERVICES, keep: linkedService })
  return {
    async of(namespace, links) {
      await services.synced
      return serviceEnv([...services.store.values()], namespace, links)
    },
  }
}

function linkedService({ metadata, spec }: Service): LinkedService {
  const ports = (spec?.ports ?? []).map(({ name, port, protocol }) => ({ name, port, protocol }))
  return { name: metadata.name ?? '', namespace: metadata.namespace ?? '', address: spec?.clusterIP ?? '', ports }
}

const MASTER = { name: 'kubernetes', namespace: 'default' }

/**
 * The variables of the Services of a namespace that have an address, and of the API server's always.
 *
 * Order: by name of the Service.
 * Source: kubernetes pkg/kubelet/kubelet_pods.go getServiceEnvVarMap, pkg/kubelet/envvars.
 */
export function serviceEnv(
  services: readonly LinkedService[],
  namespace: string,
  links: boolean,
): Readonly<Record<string, string>> {
  const seen = new Map<string, LinkedService>()
  for (const service of services) {
    const { address, name } = service
    if (address === '' || address === 'None') continue
    if (links && service.namespace === namespace) seen.set(name, service)
    else if (name === MASTER.name && service.namespace === MASTER.namespace && !seen.has(name)) seen.set(name, service)
  }
  const sorted = [...seen.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return Object.fromEntries(sorted.flatMap(variablesOf))
}

function variablesOf({ address, name, ports }: LinkedService): readonly (readonly [string, string])[] {
  const [first] = ports
  if (first === undefined) return []
  const prefix = variableName(name)
  const named = ports.filter((port) => (port.name ?? '') !== '')
  return [
    [`${prefix}_SERVICE_HOST`, address],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...named.map((port) => [`${prefix}_SERVICE_PORT_${variableName(port.name ?? '')}`, String(port.port)] as const),
    [`${prefix}_PORT`, urlOf(address, first)],
    ...ports.flatMap((port) => linkOf(`${prefix}_PORT_${port.port}_${port.protocol ?? 'TCP'}`, address, port)),
  ]
}

function linkOf(prefix: string, address: string, port: LinkedService['ports'][number]): readonly (readonly [string, string])[] {
  return [
    [prefix, urlOf(address, port)],
    [`${prefix}_PROTO`, (port.protocol ?? 'TCP').toLowerCase()],
    [`${prefix}_PORT`, String(port.port)],
    [`${prefix}_ADDR`, address],
  ]
}

function urlOf(address: string, { port, protocol = 'TCP' }: LinkedService['ports'][number]): string {
  return `${protocol.toLowerCase()}://${address.includes(':') ? `[${address}]` : address}:${port}`
}

const variableName = (name: string): string => name.replaceAll('-', '_').toUpperCase()
