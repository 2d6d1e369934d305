/** Cross-origin requests: what browsers are told, and the answer to their question beforehand. Source: Fetch standard, HTTP extensions. */
import type { Cors, L7Policy } from '../../model/l7-policy.ts'
import { expression, literal, phrase, plain, type Words } from './syntax.ts'

const ASKED = phrase`{ var(txn.origin) -m found }`

/** On every answer, also of the gateway itself: what refuses may be read too. @throws {FairwayError} */
export function corsHeaders({ cors }: L7Policy): readonly Words[] {
  if (cors === undefined) return []
  const { exposed, allowsCredentials } = cors
  const isAny = cors.origins.includes('*')
  return [
    ...(isAny ? [phrase`http-request set-var(txn.origin) str(*)`] : cors.origins.map(originLine)),
    phrase`http-after-response set-header Access-Control-Allow-Origin '%[var(txn.origin)]' if ${ASKED}`,
    ...(isAny ? [] : [phrase`http-after-response add-header Vary Origin`]),
    ...(allowsCredentials ? [phrase`http-after-response set-header Access-Control-Allow-Credentials true if ${ASKED}`] : []),
    ...(exposed.length === 0
      ? []
      : [phrase`http-after-response set-header Access-Control-Expose-Headers ${list(exposed)} if ${ASKED}`]),
  ]
}

/** @throws {FairwayError} */
export function corsAnswer({ cors }: L7Policy): readonly Words[] {
  if (cors === undefined) return []
  const { methods, headers, maxAgeInS } = cors
  const told = [
    phrase`hdr Access-Control-Allow-Methods ${list(methods)}`,
    phrase`hdr Access-Control-Allow-Headers ${list(headers)}`,
    phrase`hdr Access-Control-Max-Age ${maxAgeInS}`,
  ].reduce((before, one) => phrase`${before} ${one}`)
  return [phrase`http-request return status 204 ${told} if { method OPTIONS } ${ASKED}`]
}

function originLine(origin: string): Words {
  const matches = origin.includes('*.')
    ? phrase`-m reg -- ${expression(`^${patternOf(origin)}$`)}`
    : phrase`-m str -- ${literal(origin)}`
  return phrase`http-request set-var(txn.origin) req.hdr(origin) if { req.hdr(origin) ${matches} }`
}

function patternOf(origin: string): string {
  const [before = '', after = ''] = origin.split('*.').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return `${before}[A-Za-z0-9-]+\\.${after}`
}

function list(names: Cors['methods']): Words {
  return plain(names.join(', '))
}
