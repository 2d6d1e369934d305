/** Listeners as frontends: who asks, for which host and path, and which section the maps say answers. */
import { join } from 'node:path'
import type { Listener } from '../../model/l7.ts'
import { UNKNOWN } from './base.ts'
import type { Directory } from './directory.ts'
import { mapFile } from './maps.ts'
import { file, nameFor, phrase, port, section, type Words } from './syntax.ts'

/** Hosts in turn: the name, one label less behind `*`, every host, default backends; of each the exact path, then the longest prefix. */
const HOSTS: readonly Words[] = [phrase`var(txn.host)`, phrase`var(txn.wildcard)`, phrase`str(*)`, phrase`str(!)`]
const FOUND = phrase`{ var(txn.backend) -m found }`

/** What a client says of where it comes from is a claim. */
const CLAIMS: readonly Words[] = [
  phrase`X-Forwarded-For`,
  phrase`X-Forwarded-Host`,
  phrase`X-Forwarded-Port`,
  phrase`X-Forwarded-Proto`,
  phrase`X-Real-IP`,
  phrase`Forwarded`,
]

/** The list of certificates of a listener. */
export function certificateList({ certificates }: Directory, listener: Listener): string {
  return join(certificates, `${nameFor('fe', listener.key).text}.list`)
}

/** @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function frontendText(directory: Directory, listener: Listener): string {
  const { key, port: number, protocol, takesProxyProtocol } = listener
  const map = (which: 'exact' | 'prefix') => file(mapFile(directory, { listener: key, which }))
  const proxy = takesProxyProtocol ? phrase` accept-proxy` : phrase``
  const scheme = protocol === 'https' ? phrase`https` : phrase`http`
  const lookups = HOSTS.flatMap((host) => [
    phrase`http-request set-var(txn.backend) ${host},concat(,txn.path),map_str(${map('exact')}) unless ${FOUND}`,
    phrase`http-request set-var(txn.backend) ${host},concat(,txn.path,/),map_beg(${map('prefix')}) unless ${FOUND}`,
  ])
  return section(phrase`frontend ${nameFor('fe', key)}`, [
    phrase`bind :::${port(number)} v4v6${protocol === 'https' ? tls(directory, listener) : phrase``}${proxy}`,
    ...CLAIMS.map((name) => phrase`http-request del-header ${name}`),
    phrase`option forwardfor`,
    phrase`http-request set-header X-Forwarded-Proto ${scheme}`,
    phrase`http-request set-header X-Forwarded-Host %[req.hdr(host)]`,
    phrase`http-request set-header X-Forwarded-Port %[dst_port]`,
    phrase`http-request set-header X-Real-IP %[src]`,
    phrase`http-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)`,
    phrase`http-request return status 400 if { var(txn.host) -m reg [^a-z0-9._:\[\]-] }`,
    phrase`http-request set-var(txn.wildcard) var(txn.host),regsub('^[^.]*','*')`,
    phrase`http-request set-var(txn.path) path`,
    ...lookups,
    phrase`use_backend %[var(txn.backend)] if ${FOUND}`,
    phrase`default_backend ${UNKNOWN}`,
  ])
}

/** Without a default certificate a client that names no host, or one without a certificate, is refused. */
function tls(directory: Directory, listener: Listener): Words {
  const strict = listener.defaultCertificate === undefined ? phrase` strict-sni` : phrase``
  return phrase` ssl${strict} alpn h2,http/1.1 crt-list ${file(certificateList(directory, listener))}`
}
