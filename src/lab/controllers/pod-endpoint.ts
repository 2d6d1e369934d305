/** A pod as an endpoint of a Service. Source: k8s.io/endpointslice utils.go; pkg/controller/endpoint. */
import type { Node, Pod, Service, ServicePort, SliceEndpoint } from '../../kube/types.ts'

const ZONE_LABEL = 'topology.kubernetes.io/zone'
const CLOSE: readonly string[] = ['PreferClose', 'PreferSameZone', 'PreferSameNode']

/** A port of an endpoint, as slices have it. */
export interface SlicePort {
  readonly name: string
  readonly protocol: string
  readonly port: number
  readonly appProtocol?: string
}

export function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
}

export function isHeadless(service: Service): boolean {
  return service.spec?.clusterIP === 'None'
}

/** Whether a Service has endpoints of its own making: those without a selector, or with an outside name, have none. */
export function hasEndpoints(service: Service): boolean {
  const { selector, type } = service.spec ?? {}
  return type !== 'ExternalName' && selector !== undefined && Object.keys(selector).length > 0
}

/** Whether a pod that the selector chose can be an endpoint at all: it has addresses and has not ended. */
export function hasAddress(pod: Pod): boolean {
  const phase = pod.status?.phase
  return phase !== 'Succeeded' && phase !== 'Failed' && (pod.status?.podIPs ?? []).some(({ ip }) => ip)
}

/** A pod's first address of a family; undefined when it has none. */
export function addressOf(pod: Pod, family: string): string | undefined {
  return (pod.status?.podIPs ?? []).map(({ ip = '' }) => ip).find((ip) => ip !== '' && ip.includes(':') === (family === 'IPv6'))
}

export function selects(service: Service, labels: Readonly<Record<string, string>> | undefined): boolean {
  return hasEndpoints(service) && Object.entries(service.spec?.selector ?? {}).every(([key, value]) => labels?.[key] === value)
}

/** The ports that a Service has at one pod: a named target port is that of the pod's container; one that it lacks is left out. */
export function endpointPorts(service: Service, pod: Pod): readonly SlicePort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod)
    if (number === undefined) return []
    const { name = '', protocol = 'TCP', appProtocol } = port
    return [{ name, protocol, port: number, ...(appProtocol === undefined ? {} : { appProtocol }) }]
  })
}

function targetPort(port: ServicePort, pod: Pod): number | undefined {
  const { targetPort: target, protocol = 'TCP' } = port
  if (typeof target === 'number') return target || port.port
  if (target === undefined || target === '') return port.port
  const ports = (pod.spec?.containers ?? []).flatMap((container) => container.ports ?? [])
  return ports.find((each) => each.name === target && (each.protocol ?? 'TCP') === protocol)?.containerPort
}

export function podEndpoint(service: Service, pod: Pod, address: string, node: Node | undefined): SliceEndpoint {
  const serving = isReady(pod)
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating)
  const hostname = hostnameIn(service, pod)
  const zone = node?.metadata.labels?.[ZONE_LABEL]
  const { namespace, name, uid } = pod.metadata
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...hintsFor(service, { ready, zone, nodeName: pod.spec?.nodeName }),
  }
}

interface Whereabouts {
  readonly ready: boolean
  readonly zone: string | undefined
  readonly nodeName: string | undefined
}

/** Whose traffic an endpoint is meant for: those who look at nodes first are given zones too. Source: k8s.io/endpointslice trafficdist.go. */
function hintsFor(service: Service, { ready, zone, nodeName }: Whereabouts): Pick<SliceEndpoint, 'hints'> {
  const wish = service.spec?.trafficDistribution ?? ''
  if (!ready || !CLOSE.includes(wish)) return {}
  const forNodes = wish === 'PreferSameNode' && nodeName ? { forNodes: [{ name: nodeName }] } : {}
  const hints = { ...(zone ? { forZones: [{ name: zone }] } : {}), ...forNodes }
  return Object.keys(hints).length === 0 ? {} : { hints }
}

/** A pod's own name in a headless Service that is its subdomain. */
export function hostnameIn(service: Service, pod: Pod): string | undefined {
  const spec: { readonly subdomain?: string; readonly hostname?: string } = pod.spec ?? {}
  return spec.hostname && spec.subdomain === service.metadata.name ? spec.hostname : undefined
}
