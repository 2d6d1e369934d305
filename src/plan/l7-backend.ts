/** A port of a Service as servers that a gateway sends requests to. */
import type { Backend, BackendServer } from '../model/l7.ts'
import type { EndpointSlice, Service, ServicePort } from '../model/world.ts'

/** The TCP port of that name or number; undefined: the Service has none. */
export function portOf({ ports }: Service, port: string | number): ServicePort | undefined {
  return ports.find((one) => one.protocol === 'tcp' && (typeof port === 'number' ? one.port === port : one.name === port))
}

export function backendKey({ key }: Pick<Service, 'key'>, { port }: ServicePort, protocol: Backend['protocol']): string {
  return `backend/${key}/${port}${protocol === 'http' ? '' : `/${protocol}`}`
}

/** Source: KEP-3726; names without a prefix as other gateways read them. WebSockets need nothing of their own. */
const APP_PROTOCOLS: ReadonlyMap<string, Backend['protocol']> = new Map([
  ['kubernetes.io/h2c', 'h2c'],
  ['h2c', 'h2c'],
  ['grpc', 'h2c'],
  ['kubernetes.io/wss', 'https'],
  ['wss', 'https'],
  ['https', 'https'],
  ['h2', 'h2'],
  ['grpcs', 'h2'],
])

/** What a port says that its servers speak; any other word is HTTP/1.1. */
export function appProtocolOf({ appProtocol = '' }: ServicePort): Backend['protocol'] {
  return APP_PROTOCOLS.get(appProtocol) ?? 'http'
}

/** Whether a Service asks for a PROXY protocol that there is not. */
export function isProxyProtocolUnreadable({ proxyProtocol: asked }: Service): boolean {
  return asked !== undefined && !isProxyProtocol(asked)
}

function isProxyProtocol(text: string | undefined): text is 'v1' | 'v2' {
  return text === 'v1' || text === 'v2'
}

export interface Servers {
  readonly slices: Iterable<EndpointSlice>
  readonly protocol: Backend['protocol']
}

/**
 * The servers behind a port: endpoints that are ready, else those that still serve while they terminate. Of a Service that stands for a name
 * outside (ExternalName) that name.
 *
 * Order: by address and port, whatever the order of slices and endpoints.
 */
export function planBackend(service: Service, port: ServicePort, { slices, protocol }: Servers): Backend {
  const servers = service.type === 'ExternalName' ? outside(service, port) : inside(port, slices)
  const { proxyProtocol: asked } = service
  const sent = isProxyProtocol(asked) ? { proxyProtocol: asked } : {}
  return { kind: 'backend', key: backendKey(service, port, protocol), service: service.key, protocol, ...sent, servers }
}

function outside({ externalName }: Service, { port }: ServicePort): readonly BackendServer[] {
  return externalName === '' ? [] : [{ address: externalName, port }]
}

function inside(port: ServicePort, slices: Iterable<EndpointSlice>): readonly BackendServer[] {
  const ready = new Map<string, BackendServer>()
  const leaving = new Map<string, BackendServer>()
  for (const slice of slices) {
    const found = slice.ports.find(({ name, protocol }) => name === port.name && protocol === port.protocol)
    if (found === undefined) continue
    for (const endpoint of slice.endpoints) {
      const server = { address: endpoint.address, port: found.port }
      if (endpoint.ready) ready.set(textOf(server), server)
      else if (endpoint.serving && endpoint.terminating) leaving.set(textOf(server), server)
    }
  }
  const all = ready.size > 0 ? ready : leaving
  return [...all].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, server]) => server)
}

function textOf({ address, port }: BackendServer): string {
  return `${address} ${port}`
}
