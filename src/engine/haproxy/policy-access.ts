/** Who may ask, and how often. */
import type { BasicAuth, ClientCertificate, L7Policy, RateLimit } from '../../model/l7-policy.ts'
import { expression, literal, nameFor, phrase, range, section, type Words } from './syntax.ts'

/** Words that fit a line beside others: HAProxy takes 64. */
const RANGES_OF_LINE = 40

/** Everything but passwords. @throws {FairwayError} */
export function accessLines({ sources, clientCertificate, rateLimit, maxBodyInBytes }: L7Policy): readonly Words[] {
  return [
    ...(sources === undefined ? [] : sourceLines(sources)),
    ...(clientCertificate === undefined ? [] : certificateLines(clientCertificate)),
    ...(rateLimit === undefined ? [] : limitLines(rateLimit)),
    ...(maxBodyInBytes === undefined
      ? []
      : [phrase`http-request deny deny_status 413 if { req.body_size gt ${maxBodyInBytes} }`]),
  ]
}

function sourceLines({ allowed, denied }: NonNullable<L7Policy['sources']>): readonly Words[] {
  const allow = [
    ...chunks(allowed).map((some) => phrase`http-request set-var(txn.allowed) bool(true) if { src ${some} }`),
    phrase`http-request deny deny_status 403 unless { var(txn.allowed) -m bool }`,
  ]
  const deny = chunks(denied).map((some) => phrase`http-request deny deny_status 403 if { src ${some} }`)
  return [...deny, ...(allowed.length === 0 ? [] : allow)]
}

/** Ranges, so many in each that a line has room. */
function chunks(ranges: readonly string[]): readonly Words[] {
  const count = Math.ceil(ranges.length / RANGES_OF_LINE)
  return Array.from({ length: count }, (_, at) =>
    ranges
      .slice(at * RANGES_OF_LINE, (at + 1) * RANGES_OF_LINE)
      .map(range)
      .reduce((before, one) => phrase`${before} ${one}`),
  )
}

const TOLD: readonly Words[] = [
  phrase`ssl-client-verify`,
  phrase`ssl-client-subject-dn`,
  phrase`ssl-client-issuer-dn`,
  phrase`ssl-client-cert`,
]

/** The name that TLS was asked for is that of the request, or its certificate was verified by another host's authority. */
function certificateLines({ isRequired, commonName, isPassedOn }: ClientCertificate): readonly Words[] {
  const matches = phrase`{ ssl_c_s_dn(cn) -m reg -- ${expression(commonName)} }`
  return [
    ...TOLD.map((name) => phrase`http-request del-header ${name}`),
    phrase`http-request deny deny_status 403 unless { ssl_fc }`,
    phrase`http-request deny deny_status 421 unless { ssl_fc_sni,lower,strcmp(txn.host) eq 0 }`,
    ...(isRequired ? [phrase`http-request deny deny_status 400 unless { ssl_c_used }`] : []),
    phrase`http-request deny deny_status 400 if { ssl_c_used } !{ ssl_c_verify 0 }`,
    ...(commonName === '' ? [] : [phrase`http-request deny deny_status 403 unless ${matches}`]),
    phrase`http-request set-header ssl-client-verify SUCCESS if { ssl_c_used }`,
    phrase`http-request set-header ssl-client-verify NONE unless { ssl_c_used }`,
    phrase`http-request set-header ssl-client-subject-dn '%[ssl_c_s_dn(,0,rfc2253)]' if { ssl_c_used }`,
    phrase`http-request set-header ssl-client-issuer-dn '%[ssl_c_i_dn(,0,rfc2253)]' if { ssl_c_used }`,
    ...(isPassedOn ? PEM : []),
  ]
}

/** PEM with lines of 64 characters, URL-encoded. */
const PEM: readonly Words[] = [
  phrase`http-request set-var(txn.pem) 'ssl_c_der,base64,regsub("(.{64})","\\1 ",g),url_enc,regsub("%20","%0A",g)' if { ssl_c_used }`,
  phrase`http-request set-header ssl-client-cert '-----BEGIN%%20CERTIFICATE-----%%0A%[var(txn.pem)]%%0A-----END%%20CERTIFICATE-----%%0A' if { ssl_c_used }`,
]

/** What counts is in tables, by everything that tells two limits apart: one that changes begins anew. */
const tableName = (limit: RateLimit): Words => nameFor('table', JSON.stringify(limit))

/** As the longest time in which a bucket that is full is empty again: what passed in it is at most what the bucket holds. */
function windowOf({ requests, perInMs, burst }: RateLimit['rates'][number]) {
  const held = Math.max(burst, requests)
  return { inMs: Math.max(1, Math.round((perInMs * held) / requests)), most: held + 1 }
}

const CLIENTS = phrase`100k`
const COUNTERS: readonly Words[] = [phrase`gpc0`, phrase`gpc1`]

export function tableSection({ rateLimit }: L7Policy): readonly string[] {
  if (rateLimit === undefined) return []
  const windows = countedRates(rateLimit).map(windowOf)
  const longestInMs = Math.max(60_000, ...windows.map(({ inMs }) => inMs * 2))
  const stored = windows.map(({ inMs }, at) => phrase`,${counter(at)},${counter(at)}_rate(${inMs}ms)`)
  const all = stored.reduce((before, one) => phrase`${before}${one}`, phrase`conn_cur`)
  return [
    section(phrase`backend ${tableName(rateLimit)}`, [
      phrase`stick-table type ipv6 size ${CLIENTS} expire ${longestInMs}ms store ${all}`,
    ]),
  ]
}

/** HAProxy counts two things that are not its own. */
function countedRates({ rates }: RateLimit): RateLimit['rates'] {
  return rates.slice(0, COUNTERS.length)
}

const counter = (at: number): Words => COUNTERS[at] ?? phrase`gpc0`

function limitLines(limit: RateLimit): readonly Words[] {
  const table = tableName(limit)
  const windows = countedRates(limit).map(windowOf)
  const refuse = phrase`http-request deny deny_status ${limit.status}`
  return [
    ...chunks(limit.exempt).map((some) => phrase`http-request set-var(txn.exempt) bool(true) if { src ${some} }`),
    phrase`http-request track-sc0 src table ${table} unless { var(txn.exempt) -m bool }`,
    ...(limit.concurrent === undefined ? [] : [phrase`${refuse} if { sc0_conn_cur(${table}) gt ${limit.concurrent} }`]),
    ...windows.map(({ most }, at) => phrase`${refuse} if { sc0_${counter(at)}_rate(${table}) ge ${most} }`),
    // those that are refused do not count
    ...windows.map((_, at) => phrase`http-request sc-inc-${counter(at)}(0)`),
  ]
}

const listName = (auth: BasicAuth): Words => nameFor('users', JSON.stringify(auth))

/** @throws {FairwayError} */
export function passwordLines({ basicAuth }: L7Policy): readonly Words[] {
  if (basicAuth === undefined) return []
  // HAProxy puts the realm in quotes as it is
  const realm = literal(basicAuth.realm.replace(/["\\]/g, ''))
  return [phrase`http-request auth realm ${realm} unless { http_auth(${listName(basicAuth)}) }`]
}

/** @throws {FairwayError} */
export function passwordSection({ basicAuth }: L7Policy): readonly string[] {
  if (basicAuth === undefined) return []
  const users = basicAuth.users.map(({ name, hash }) => phrase`user ${literal(name)} password ${literal(hash)}`)
  return [section(phrase`userlist ${listName(basicAuth)}`, users)]
}
