/** Listeners as frontends: who asks, for which host and path, and which section the maps say answers. */
import { join } from 'node:path'
import type { Listener } from '../../model/l7.ts'
import { UNKNOWN } from './base.ts'
import type { Cases } from './cases.ts'
import type { Directory } from './directory.ts'
import { mapFile } from './maps.ts'
import { file, literal, nameFor, phrase, port, section, type Words } from './syntax.ts'

/** Hosts in turn: the name, one label less behind `*`, every host, default backends; of each the exact path, then the longest prefix. */
const HOSTS: readonly Words[] = [phrase`var(txn.host)`, phrase`var(txn.wildcard)`, phrase`str(*)`, phrase`str(!)`]
const WILDCARD = 1
const FOUND = phrase`{ var(txn.backend) -m found }`

/** Nothing that a client says is in it but as text of JSON. Times in milliseconds, -1 for what did not happen. Source: manual, 8.2.6. */
const LOG_FORMAT = phrase`'{"time":"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]","client":"%ci","method":"%HM","host":"%[var(txn.host),json(utf8s)]","uri":"%[capture.req.uri,json(utf8s)]","protocol":"%HV","status":%ST,"bytes":%B,"total":%Ta,"queue":%Tw,"connect":%Tc,"response":%Tr,"section":"%b","server":"%s","end":"%ts","id":"%[var(txn.id),json(utf8s)]"}'`

/** The list of certificates of a listener. */
export function certificateList({ certificates }: Directory, listener: Listener): string {
  return join(certificates, `${nameFor('fe', listener.key).text}.list`)
}

export interface FrontendInput {
  readonly directory: Directory
  readonly listener: Listener
  readonly cases: Cases
  /** Whether a `tls` listener has the port, and passes on what it has no rule for. */
  readonly isBehindTls: boolean
}

/** @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function frontendText(input: FrontendInput): string {
  return input.listener.protocol === 'tls' ? tlsText(input) : httpText(input)
}

function httpText({ directory, listener, cases, isBehindTls }: FrontendInput): string {
  const { key, protocol } = listener
  const map = (which: 'exact' | 'prefix') => file(mapFile(directory, { listener: key, which }))
  const scheme = protocol === 'https' ? phrase`https` : phrase`http`
  const lookups = HOSTS.flatMap((host, level) => [
    ...(level === WILDCARD
      ? [phrase`http-request set-var(txn.wildcard) var(txn.host),regsub('^[^.]*','*') unless ${FOUND}`]
      : []),
    phrase`http-request set-var(txn.backend) ${host},concat(,txn.path),map_str(${map('exact')}) unless ${FOUND}`,
    phrase`http-request set-var(txn.backend) ${host},concat(,txn.path,/),map_beg(${map('prefix')}) unless ${FOUND}`,
    ...(cases.byHost[level] ?? []),
  ])
  const tls = protocol === 'https' ? tlsWords(directory, listener) : phrase``
  return section(phrase`frontend ${nameFor('fe', key)}`, [
    ...(isBehindTls
      ? [phrase`bind ${file(insideSocket(directory))} mode 600${tls} accept-proxy`]
      : bindLines(listener, phrase`${tls}${proxyWords(listener)}`)),
    ...LOG,
    // in the place of whatever a client says of where it comes from
    phrase`http-request set-header X-Forwarded-For %[src]`,
    phrase`http-request set-header X-Forwarded-Proto ${scheme}`,
    phrase`http-request set-header X-Forwarded-Host %[req.hdr(host)]`,
    phrase`http-request set-header X-Forwarded-Port %[dst_port]`,
    phrase`http-request set-header X-Real-IP %[src]`,
    phrase`http-request set-header Forwarded 'for=%[src];proto=${scheme}'`,
    // RFC 7239: an address of IPv6 is in brackets and quotes
    phrase`http-request set-header Forwarded 'for="[%[src]]";proto=${scheme}' if { src -m sub : }`,
    phrase`http-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)`,
    // in quotes, as a backslash outside of them is the configuration's own
    phrase`http-request return status 400 if { var(txn.host) -m reg '[^a-z0-9._:\\[\\]-]' }`,
    phrase`http-request set-var(txn.path) path`,
    ...CANONICAL,
    ...lookups,
    ...cases.last,
    phrase`use_backend %[var(txn.backend)] if ${FOUND}`,
    phrase`default_backend ${UNKNOWN}`,
  ])
}

/** What a client names in its first packet is looked up, before anything is decrypted. */
function tlsText({ directory, listener }: FrontendInput): string {
  const map = file(mapFile(directory, { listener: listener.key, which: 'prefix' }))
  const names = [phrase`var(sess.name)`, phrase`var(sess.name),regsub('^[^.]*','*')`]
  return section(phrase`frontend ${nameFor('fe', listener.key)}`, [
    ...bindLines(listener, proxyWords(listener)),
    phrase`mode tcp`,
    phrase`option tcplog`,
    phrase`log global`,
    phrase`tcp-request inspect-delay 5s`,
    phrase`tcp-request content set-var(sess.name) req.ssl_sni,lower,rtrim(.) if { req.ssl_hello_type 1 }`,
    ...names.map(
      (name) =>
        phrase`tcp-request content set-var(sess.backend) ${name},concat(/),map_str(${map}) unless { var(sess.backend) -m found }`,
    ),
    phrase`tcp-request content accept if { req.ssl_hello_type 1 }`,
    phrase`use_backend %[var(sess.backend)] if { var(sess.backend) -m found }`,
    phrase`default_backend ${INSIDE}`,
  ])
}

/**
 * A path is looked up as servers read it: decoded, and without empty elements, so that no other way of writing a path goes past its rule to a wider one. What leads upwards
 * is refused. Servers get the path as it was written.
 */
const CANONICAL: readonly Words[] = [
  phrase`http-request return status 400 if { path -m sub %00 }`,
  phrase`http-request set-var(txn.path) path,url_dec,regsub('//+','/',g),regsub(' ','%20',g) if { path -m sub // % }`,
  phrase`http-request return status 400 if { var(txn.path) -m sub /. } { var(txn.path) -m reg -- ${literal(String.raw`/\.\.?(/|$)`)} }`,
]

const INSIDE = phrase`be_inside`

/** From a `tls` listener to the `https` one that has its port. */
export function insideText(directory: Directory): string {
  return section(phrase`backend ${INSIDE}`, [
    phrase`mode tcp`,
    phrase`server inside ${file(insideSocket(directory))} send-proxy-v2`,
  ])
}

function insideSocket({ inside }: Directory): string {
  return `unix@${inside}`
}

/** One for each family: a client of IPv4 is told to servers by its own address, not by one of IPv6 that stands for it. */
function bindLines({ port: number }: Listener, rest: Words): readonly Words[] {
  return [phrase`bind :${port(number)}${rest}`, phrase`bind :::${port(number)} v6only${rest}`]
}

function proxyWords({ takesProxyProtocol }: Listener): Words {
  return takesProxyProtocol ? phrase` accept-proxy` : phrase``
}

/** Without a default certificate a client that names no host, or one without a certificate, is refused. What is wrong with a client's certificate rules judge. */
function tlsWords(directory: Directory, listener: Listener): Words {
  const strict = listener.defaultCertificate === undefined ? phrase` strict-sni` : phrase``
  const clients = phrase`ca-ignore-err all crt-ignore-err all`
  return phrase` ssl${strict} alpn h2,http/1.1 ${clients} crt-list ${file(certificateList(directory, listener))}`
}

/** One line of JSON a request. A request has an id, that of the client if it has one, which servers are told. */
const LOG: readonly Words[] = [
  phrase`log global`,
  phrase`unique-id-format %[uuid()]`,
  phrase`http-request set-header X-Request-ID %[unique-id] unless { req.hdr(x-request-id) -m found }`,
  phrase`http-request set-var(txn.id) req.hdr(x-request-id)`,
  phrase`log-format ${LOG_FORMAT}`,
]
