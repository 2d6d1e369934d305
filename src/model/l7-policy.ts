/**
 * What a request and its answer undergo beside being matched and sent on: rewrites, limits, who may ask. All optional, and free of the words of Ingress, Gateway API and of any proxy.
 *
 * Order: sources, then client certificates, rate limits, CORS preflights, basic auth, external auth; what passes is edited (host, path, headers) and sent. A request that
 *        one of them refuses reaches no server. What one of them cannot do must not be left out by an engine: it answers 503 instead.
 * Source: what Gateway API's HTTPRoute can say (filters, timeouts, retries, session persistence) and what users of ingress-nginx say most.
 */

/** `{}` changes nothing. Values are checked by who plans them, and again where words of a proxy are made of them. */
export interface L7Policy {
  /** The path that servers are asked for; its query is kept. Without one that of the client. */
  readonly path?: PathRewrite
  /** The host that servers are told; without one that of the client. */
  readonly host?: string
  /** After what the gateway itself says of the client (X-Forwarded-For, ...), which these may not name. */
  readonly requestHeaders?: HeaderEdits
  readonly responseHeaders?: HeaderEdits
  readonly timeouts?: Timeouts
  readonly retries?: Retries
  /** Longer bodies are answered with 413, by the length that a client says beforehand. */
  readonly maxBodyInBytes?: number
  readonly affinity?: CookieAffinity
  /** Which server, among those of a backend; without one in turn. */
  readonly balance?: Balance
  readonly rateLimit?: RateLimit
  readonly sources?: SourceRanges
  readonly clientCertificate?: ClientCertificate
  readonly basicAuth?: BasicAuth
  readonly externalAuth?: ExternalAuth
  readonly cors?: Cors
  /** How servers that speak TLS are known. */
  readonly backendTls?: BackendTls
}

/** `replacement` of a regex: literal text and the numbers of groups, 0 for all that matched. One that does not match leaves the path as it is. */
export type PathRewrite =
  | { readonly kind: 'full'; readonly path: string }
  /** The elements that a prefix rule matched, by others: `/a` by `/b` makes `/a/x` `/b/x`. Both without a final slash. */
  | { readonly kind: 'prefix'; readonly prefix: string; readonly replacement: string }
  | {
      readonly kind: 'regex'
      readonly expression: string
      readonly ignoresCase: boolean
      readonly replacement: readonly (string | number)[]
    }

export interface Header {
  /** In lower case. */
  readonly name: string
  readonly value: string
}

/** `remove` first, then `set`, then `add`; each in its order. */
export interface HeaderEdits {
  readonly set: readonly Header[]
  readonly add: readonly Header[]
  /** In lower case. */
  readonly remove: readonly string[]
}

/** In milliseconds, at least 1; what is absent is as the gateway has it. */
export interface Timeouts {
  readonly connectInMs?: number
  /** Between two pieces of an answer, and before the first; also of a connection that was upgraded. Then: 504. */
  readonly readInMs?: number
  /** Between two pieces of a request on its way to a server. */
  readonly sendInMs?: number
  /** For a request as a whole, to the last byte of the answer. */
  readonly requestInMs?: number
}

export interface Retries {
  /** More tries after the first; 0: none. */
  readonly attempts: number
  /** `connect`: no connection came to be; `empty`: it ended before any answer; `timeout`: no answer came in time; numbers: statuses. Sorted. */
  readonly on: readonly ('connect' | 'empty' | 'timeout' | number)[]
}

/** The server of a client's first request gets its later ones, by a cookie that the gateway sets. */
export interface CookieAffinity {
  readonly name: string
  /** Seconds that a client keeps it; absent: until it ends itself. */
  readonly maxAgeInS?: number
  readonly path?: string
  readonly domain?: string
  readonly sameSite?: 'Strict' | 'Lax' | 'None'
  readonly isSecure: boolean
}

export type Balance =
  | { readonly kind: 'in-turn' }
  | { readonly kind: 'least-connections' }
  | { readonly kind: 'random' }
  /** The same value goes to the same server, as long as it is there. `uri` has the query. */
  | { readonly kind: 'hash'; readonly of: 'client-address' | 'host' | 'path' | 'uri' }
  | { readonly kind: 'hash'; readonly of: 'header' | 'cookie' | 'query'; readonly name: string }

/** Counted for each address of a client. */
export interface RateLimit {
  /** Rules with the same scope count together. */
  readonly scope: string
  /** As a bucket leaks: `requests` in each `perInMs`, and as many as `burst` more at once. Refused ones do not count. */
  readonly rates: readonly { readonly requests: number; readonly perInMs: number; readonly burst: number }[]
  /** Requests at one time; absent: any number. */
  readonly concurrent?: number
  /** Ranges in CIDR form, canonical and sorted, that nothing is counted of. */
  readonly exempt: readonly string[]
  /** Of the answer to what is too much. */
  readonly status: number
}

/** Others are answered with 403. Ranges in CIDR form, canonical and sorted; of no `allowed` all are; what is denied is so also when it is allowed. */
export interface SourceRanges {
  readonly allowed: readonly string[]
  readonly denied: readonly string[]
}

/**
 * Requests come over TLS of the very host that they ask for, with a certificate that the `clientAuthority` of the host has signed; others are answered with 400 (no certificate),
 * 403 (in the clear) or 421 (another host).
 */
export interface ClientCertificate {
  /** Whether one must be shown. */
  readonly isRequired: boolean
  /** A regular expression that the common name must match somewhere; '' for any. Others: 403. */
  readonly commonName: string
  /** Servers are told of it: the certificate itself, as URL-encoded PEM; `true` for that too. Verdict and names are always told. */
  readonly isPassedOn: boolean
}

/** HTTP basic authentication (RFC 7617); others are answered with 401. */
export interface BasicAuth {
  readonly realm: string
  /** By name, each once; `hash` as crypt(3) has it. */
  readonly users: readonly { readonly name: string; readonly hash: string }[]
}

/**
 * Another server is asked first, with the headers of the request and without its body, and told which request it is (X-Original-URL, X-Original-Method, X-Auth-Request-Redirect).
 * 2xx lets it pass, 401 and 403 are its answers to the client, all else is 500.
 */
export interface ExternalAuth {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** Path and query. */
  readonly target: string
  readonly method: AuthMethod
  /** Of its answer, told to servers; in lower case, sorted. Those that a client sends of these names are not. */
  readonly responseHeaders: readonly string[]
  /** Where a client goes to that was answered with 401; of nothing, it stays with that. */
  readonly signIn: readonly UrlPart[]
  /** Told to the server as the place to come back to; of nothing, the path and the query of the request. */
  readonly redirect: readonly UrlPart[]
}

export type AuthMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'

/** Text as it is, or something of the request: `authority` is the host with its port as the client wrote them. */
export type UrlPart = string | { readonly of: 'scheme' | 'host' | 'authority' | 'target' | 'escaped-target' }

/** Cross-origin requests (Fetch standard). */
export interface Cors {
  /** `*`, an origin, or one whose host begins with `*.`, which stands for one label. */
  readonly origins: readonly string[]
  readonly methods: readonly string[]
  readonly headers: readonly string[]
  readonly exposed: readonly string[]
  readonly allowsCredentials: boolean
  readonly maxAgeInS: number
}

export interface BackendTls {
  /** Told to the server, and looked for in its certificate; '' for the host that is asked for. */
  readonly serverName: string
  /** PEM; '': any certificate is taken. */
  readonly authority: string
}
