/** What annotations of ingress-nginx mean for the requests of a rule. Source: ingress-nginx 1.12, user guide and nginx.tmpl, for meanings and defaults. */
import type { CertificateSecret, Password } from '../model/ingress.ts'
import type { BasicAuth, Cors, ExternalAuth, L7Policy, RateLimit, UrlPart } from '../model/l7-policy.ts'
import type { NginxAnnotations } from '../model/nginx-annotations.ts'
import type { ObjectKey } from '../model/world.ts'
import { groupsOf } from './ingress-wish.ts'
import { isVerifiable } from './password-hash.ts'

export interface PolicyContext {
  readonly ingress: ObjectKey
  /** The path of the rule, as it is written. */
  readonly path: string
  readonly isExpression: boolean
  readonly hasTls: boolean
  readonly secrets: ReadonlyMap<ObjectKey, CertificateSecret>
}

export interface PolicyPlan {
  readonly policy: L7Policy
  /** Why nobody may be let in, as a sentence about the Ingress; '' for no reason. */
  readonly refusal: string
  /** Names with passwords that cannot be verified. */
  readonly strangers: readonly string[]
}

/** Order: none; each annotation has a meaning of its own. Errors: never throws; what should protect and cannot is a refusal. */
export function planPolicy(said: NginxAnnotations, context: PolicyContext): PolicyPlan {
  const auth = basicAuth(said, context.secrets)
  const policy: L7Policy = {
    ...rewrite(said, context),
    ...optional('host', said.upstreamVhost),
    ...optional('requestHeaders', prefixHeader(said)),
    ...timeouts(said),
    ...retries(said),
    ...optional('maxBodyInBytes', said.proxyBodySize || undefined),
    ...affinity(said, context),
    ...optional('balance', said.upstreamHashBy ?? said.loadBalance),
    ...rateLimit(said, context),
    ...sources(said),
    ...optional('basicAuth', auth.value),
    ...optional('externalAuth', externalAuth(said)),
    ...cors(said),
  }
  return { policy, refusal: auth.refusal, strangers: auth.strangers }
}

/** The Secrets that `planPolicy` reads. */
export function secretsOf(said: NginxAnnotations): readonly ObjectKey[] {
  return said.authSecret === undefined ? [] : [said.authSecret]
}

function optional<K extends string, T>(name: K, value: T | undefined): { readonly [N in K]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [N in K]: T })
}

/** The whole path becomes the target; a group that the expression does not have is nothing. */
function rewrite({ rewriteTarget }: NginxAnnotations, { path }: PolicyContext): Pick<L7Policy, 'path'> {
  const expression = `^(?:${path}).*$`
  const groups = groupsOf(expression)
  if (rewriteTarget === undefined || groups === undefined || rewriteTarget.join('') === path) return {}
  const replacement = rewriteTarget.filter((part) => typeof part === 'string' || part <= groups)
  const isLiteral = replacement.every((part) => typeof part === 'string')
  if (isLiteral) return { path: { kind: 'full', path: replacement.join('') } }
  return { path: { kind: 'regex', expression, ignoresCase: true, replacement } }
}

function prefixHeader({ xForwardedPrefix }: NginxAnnotations): L7Policy['requestHeaders'] {
  if (xForwardedPrefix === undefined) return undefined
  return { set: [{ name: 'x-forwarded-prefix', value: xForwardedPrefix }], add: [], remove: [] }
}

function timeouts({ proxyConnectTimeout, proxyReadTimeout, proxySendTimeout }: NginxAnnotations): Pick<L7Policy, 'timeouts'> {
  const all = {
    ...optional('connectInMs', proxyConnectTimeout),
    ...optional('readInMs', proxyReadTimeout),
    ...optional('sendInMs', proxySendTimeout),
  }
  return Object.keys(all).length === 0 ? {} : { timeouts: all }
}

const TRIES = 3
/** `0` is any number of tries for nginx: as many as there are servers. */
const MANY = 10

function retries({ proxyNextUpstream, proxyNextUpstreamTries }: NginxAnnotations): Pick<L7Policy, 'retries'> {
  if (proxyNextUpstream === undefined && proxyNextUpstreamTries === undefined) return {}
  const on = proxyNextUpstream ?? ['connect', 'empty', 'timeout']
  const tries = (proxyNextUpstreamTries ?? TRIES) || MANY
  return { retries: { attempts: on.length === 0 ? 0 : tries - 1, on } }
}

const COOKIE = 'INGRESSCOOKIE'

function affinity(said: NginxAnnotations, { path, isExpression, hasTls }: PolicyContext): Pick<L7Policy, 'affinity'> {
  if (said.affinity !== 'cookie') return {}
  return {
    affinity: {
      name: said.sessionCookieName ?? COOKIE,
      path: said.sessionCookiePath ?? (isExpression ? '/' : path),
      ...optional('maxAgeInS', said.sessionCookieMaxAge ?? said.sessionCookieExpires),
      ...optional('domain', said.sessionCookieDomain),
      ...optional('sameSite', said.sessionCookieSamesite),
      isSecure: said.sessionCookieSecure ?? hasTls,
    },
  }
}

const BURST = 5
const A_SECOND_IN_MS = 1_000
const A_MINUTE_IN_MS = 60_000

function rateLimit(said: NginxAnnotations, { ingress }: PolicyContext): Pick<L7Policy, 'rateLimit'> {
  const multiplier = said.limitBurstMultiplier ?? BURST
  const rate = (requests: number | undefined, perInMs: number) =>
    requests ? [{ requests, perInMs, burst: requests * multiplier }] : []
  const limit: RateLimit = {
    scope: `ingress/${ingress}`,
    rates: [...rate(said.limitRps, A_SECOND_IN_MS), ...rate(said.limitRpm, A_MINUTE_IN_MS)],
    ...optional('concurrent', said.limitConnections || undefined),
    exempt: said.limitAllowlist ?? [],
    status: 503,
  }
  return limit.rates.length === 0 && limit.concurrent === undefined ? {} : { rateLimit: limit }
}

function sources({ allowlistSourceRange, denylistSourceRange }: NginxAnnotations): Pick<L7Policy, 'sources'> {
  if (allowlistSourceRange === undefined && denylistSourceRange === undefined) return {}
  return { sources: { allowed: allowlistSourceRange ?? [], denied: denylistSourceRange ?? [] } }
}

const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS']
const HEADERS = [
  ...['DNT', 'Keep-Alive', 'User-Agent', 'X-Requested-With', 'If-Modified-Since'],
  ...['Cache-Control', 'Content-Type', 'Range', 'Authorization'],
]
const TWENTY_DAYS_IN_S = 1_728_000

function cors(said: NginxAnnotations): Pick<L7Policy, 'cors'> {
  if (said.enableCors !== true) return {}
  const all: Cors = {
    origins: said.corsAllowOrigin ?? ['*'],
    methods: said.corsAllowMethods ?? METHODS,
    headers: said.corsAllowHeaders ?? HEADERS,
    exposed: said.corsExposeHeaders ?? [],
    allowsCredentials: said.corsAllowCredentials ?? true,
    maxAgeInS: said.corsMaxAge ?? TWENTY_DAYS_IN_S,
  }
  return { cors: all }
}

interface AuthPlan {
  readonly value?: BasicAuth
  readonly refusal: string
  readonly strangers: readonly string[]
}

const REALM = 'Authentication Required'

function basicAuth(said: NginxAnnotations, secrets: PolicyContext['secrets']): AuthPlan {
  const { authType, authSecret, authSecretType, authRealm = REALM } = said
  const refused = (refusal: string): AuthPlan => ({ refusal, strangers: [] })
  if (authType === undefined && authSecret === undefined) return refused('')
  if (authSecret === undefined) return refused('asks for passwords, and names no Secret with them (auth-secret)')
  if (authType === undefined) return refused('names a Secret with passwords, and does not say how they are asked for (auth-type)')
  const secret = secrets.get(authSecret)
  if (secret === undefined) return refused(`asks for passwords of the Secret ${authSecret}, which is not there`)
  const passwords = authSecretType === 'auth-map' ? secret.passwords?.map : secret.passwords?.file
  if (passwords === undefined) return refused(`asks for passwords of the Secret ${authSecret}, which has none (key auth)`)
  const firsts = firstOfName(passwords)
  const users = firsts.filter(({ hash }) => isVerifiable(hash))
  const strangers = firsts.filter(({ hash }) => !isVerifiable(hash)).map(({ name }) => name)
  return { value: { realm: authRealm, users }, refusal: '', strangers }
}

function externalAuth(said: NginxAnnotations): ExternalAuth | undefined {
  const { authUrl, authMethod = 'GET', authResponseHeaders = [], authRequestRedirect = [] } = said
  if (authUrl === undefined) return undefined
  return {
    ...authUrl,
    method: authMethod,
    responseHeaders: authResponseHeaders,
    signIn: signIn(said),
    redirect: authRequestRedirect,
  }
}

/** With the URL that was asked for as a parameter, unless it has that already. Source: ingress-nginx, buildAuthSignURL. */
function signIn({ authSignin, authSigninRedirectParam: name = 'rd' }: NginxAnnotations): readonly UrlPart[] {
  if (authSignin === undefined) return []
  const query = /\?([^#]*)/.exec(authSignin.map((part) => (typeof part === 'string' ? part : '$')).join(''))?.[1] ?? ''
  if (new URLSearchParams(query).get(name)) return authSignin
  const asked: readonly UrlPart[] = [{ of: 'scheme' }, '://', { of: 'authority' }, { of: 'escaped-target' }]
  return [...authSignin, `${query === '' ? '?' : '&'}${name}=`, ...asked]
}

function firstOfName(passwords: readonly Password[]): readonly Password[] {
  return [...new Map(passwords.toReversed().map((one) => [one.name, one])).values()].toReversed()
}
