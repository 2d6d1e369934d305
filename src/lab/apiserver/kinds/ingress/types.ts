import type { RawObject } from '../../kind.ts'

/** The parts of an Ingress that rules look at. */
export interface Backend {
  service?: { name?: string; port?: { name?: string; number?: number } }
  resource?: { apiGroup?: string; kind?: string; name?: string }
}

export interface Path {
  path?: string
  pathType?: string
  backend?: Backend
}

export interface Rule {
  host?: string
  http?: { paths?: Path[] }
}

export interface IngressSpec {
  ingressClassName?: string
  defaultBackend?: Backend
  tls?: { hosts?: string[]; secretName?: string }[]
  rules?: Rule[]
}

export interface BalancerAddress {
  ip?: string
  hostname?: string
}

export interface Ingress extends RawObject {
  spec?: IngressSpec
  status?: { loadBalancer?: { ingress?: BalancerAddress[] } }
}

export const specOf = (object: RawObject): IngressSpec => (object as Ingress).spec ?? {}
export const addressesOf = (object: RawObject): readonly BalancerAddress[] =>
  (object as Ingress).status?.loadBalancer?.ingress ?? []

/** Where the class of an Ingress was written before there was a field for it. */
export const CLASS_ANNOTATION = 'kubernetes.io/ingress.class'
