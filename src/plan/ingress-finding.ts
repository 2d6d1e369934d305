/** What people are told of Ingresses. */
import type { Code, Finding } from '../model/code.ts'
import {
  INGRESS_ANNOTATION_IDLE,
  INGRESS_ANNOTATION_UNKNOWN,
  INGRESS_ANNOTATION_UNREADABLE,
  INGRESS_CANARY_ALONE,
  INGRESS_DIALECT_OFF,
  INGRESS_HELD,
  INGRESS_INVALID,
  INGRESS_PASSWORD_UNVERIFIABLE,
  INGRESS_PORT_MISSING,
  INGRESS_PROTECTION_MISSING,
  INGRESS_PROXY_PROTOCOL_UNREADABLE,
  INGRESS_SECRET_UNUSABLE,
  INGRESS_SERVICE_MISSING,
  INGRESS_SNIPPET_REFUSED,
  INGRESS_TAKEN,
} from '../model/codes/ingress.ts'
import type { CertificateSecret, IngressBackend } from '../model/ingress.ts'
import { type HostPattern, hostText } from '../model/l7.ts'
import { type AnnotationProblem, NGINX_PREFIX, type NginxAnnotations } from '../model/nginx-annotations.ts'
import type { ObjectKey, Service } from '../model/world.ts'
import type { HostWish, RuleWish } from './ingress-wish.ts'
import type { Asker } from './slot-book.ts'

export function missing(ingress: ObjectKey, { service, port }: IngressBackend, isThere: boolean): Finding {
  const code = isThere ? INGRESS_PORT_MISSING : INGRESS_SERVICE_MISSING
  const what = isThere
    ? `port ${port} of Service ${service}, which has no such TCP port`
    : `Service ${service}, which is not there`
  const subjects = [`ingress/${ingress}`, ...(isThere ? [`service/${service}`] : [])]
  return { code, subjects, message: `Ingress ${ingress} sends requests to ${what}.`, fix: code.fix }
}

export function noProxyProtocol(ingress: ObjectKey, { key, proxyProtocol }: Service): Finding {
  const code = INGRESS_PROXY_PROTOCOL_UNREADABLE
  const message = `Ingress ${ingress} sends requests to Service ${key}, whose annotation fairway.dev/proxy-protocol is ${JSON.stringify(proxyProtocol)}; the PROXY protocol is not spoken.`
  return { code, subjects: [`ingress/${ingress}`, `service/${key}`], message, fix: code.fix }
}

export function taken({ key, wish }: Asker<RuleWish>, winner: Asker<RuleWish>): Finding {
  const path = wish.path.kind === 'regex' ? wish.text : `${wish.path.path || '/'} (${wish.path.kind})`
  const what = wish.rank === 1 ? 'a default backend' : `host ${hostText(wish.host)} and path ${path}`
  return takenFinding(key, winner.key, what)
}

/** Of passthroughs and authorities, which a host has once. */
export function hostTaken(ingress: ObjectKey, winner: ObjectKey, what: string, host: HostPattern): Finding {
  return takenFinding(ingress, winner, `${what} of host ${hostText(host)}`)
}

function takenFinding(ingress: ObjectKey, winner: ObjectKey, what: string): Finding {
  const message = `Ingress ${ingress} asks for ${what}, which the older Ingress ${winner} has.`
  return { code: INGRESS_TAKEN, subjects: [`ingress/${ingress}`, `ingress/${winner}`], message, fix: INGRESS_TAKEN.fix }
}

export function unusable({ key, wish }: Asker<HostWish>, secret: CertificateSecret | undefined): Finding {
  const why = secret === undefined ? 'it is not there' : secret.problem
  const message = `Ingress ${key} names the Secret ${wish.secret} for ${hostText(wish.host)}, which cannot be used: ${why}.`
  const { fix } = INGRESS_SECRET_UNUSABLE
  return { code: INGRESS_SECRET_UNUSABLE, subjects: [`ingress/${key}`, `secret/${wish.secret}`], message, fix }
}

export function noAuthority({ key, wish }: Asker<HostWish>): Finding {
  const what = `certificates of clients that the Secret ${wish.secret} signs, which is not there, or has no ca.crt that can be read`
  return about(INGRESS_PROTECTION_MISSING, key, `asks for ${what}; requests for ${hostText(wish.host)} are answered with 503`)
}

export function refused(ingress: ObjectKey, why: string): Finding {
  return about(INGRESS_PROTECTION_MISSING, ingress, `${why}; its requests are answered with 503`)
}

export function strangers(ingress: ObjectKey, secret: ObjectKey, names: readonly string[]): Finding {
  const message = `has passwords of the Secret ${secret} that cannot be verified: ${names.map((name) => JSON.stringify(name)).join(', ')}`
  return about(INGRESS_PASSWORD_UNVERIFIABLE, ingress, message)
}

export function alone({ key, wish }: Asker<RuleWish>): Finding {
  return about(
    INGRESS_CANARY_ALONE,
    key,
    `is a canary for host ${hostText(wish.host)} and path ${wish.text}, which no other Ingress has`,
  )
}

export function held(ingress: ObjectKey): Finding {
  return about(INGRESS_HELD, ingress, 'is served as it was before its last change, which cannot be used')
}

/** Of paths that cannot be looked up as they are. */
export function unusablePath(ingress: ObjectKey, path: string, isExpression: boolean): Finding {
  const why = isExpression ? 'is no regular expression' : 'is one of a regular expression, which its class does not have'
  return about(INGRESS_INVALID, ingress, `has the path ${JSON.stringify(path)}, which ${why}; it is left out`)
}

const CODES: Readonly<Record<AnnotationProblem['kind'], Code>> = {
  unknown: INGRESS_ANNOTATION_UNKNOWN,
  unreadable: INGRESS_ANNOTATION_UNREADABLE,
  snippet: INGRESS_SNIPPET_REFUSED,
  idle: INGRESS_ANNOTATION_IDLE,
}

export function annotationProblem(ingress: ObjectKey, { kind, annotation, message, fix, protects }: AnnotationProblem): Finding {
  const outcome = protects ? '; its requests are answered with 503' : ''
  return { ...about(CODES[kind], ingress, `: the annotation ${NGINX_PREFIX}${annotation} ${message}${outcome}`), fix }
}

/** `protectors`: those for whose sake requests are refused. */
export function dialectOff(ingress: ObjectKey, className: string, protectors: readonly string[]): Finding {
  const outcome =
    protectors.length === 0
      ? 'they have no effect'
      : `${protectors.join(', ')} would protect it, so that its requests are answered with 503, and the others have no effect`
  const whose = className === '' ? 'the default class' : `its class ${className}`
  return about(INGRESS_DIALECT_OFF, ingress, `has annotations of ingress-nginx, which ${whose} does not speak: ${outcome}`)
}

/** Annotations that were to keep somebody out, by name. */
export function protectorsOf(said: NginxAnnotations): readonly string[] {
  const { authType, authSecret, authTlsSecret, allowlistSourceRange, denylistSourceRange } = said
  const read: readonly (readonly [string, unknown])[] = [
    ['auth-type', authType],
    ['auth-secret', authSecret],
    ['auth-tls-secret', authTlsSecret],
    ['whitelist-source-range', allowlistSourceRange],
    ['denylist-source-range', denylistSourceRange],
  ]
  const unread = said.problems.filter(({ protects }) => protects).map(({ annotation }) => annotation)
  return [...read.filter(([, value]) => value !== undefined).map(([name]) => name), ...unread]
}

function about(code: Code, ingress: ObjectKey, what: string): Finding {
  const message = `Ingress ${ingress}${what.startsWith(':') ? '' : ' '}${what}.`
  return { code, subjects: [`ingress/${ingress}`], message, fix: code.fix }
}
