/**
 * What a layer-seven gateway serves, in the one form that Ingress and Gateway API are both planned into, free of either's words and of any proxy's.
 *
 * Everything is decided here: of two rules that both match a request the first one is used, names are resolved to servers, and what could not be used has
 * become a finding. An engine translates, and chooses nothing.
 */
import type { L7Policy, PathRewrite } from './l7-policy.ts'
import type { Keyed } from './plan.ts'
import type { ObjectKey } from './world.ts'

/** Where clients connect. */
export interface Listener extends Keyed {
  readonly kind: 'listener'
  /** `listener/NAME`. */
  readonly key: string
  readonly name: string
  readonly port: number
  /** `http`: in the clear; `https`: TLS ends here; `tls`: TLS goes through, and the name that the client says (SNI) chooses. */
  readonly protocol: 'http' | 'https' | 'tls'
  /** Clients speak the PROXY protocol, and nothing else is taken. */
  readonly takesProxyProtocol: boolean
  /** What `https` shows to a client that names no host, or one without a certificate: the key of a `Certificate`; absent: such a client is refused. */
  readonly defaultCertificate?: string
}

/** The certificate that a listener shows for a host. */
export interface HostCertificate extends Keyed {
  readonly kind: 'host-certificate'
  /** `host-certificate/LISTENER/HOST`, as `hostText` writes hosts. */
  readonly key: string
  /** The key of a listener. */
  readonly listener: string
  readonly host: HostPattern
  /** The key of a `Certificate`. */
  readonly certificate: string
  /** Clients are asked for a certificate that one of these has signed, as PEM; without one, or with another, nothing is refused here: rules do so (`L7Policy.clientCertificate`). */
  readonly clientAuthority?: string
}

/**
 * Which hosts a rule is for. Names are in lower case, without port and final dot. `exact` is that name alone; `wildcard` any name that has labels before
 * `.NAME`: just one (Ingress), or any number (Gateway API); `any` every host, or none.
 */
export type HostPattern =
  | { readonly kind: 'exact'; readonly name: string }
  | { readonly kind: 'wildcard'; readonly name: string; readonly labels: 'one' | 'any' }
  | { readonly kind: 'any' }

/** A certificate with its key, as PEM. */
export interface Certificate extends Keyed {
  readonly kind: 'certificate'
  /** `certificate/NAMESPACE/NAME`. */
  readonly key: string
  /** The certificate first, then those that signed it. */
  readonly chain: string
  readonly privateKey: string
}

/** `exact`: that path; `prefix`: its elements, `/a` is `/a` and `/a/b`, not `/ab`; without a final slash, `/` is `''`. Both canonical (`canonicalPath`). Case matters. */
export type PathPattern =
  | { readonly kind: 'exact'; readonly path: string }
  | { readonly kind: 'prefix'; readonly path: string }
  | { readonly kind: 'regex'; readonly expression: string; readonly ignoresCase: boolean }

/** One more thing that must hold of a request; the name of a header in lower case. A regular expression matches somewhere. */
export interface Condition {
  readonly of: 'header' | 'query' | 'cookie'
  readonly name: string
  readonly is: 'exact' | 'regex'
  readonly value: string
}

/**
 * What becomes of the requests that it matches.
 *
 * Order: of the rules of one listener the most specific host goes first (exact, then the wildcard of most labels, then any), then exact paths, then the
 *        longest prefix, then regular expressions, the longest first and of equally long ones the greater (by code points), then `rank`, which planners
 *        give: the lower first, each once for one host and path. Rules of one host and path with conditions have ranks below 0, those without 0 or more.
 * TLS:   a rule of a `tls` listener is for any path, without method and conditions. A `tls` listener may have the port of an `https` one: what no rule of the
 *        former has the host of (SNI) is the latter's.
 */
export interface L7Rule extends Keyed {
  readonly kind: 'rule'
  /** `rule/` and what its planner tells its rules apart by. */
  readonly key: string
  /** Keys of listeners, sorted. */
  readonly listeners: readonly string[]
  readonly host: HostPattern
  readonly path: PathPattern
  /** '' for any. */
  readonly method: string
  readonly conditions: readonly Condition[]
  readonly rank: number
  readonly action: L7Action
  /** Of requests that are forwarded, and, as far as it says who may ask, of all. */
  readonly policy: L7Policy
  /** The object that asks for it, as in findings: `ingress/NAMESPACE/NAME`. */
  readonly subject: string
}

export type L7Action =
  /** To one of the backends, by weight; none: 503, as for a backend without servers. */
  | { readonly kind: 'forward'; readonly backends: readonly WeightedBackend[] }
  | {
      readonly kind: 'redirect'
      /** '', '' and 0: those of the request; 0 with a scheme: that scheme's own. */
      readonly scheme: '' | 'http' | 'https'
      readonly host: string
      readonly port: number
      readonly status: number
      /** Without one that of the request. */
      readonly path?: PathRewrite
      /** Whether the query of the request is kept. */
      readonly keepsQuery: boolean
    }
  | { readonly kind: 'respond'; readonly status: number }

export interface WeightedBackend {
  /** The key of a `Backend`. */
  readonly backend: string
  /** Share of the requests, among those of the action; 0: none. */
  readonly weight: number
}

/** Servers that do the same. */
export interface Backend extends Keyed {
  readonly kind: 'backend'
  /** `backend/NAMESPACE/SERVICE/PORT`, and `/PROTOCOL` unless that is http. */
  readonly key: string
  readonly service: ObjectKey
  /** What servers speak. */
  readonly protocol: 'http' | 'https' | 'h2c' | 'h2'
  /** Before anything else servers are told the client's address, in this version of the PROXY protocol; absent: they are not. */
  readonly proxyProtocol?: 'v1' | 'v2'
  /** Sorted by address and port; those that can take new requests now. */
  readonly servers: readonly BackendServer[]
}

export interface BackendServer {
  /** Canonical, or a name to be looked up. */
  readonly address: string
  readonly port: number
}

export type L7Entry = Listener | HostCertificate | Certificate | L7Rule | Backend

/** `a.b`, `*.a.b`, `**.a.b` for any number of labels, `*` for every host. */
export function hostText(host: HostPattern): string {
  if (host.kind === 'any') return '*'
  if (host.kind === 'exact') return host.name
  return `${host.labels === 'one' ? '*' : '**'}.${host.name}`
}
