/** Short ways to say Ingresses and what they are served from, in tests. */
import type { Ingress, IngressClass, IngressPath, IngressWorld } from '../../src/model/ingress.ts'
import type { ObjectKey } from '../../src/model/world.ts'
import { anEndpoint, aService, aSlice } from './world.ts'

/** `exact:/a` or `/a` for a prefix, and a Service of the namespace `default` with its port. */
export function aPath(path: string, service: string, port: string | number = 80): IngressPath {
  const exact = path.startsWith('exact:')
  const text = exact ? path.slice('exact:'.length) : path.replace(/\/$/, '')
  return { pattern: { kind: exact ? 'exact' : 'prefix', path: text }, backend: { service: `default/${service}`, port } }
}

export function anIngress(name: string, part: Partial<Ingress> = {}): Ingress {
  return { key: `default/${name}`, className: 'fairway', rules: [], tls: [], createdAtInMs: 0, ...part }
}

export const FAIRWAY_CLASS: IngressClass = { name: 'fairway', controller: 'fairway.dev/ingress', isDefault: false }

/** A Service of port 80, named http, with one endpoint at an address that tells them apart. */
export function served(name: string, address: string) {
  const port = { name: 'http', protocol: 'tcp', port: 80, nodePort: 0 } as const
  const service = aService(`default/${name}`, { ports: [port] })
  const slice = aSlice(`default/${name}-1`, service.key, {
    ports: [{ name: 'http', protocol: 'tcp', port: 8080 }],
    endpoints: [anEndpoint(address)],
  })
  return { service, slice }
}

export interface IngressObjects {
  readonly ingresses?: readonly Ingress[]
  readonly classes?: readonly IngressClass[]
  readonly services?: readonly ReturnType<typeof served>[]
  readonly secrets?: IngressWorld['secrets']
}

export function anIngressWorld({
  ingresses = [],
  classes = [FAIRWAY_CLASS],
  services = [],
  secrets,
}: IngressObjects): IngressWorld {
  return {
    ingresses: new Map(ingresses.map((one) => [one.key, one])),
    classes: new Map(classes.map((one) => [one.name, one])),
    services: new Map(services.map(({ service }) => [service.key, service])),
    endpointSlices: new Map(services.map(({ slice }) => [slice.key, slice])),
    secrets: secrets ?? new Map<ObjectKey, never>(),
  }
}
