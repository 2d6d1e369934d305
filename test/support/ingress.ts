/** Short ways to say Ingresses and what they are served from, in tests. */
import { readNginxAnnotations } from '../../src/kube/nginx-annotations.ts'
import type { Ingress, IngressClass, IngressPath, IngressWorld } from '../../src/model/ingress.ts'
import { NGINX_PREFIX } from '../../src/model/nginx-annotations.ts'
import type { ObjectKey } from '../../src/model/world.ts'
import { anEndpoint, aService, aSlice } from './world.ts'

/** `exact:/a` or `/a` for a prefix, and a Service of the namespace `default` with its port. */
export function aPath(path: string, service: string, port: string | number = 80): IngressPath {
  const exact = path.startsWith('exact:')
  const text = exact ? path.slice('exact:'.length) : path.replace(/\/$/, '')
  return {
    pattern: { kind: exact ? 'exact' : 'prefix', path: text },
    text: text || '/',
    backend: { service: `default/${service}`, port },
  }
}

export function anIngress(name: string, part: Partial<Ingress> = {}): Ingress {
  return { key: `default/${name}`, className: 'fairway', rules: [], tls: [], isWhole: true, createdAtInMs: 0, ...part }
}

export const FAIRWAY_CLASS: IngressClass = { name: 'fairway', controller: 'fairway.dev/ingress', isDefault: false, dialect: '' }

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
  classes = [FAIRWAY_CLASS, NGINX_CLASS],
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

/** A class whose Ingresses speak ingress-nginx's dialect. */
export const NGINX_CLASS: IngressClass = { ...FAIRWAY_CLASS, name: 'as-nginx', dialect: 'ingress-nginx' }

/** An Ingress of it, with annotations as they are written, without their prefix. */
export function anNginxIngress(name: string, said: Readonly<Record<string, string>>, part: Partial<Ingress> = {}): Ingress {
  const written = Object.fromEntries(Object.entries(said).map(([key, value]) => [`${NGINX_PREFIX}${key}`, value]))
  const annotations = readNginxAnnotations(written, 'default')
  return anIngress(name, { className: 'as-nginx', ...(annotations === undefined ? {} : { annotations }), ...part })
}
