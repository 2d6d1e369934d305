/** Ingress as it was before v1: the same object with flat backends. Source: kubernetes pkg/apis/networking/v1beta1/conversion.go. */
import type { KindRecord, RawObject } from '../../kind.ts'
import { type Backend, type IngressSpec, type Path, specOf } from './types.ts'

interface OlderBackend {
  serviceName?: string
  servicePort?: number | string
  resource?: Backend['resource']
}

interface OlderSpec {
  ingressClassName?: string
  backend?: OlderBackend
  tls?: IngressSpec['tls']
  rules?: { host?: string; http?: { paths?: (Omit<Path, 'backend'> & { backend?: OlderBackend })[] } }[]
}

/** A backend without a service name is one of a resource, or none. */
function toBackend({ serviceName = '', servicePort, resource }: OlderBackend): Backend {
  const port = typeof servicePort === 'string' ? { name: servicePort } : servicePort === undefined ? {} : { number: servicePort }
  const service = serviceName === '' && servicePort === undefined ? {} : { service: { name: serviceName, port } }
  return { ...service, ...(resource === undefined ? {} : { resource }) }
}

function fromBackend({ service, resource }: Backend): OlderBackend {
  const port = service?.port?.name || service?.port?.number
  return {
    ...(service === undefined ? {} : { serviceName: service.name ?? '', servicePort: port ?? 0 }),
    ...(resource === undefined ? {} : { resource }),
  }
}

function toSpec({ backend, rules, ...rest }: OlderSpec): IngressSpec {
  return {
    ...rest,
    ...(backend === undefined ? {} : { defaultBackend: toBackend(backend) }),
    ...(rules === undefined
      ? {}
      : { rules: rules.map(({ http, ...rule }) => ({ ...rule, ...(http && { http: toPaths(http) }) })) }),
  }
}

/** A path without a type is what the controller makes of it: only v1 asks for one. */
const toPaths = ({ paths = [] }: NonNullable<NonNullable<OlderSpec['rules']>[number]['http']>) => ({
  paths: paths.map(({ backend = {}, pathType = 'ImplementationSpecific', ...path }) => ({
    ...path,
    pathType,
    backend: toBackend(backend),
  })),
})

function fromSpec({ defaultBackend, rules, ...rest }: IngressSpec): OlderSpec {
  const paths = ({ paths: all = [] }: { paths?: Path[] }) => ({
    paths: all.map(({ backend = {}, ...path }) => ({ ...path, backend: fromBackend(backend) })),
  })
  return {
    ...rest,
    ...(defaultBackend === undefined ? {} : { backend: fromBackend(defaultBackend) }),
    ...(rules === undefined
      ? {}
      : { rules: rules.map(({ http, ...rule }) => ({ ...rule, ...(http && { http: paths(http) }) })) }),
  }
}

/** Before 1.18 a path had no type: what nobody chose is not shown, so that an apply of the same manifest finds no change. */
function withoutPathTypes(spec: OlderSpec): OlderSpec {
  for (const { http } of spec.rules ?? [])
    for (const path of http?.paths ?? []) if (path.pathType === 'ImplementationSpecific') delete path.pathType
  return spec
}

const toStorage = (object: RawObject): RawObject => ({ ...object, spec: toSpec((object.spec ?? {}) as OlderSpec) })
const fromStorage = (object: RawObject): RawObject => ({ ...object, spec: fromSpec(specOf(object)) })
const fromStorageUntyped = (object: RawObject): RawObject => ({ ...object, spec: withoutPathTypes(fromSpec(specOf(object))) })

const GONE = 'v1.22+; use networking.k8s.io/v1 Ingress'

/** The older versions, beside the record of v1. */
export function olderIngresses(storage: KindRecord): readonly KindRecord[] {
  const served = (group: string, schema: string, from: typeof fromStorage): KindRecord => ({
    ...storage,
    group,
    version: 'v1beta1',
    schema,
    conversion: { storage, toStorage, fromStorage: from },
    // The short name is the stored version's: kubectl would warn that it could mean either.
    shortNames: [],
    deprecated: `${group}/v1beta1 Ingress is deprecated in v1.14+, unavailable in ${GONE}`,
  })
  return [
    served('networking.k8s.io', 'io.k8s.api.networking.v1beta1.Ingress', fromStorage),
    served('extensions', 'io.k8s.api.extensions.v1beta1.Ingress', fromStorageUntyped),
  ]
}
