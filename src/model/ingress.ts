/** What users ask for with Ingresses, free of Kubernetes' words where they mean nothing to a planner. */
import type { PathPattern } from './l7.ts'
import type { NginxAnnotations } from './nginx-annotations.ts'
import type { EndpointSlice, ObjectKey, Service } from './world.ts'

/** A port of a Service, by its name or its number. */
export interface IngressBackend {
  readonly service: ObjectKey
  readonly port: string | number
}

export interface IngressPath {
  /** A final slash does not tell prefixes apart. Absent: the text has characters that only a regular expression has. */
  readonly pattern?: Exclude<PathPattern, { readonly kind: 'regex' }>
  /** As it is written; `/` when nothing is. */
  readonly text: string
  readonly backend: IngressBackend
}

export interface Ingress {
  readonly key: ObjectKey
  /** Of a class, by name; '' when it names none. */
  readonly className: string
  /** `host` is '' for every host; a wildcard begins with `*.`. In lower case. */
  readonly rules: readonly { readonly host: string; readonly paths: readonly IngressPath[] }[]
  /** For what no rule of any Ingress matches. */
  readonly defaultBackend?: IngressBackend
  /** The Secret with the certificate for these hosts; '' for the gateway's own. */
  readonly tls: readonly { readonly hosts: readonly string[]; readonly secret: ObjectKey | '' }[]
  /** Absent: it has none of ingress-nginx's. */
  readonly annotations?: NginxAnnotations
  /** Whether all of it could be read, annotations aside. */
  readonly isWhole: boolean
  /** Milliseconds since the epoch, from creationTimestamp: of two that ask for the same the older is served. */
  readonly createdAtInMs: number
}

export interface IngressClass {
  readonly name: string
  /** Who serves it: `fairway.dev/ingress` is us. */
  readonly controller: string
  /** Whether it is that of Ingresses that name none. */
  readonly isDefault: boolean
  /** Whose annotations count on its Ingresses; '' for nobody's. */
  readonly dialect: '' | 'ingress-nginx'
}

/** A Secret with a certificate. `problem` says why that cannot be used, as a sentence about the Secret; '' when it can. */
export interface CertificateSecret {
  readonly key: ObjectKey
  readonly chain: string
  readonly privateKey: string
  readonly problem: string
  /** Those that sign clients (`ca.crt`), as PEM; absent: none that can be read. */
  readonly authority?: string
  /** Who has a password: by the lines of `auth` as htpasswd writes them, or by keys. Absent: no such lines, or a Secret of another purpose. */
  readonly passwords?: { readonly file?: readonly Password[]; readonly map: readonly Password[] }
}

/** `hash` as it is written. */
export interface Password {
  readonly name: string
  readonly hash: string
}

/** The whole input of planning Ingresses. */
export interface IngressWorld {
  readonly ingresses: ReadonlyMap<ObjectKey, Ingress>
  readonly classes: ReadonlyMap<string, IngressClass>
  readonly services: ReadonlyMap<ObjectKey, Service>
  readonly endpointSlices: ReadonlyMap<ObjectKey, EndpointSlice>
  /** Those that Ingresses name. */
  readonly secrets: ReadonlyMap<ObjectKey, CertificateSecret>
}

export type IngressKind = 'ingress' | 'class' | 'service' | 'endpointSlice' | 'secret'

/** One object that is new, different or gone; what it is now stands in the world. */
export interface IngressChange {
  readonly kind: IngressKind
  readonly key: string
}
