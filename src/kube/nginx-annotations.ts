/** The annotations of ingress-nginx as values, each by its name; what is not known or cannot be read is told, and never guessed at. */
import { type AnnotationProblem, NGINX_PREFIX, type NginxAnnotations } from '../model/nginx-annotations.ts'
import {
  algorithm,
  answerHeaders,
  authUrl,
  causes,
  comeBack,
  expression,
  type Form,
  flag,
  hashBy,
  matching,
  oneOf,
  protocol,
  ranges,
  redirectTarget,
  rewriteTarget,
  seconds,
  secret,
  signIn,
  size,
  tokens,
  whole,
} from './nginx-values.ts'

type Values = Omit<NginxAnnotations, 'problems'>
type Field = keyof Values
type Draft = { -readonly [F in Field]?: NonNullable<Values[F]> }

interface Reader {
  /** Fills the value in; false: there is none. */
  readonly fill: (values: Draft, text: string, namespace: string) => boolean
  readonly wanted: string
}

function field<F extends Field>(name: F, { wanted, read }: Form<NonNullable<Values[F]>>): Reader {
  return {
    wanted,
    fill: (values, text, namespace) => {
      const value = read(text, namespace)
      if (value !== undefined) values[name] = value as Draft[F]
      return value !== undefined
    },
  }
}

/** An older name: it counts where the newer one, which is read before it, says nothing. */
function older<F extends Field>(name: F, form: Form<NonNullable<Values[F]>>): Reader {
  const reader = field(name, form)
  const fill: Reader['fill'] = (values, text, namespace) =>
    values[name] === undefined ? reader.fill(values, text, namespace) : form.read(text, namespace) !== undefined
  return { ...reader, fill }
}

const MOST = 1_000_000
const HEADER = matching(/^[A-Za-z0-9\-_]{1,128}$/, 'the name of a header')
const COOKIE = matching(/^[A-Za-z0-9\-_.]{1,128}$/, 'the name of a cookie')
const PATH = matching(/^\/[A-Za-z0-9\-._~!$&'()*+=:@%/]*$/, 'a path')
const TEXT = matching(/^[ -~]{1,256}$/, 'text of printable ASCII characters')
const METHODS = tokens(/^[A-Za-z]{1,32}$/, 'a list of methods, with commas between')
const HEADERS = tokens(/^[A-Za-z0-9\-_]{1,128}$/, 'a list of headers, with commas between')
const EXPOSED = tokens(/^(\*|[A-Za-z0-9\-_]{1,128})$/, 'a list of headers, with commas between')
const ORIGINS = tokens(
  /^(\*|(https?:\/\/)(\*\.)?[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:\d{1,5})?)$/,
  'a list of origins such as https://example.com, with commas between',
)
const REDIRECT_CODE: Form<number> = {
  wanted: '301, 302, 303, 307 or 308',
  read: (text) => (/^30[12378]$/.test(text) ? Number(text) : undefined),
}

const READERS: Readonly<Record<string, Reader>> = {
  'rewrite-target': field('rewriteTarget', rewriteTarget),
  'use-regex': field('useRegex', flag),
  'app-root': field('appRoot', PATH),
  'ssl-redirect': field('sslRedirect', flag),
  'force-ssl-redirect': field('forceSslRedirect', flag),
  'permanent-redirect': field('permanentRedirect', redirectTarget),
  'permanent-redirect-code': field('permanentRedirectCode', REDIRECT_CODE),
  'temporal-redirect': field('temporalRedirect', redirectTarget),
  'temporal-redirect-code': field('temporalRedirectCode', REDIRECT_CODE),
  'ssl-passthrough': field('sslPassthrough', flag),
  'proxy-body-size': field('proxyBodySize', size),
  'proxy-connect-timeout': field('proxyConnectTimeout', seconds),
  'proxy-read-timeout': field('proxyReadTimeout', seconds),
  'proxy-send-timeout': field('proxySendTimeout', seconds),
  'proxy-next-upstream': field('proxyNextUpstream', causes),
  'proxy-next-upstream-tries': field('proxyNextUpstreamTries', whole(0, 100)),
  'backend-protocol': field('backendProtocol', protocol),
  'upstream-vhost': field('upstreamVhost', matching(/^[A-Za-z0-9]([-A-Za-z0-9.]{0,251}[A-Za-z0-9])?(:\d{1,5})?$/, 'a host')),
  'load-balance': field('loadBalance', algorithm),
  'upstream-hash-by': field('upstreamHashBy', hashBy),
  'x-forwarded-prefix': field('xForwardedPrefix', PATH),
  canary: field('canary', flag),
  'canary-by-header': field('canaryByHeader', HEADER),
  'canary-by-header-value': field('canaryByHeaderValue', TEXT),
  'canary-by-header-pattern': field('canaryByHeaderPattern', expression),
  'canary-by-cookie': field('canaryByCookie', COOKIE),
  'canary-weight': field('canaryWeight', whole(0, MOST)),
  'canary-weight-total': field('canaryWeightTotal', whole(1, MOST)),
  'limit-rps': field('limitRps', whole(0, MOST)),
  'limit-rpm': field('limitRpm', whole(0, MOST)),
  'limit-connections': field('limitConnections', whole(0, MOST)),
  'limit-burst-multiplier': field('limitBurstMultiplier', whole(1, 1_000)),
  'limit-whitelist': older('limitAllowlist', ranges),
  'limit-allowlist': field('limitAllowlist', ranges),
  'whitelist-source-range': older('allowlistSourceRange', ranges),
  'allowlist-source-range': field('allowlistSourceRange', ranges),
  'denylist-source-range': field('denylistSourceRange', ranges),
  affinity: field('affinity', oneOf('cookie')),
  'session-cookie-name': field('sessionCookieName', COOKIE),
  'session-cookie-path': field('sessionCookiePath', PATH),
  'session-cookie-domain': field('sessionCookieDomain', matching(/^\.?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'a host name')),
  'session-cookie-max-age': field('sessionCookieMaxAge', whole(0, 1_000 * MOST)),
  'session-cookie-expires': field('sessionCookieExpires', whole(0, 1_000 * MOST)),
  'session-cookie-samesite': field('sessionCookieSamesite', oneOf('Strict', 'Lax', 'None')),
  'session-cookie-secure': field('sessionCookieSecure', flag),
  'enable-cors': field('enableCors', flag),
  'cors-allow-origin': field('corsAllowOrigin', ORIGINS),
  'cors-allow-methods': field('corsAllowMethods', METHODS),
  'cors-allow-headers': field('corsAllowHeaders', HEADERS),
  'cors-expose-headers': field('corsExposeHeaders', EXPOSED),
  'cors-allow-credentials': field('corsAllowCredentials', flag),
  'cors-max-age': field('corsMaxAge', whole(0, 1_000 * MOST)),
  'auth-type': field('authType', oneOf('basic')),
  'auth-secret': field('authSecret', secret),
  'auth-secret-type': field('authSecretType', oneOf('auth-file', 'auth-map')),
  'auth-realm': field('authRealm', TEXT),
  'auth-url': field('authUrl', authUrl),
  'auth-method': field('authMethod', oneOf('GET', 'HEAD', 'POST', 'PUT', 'DELETE')),
  'auth-signin': field('authSignin', signIn),
  'auth-signin-redirect-param': field('authSigninRedirectParam', matching(/^[A-Za-z0-9\-._~]{1,64}$/, 'the name of a parameter')),
  'auth-response-headers': field('authResponseHeaders', answerHeaders),
  'auth-request-redirect': field('authRequestRedirect', comeBack),
  'auth-tls-secret': field('authTlsSecret', secret),
  'auth-tls-verify-client': field('authTlsVerifyClient', oneOf('on', 'off', 'optional')),
  'auth-tls-pass-certificate-to-upstream': field('authTlsPassCertificateToUpstream', flag),
  'auth-tls-match-cn': field('authTlsMatchCn', { wanted: 'a regular expression after CN=', read: commonName }),
}

/** Those that have a meaning here, without their prefix. */
export const NGINX_ANNOTATIONS: readonly string[] = Object.keys(READERS)

/** What keeps somebody out: those that are read, and those that are not served. */
const PROTECTS =
  /^(auth-(?!realm$|tls-pass|tls-verify-depth$|tls-error-page$|cache-|keepalive|signin|request-redirect$|always-set-cookie$).+|(white|allow|deny|black|block)list-source-range|satisfy|enable-modsecurity|enable-owasp-core-rules|proxy-ssl-(verify|secret|name))$/

const IDLE: Readonly<Record<string, string>> = {
  'proxy-buffering': 'answers are passed on as they come',
  'proxy-buffer-size': 'headers of 16 KiB are taken always',
  'proxy-buffers-number': 'answers are passed on as they come',
  'proxy-busy-buffers-size': 'answers are passed on as they come',
  'proxy-max-temp-file-size': 'nothing is written to files',
  'proxy-request-buffering': 'requests are passed on as they come',
  'client-body-buffer-size': 'requests are passed on as they come',
  'proxy-http-version': 'servers are spoken to in HTTP/1.1, or in HTTP/2 where backend-protocol says so',
  'enable-access-log': 'the log is the gateway’s own',
  'enable-rewrite-log': 'the log is the gateway’s own',
  'http2-push-preload': 'browsers have given up server push',
  'connection-proxy-header': 'Connection is the gateway’s own',
  'auth-tls-verify-depth': 'a chain may have any depth',
  'proxy-ssl-verify-depth': 'a chain may have any depth',
  'proxy-ssl-server-name': 'the name is told always',
  'auth-always-set-cookie': 'cookies of the authentication service are passed on with every answer',
  'session-cookie-hash': 'the value is a hash already',
  'session-cookie-change-on-failure': 'a server that is gone is always replaced',
  'affinity-mode': 'sessions stay with their server (persistent)',
}

const INSTEAD: Readonly<Record<string, string>> = {
  'auth-snippet': 'headers for the authentication service',
  'modsecurity-snippet': 'a web application firewall in front of the Service',
}
const SNIPPET_FIX =
  'Use the annotation for what the snippet does (rewrite-target, permanent-redirect, enable-cors, proxy-*-timeout, ...), or have the Service do it; text for the configuration is never taken.'

/** Annotations of other prefixes say nothing here. */
export function readNginxAnnotations(
  annotations: Readonly<Record<string, unknown>> | undefined,
  namespace: string,
): NginxAnnotations | undefined {
  const ours = Object.keys(annotations ?? {}).filter((name) => name.startsWith(NGINX_PREFIX))
  if (ours.length === 0) return undefined
  const values: Draft = {}
  const problems = ours.toSorted().flatMap((name) => {
    const annotation = name.slice(NGINX_PREFIX.length)
    return readOne(values, { annotation, value: annotations?.[name], namespace }) ?? []
  })
  return { ...values, problems }
}

interface Said {
  readonly annotation: string
  readonly value: unknown
  readonly namespace: string
}

function readOne(values: Draft, { annotation, value, namespace }: Said): AnnotationProblem | undefined {
  const reader = Object.hasOwn(READERS, annotation) ? READERS[annotation] : undefined
  const protects = PROTECTS.test(annotation)
  const name = `${NGINX_PREFIX}${shown(annotation)}`
  if (reader !== undefined) {
    const text = typeof value === 'string' ? value.trim() : undefined
    if (text !== undefined && reader.fill(values, text, namespace)) return undefined
    const message = `is ${JSON.stringify(shown(String(value)))}, which is not ${reader.wanted}`
    return { kind: 'unreadable', annotation, message, fix: `Correct the annotation ${name}.`, protects }
  }
  if (annotation.endsWith('-snippet')) {
    const instead = Object.hasOwn(INSTEAD, annotation) ? `Use ${INSTEAD[annotation]}. ` : ''
    return {
      kind: 'snippet',
      annotation,
      message: 'is text for the configuration of nginx',
      fix: `${instead}${SNIPPET_FIX}`,
      protects,
    }
  }
  const isOff = value === 'false' || value === 'off' || value === ''
  if (isOff || Object.hasOwn(IDLE, annotation)) {
    const message = `changes nothing here: ${isOff ? 'it is off' : IDLE[annotation]}`
    return { kind: 'idle', annotation, message, fix: `Nothing has to be done; remove ${name} if you like.`, protects: false }
  }
  const fix = protects
    ? `Protect it by what is served (docs/feature/ingress-nginx.md), or in the Service, and then remove ${name}.`
    : `Remove the annotation ${name}, or correct its name.`
  return { kind: 'unknown', annotation, message: 'is not served', fix, protects }
}

/** Source: ingress-nginx, auth-tls-match-cn: `CN=` and a regular expression. */
function commonName(text: string): string | undefined {
  const pattern = text.startsWith('CN=') ? text.slice('CN='.length) : ''
  return pattern === '' ? undefined : expression.read(pattern, '')
}

const SHOWN = 80

function shown(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text
}
