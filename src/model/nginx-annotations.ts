/** What an Ingress says in the annotations of ingress-nginx. It counts where the class of the Ingress speaks that dialect; names are those of the annotations. */
import type { AuthMethod, Balance, Cors, UrlPart } from './l7-policy.ts'
import type { ObjectKey } from './world.ts'

export const NGINX_PREFIX = 'nginx.ingress.kubernetes.io/'

/** An absent field is as ingress-nginx has it when nothing is said. Times in milliseconds, sizes in bytes. */
export interface NginxAnnotations {
  /** Literal text and numbers of groups of the path. */
  readonly rewriteTarget?: readonly (string | number)[]
  readonly useRegex?: boolean
  readonly appRoot?: string
  readonly sslRedirect?: boolean
  readonly forceSslRedirect?: boolean
  readonly permanentRedirect?: RedirectTarget
  readonly permanentRedirectCode?: number
  readonly temporalRedirect?: RedirectTarget
  readonly temporalRedirectCode?: number
  readonly sslPassthrough?: boolean
  /** 0: of any length. */
  readonly proxyBodySize?: number
  readonly proxyConnectTimeout?: number
  readonly proxyReadTimeout?: number
  readonly proxySendTimeout?: number
  readonly proxyNextUpstream?: readonly ('connect' | 'empty' | 'timeout' | number)[]
  /** Tries in all; 0: any number. */
  readonly proxyNextUpstreamTries?: number
  readonly backendProtocol?: 'http' | 'https' | 'h2c' | 'h2'
  readonly upstreamVhost?: string
  readonly loadBalance?: Balance
  readonly upstreamHashBy?: Balance
  readonly xForwardedPrefix?: string
  readonly canary?: boolean
  readonly canaryByHeader?: string
  readonly canaryByHeaderValue?: string
  readonly canaryByHeaderPattern?: string
  readonly canaryByCookie?: string
  readonly canaryWeight?: number
  readonly canaryWeightTotal?: number
  readonly limitRps?: number
  readonly limitRpm?: number
  readonly limitConnections?: number
  readonly limitBurstMultiplier?: number
  readonly limitAllowlist?: readonly string[]
  readonly allowlistSourceRange?: readonly string[]
  readonly denylistSourceRange?: readonly string[]
  readonly affinity?: 'cookie'
  readonly sessionCookieName?: string
  readonly sessionCookiePath?: string
  readonly sessionCookieDomain?: string
  readonly sessionCookieMaxAge?: number
  readonly sessionCookieExpires?: number
  readonly sessionCookieSamesite?: 'Strict' | 'Lax' | 'None'
  readonly sessionCookieSecure?: boolean
  readonly enableCors?: boolean
  readonly corsAllowOrigin?: Cors['origins']
  readonly corsAllowMethods?: readonly string[]
  readonly corsAllowHeaders?: readonly string[]
  readonly corsExposeHeaders?: readonly string[]
  readonly corsAllowCredentials?: boolean
  readonly corsMaxAge?: number
  readonly authType?: 'basic'
  readonly authSecret?: ObjectKey
  readonly authSecretType?: 'auth-file' | 'auth-map'
  readonly authRealm?: string
  readonly authUrl?: AuthUrl
  readonly authMethod?: AuthMethod
  readonly authSignin?: readonly UrlPart[]
  readonly authSigninRedirectParam?: string
  readonly authResponseHeaders?: readonly string[]
  readonly authRequestRedirect?: readonly UrlPart[]
  readonly authTlsSecret?: ObjectKey
  readonly authTlsVerifyClient?: 'on' | 'off' | 'optional'
  readonly authTlsPassCertificateToUpstream?: boolean
  readonly authTlsMatchCn?: string
  /** What could not be read, in the order of names. */
  readonly problems: readonly AnnotationProblem[]
}

/** The server that is asked who may pass. */
export interface AuthUrl {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  /** Path and query. */
  readonly target: string
}

/** Where a redirect goes; `keepsTarget`: to path and query of the request. */
export interface RedirectTarget {
  readonly scheme: '' | 'http' | 'https'
  readonly host: string
  readonly port: number
  /** Path and query. */
  readonly target: string
  readonly keepsTarget: boolean
}

/**
 * `unknown`: there is no such annotation, or it is not served; `unreadable`: its value has no meaning, and counts as not there; `snippet`: text for the
 * configuration of nginx; `idle`: nothing of it would be different here.
 */
export interface AnnotationProblem {
  readonly kind: 'unknown' | 'unreadable' | 'snippet' | 'idle'
  /** Without the prefix. */
  readonly annotation: string
  /** The end of a sentence that begins with the name of the annotation: "is ..., which is not ...". */
  readonly message: string
  readonly fix: string
  /** Whether it was to keep somebody out: then nobody gets in. */
  readonly protects: boolean
}
