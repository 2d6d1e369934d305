/** `haproxy.cfg` of a gateway: listeners, the look-up of rules, and backends. */
import type { Backend, Listener } from '../../model/l7.ts'
import type { MapName } from './maps.ts'
import { endpoint, file, nameFor, phrase, port, section, type Words } from './syntax.ts'

export interface ConfigParts {
  /** Where maps, certificates and sockets are. */
  readonly directory: string
  readonly listeners: readonly Listener[]
  readonly backends: readonly Backend[]
}

/** @throws {FairwayError} HAPROXY_ENTRY_INVALID */
export function configText({ directory, listeners, backends }: ConfigParts): string {
  const common = [
    section(phrase`global`, [phrase`stats socket ${file(`${directory}/runtime.sock`)} mode 600 level admin expose-fd listeners`]),
    section(phrase`defaults`, [
      phrase`mode http`,
      phrase`timeout connect 5s`,
      phrase`timeout client 60s`,
      phrase`timeout server 60s`,
      phrase`timeout tunnel 1h`,
      phrase`timeout http-request 10s`,
      phrase`timeout http-keep-alive 60s`,
      phrase`option http-keep-alive`,
      // a reload ends idle connections only after an answer: no request is lost on its way
      phrase`option idle-close-on-response`,
      phrase`option redispatch`,
      phrase`retries 3`,
    ]),
  ]
  const fronts = listeners.filter(({ protocol }) => protocol !== 'tls').map((one) => frontend(one, directory))
  return [...common, ...fronts, ...backends.map(backend), ...FIXED].join('\n')
}

/** Answers of the gateway itself. */
const FIXED = [
  section(phrase`backend be_unknown`, [
    phrase`http-request return status 404 content-type text/plain string "404 page not found"`,
  ]),
  section(phrase`backend be_unavailable`, [
    phrase`http-request return status 503 content-type text/plain string "503 no server is there"`,
  ]),
]

/** Hosts in turn: the name, one label less behind `*`, every host; of each the exact path, then the longest prefix. */
const HOSTS: readonly Words[] = [phrase`var(txn.host)`, phrase`var(txn.wildcard)`, phrase`str(*)`, phrase`str(!)`]
const FOUND = phrase`{ var(txn.backend) -m found }`

function frontend({ name, port: number, protocol, takesProxyProtocol }: Listener, directory: string): string {
  const map = (which: MapName) => file(`${directory}/${which}.map`)
  const tls =
    protocol === 'https' ? phrase` ssl strict-sni alpn h2,http/1.1 crt-list ${file(`${directory}/certificates.list`)}` : phrase``
  const proxy = takesProxyProtocol ? phrase` accept-proxy` : phrase``
  const scheme = protocol === 'https' ? phrase`https` : phrase`http`
  const lookups = HOSTS.flatMap((host) => [
    phrase`http-request set-var(txn.backend) ${host},concat(,txn.path),map_str(${map('exact')}) unless ${FOUND}`,
    phrase`http-request set-var(txn.backend) ${host},concat(,txn.path,/),map_beg(${map('prefix')}) unless ${FOUND}`,
  ])
  return section(phrase`frontend ${frontName(name)}`, [
    phrase`bind :::${port(number)} v4v6${tls}${proxy}`,
    // what a client says of where it comes from is a claim
    ...['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto', 'x-real-ip', 'forwarded'].map(dropHeader),
    phrase`option forwardfor`,
    phrase`http-request set-header X-Forwarded-Proto ${scheme}`,
    phrase`http-request set-header X-Forwarded-Host %[req.hdr(host)]`,
    phrase`http-request set-header X-Real-IP %[src]`,
    phrase`http-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)`,
    phrase`http-request return status 400 if { var(txn.host) -m reg [^a-z0-9._:\[\]-] }`,
    phrase`http-request set-var(txn.wildcard) var(txn.host),regsub('^[^.]*','*')`,
    phrase`http-request set-var(txn.path) path`,
    ...lookups,
    phrase`use_backend %[var(txn.backend)] if ${FOUND}`,
    phrase`default_backend be_unknown`,
  ])
}

const HEADERS = {
  'x-forwarded-for': phrase`X-Forwarded-For`,
  'x-forwarded-host': phrase`X-Forwarded-Host`,
  'x-forwarded-port': phrase`X-Forwarded-Port`,
  'x-forwarded-proto': phrase`X-Forwarded-Proto`,
  'x-real-ip': phrase`X-Real-IP`,
  forwarded: phrase`Forwarded`,
}

function dropHeader(name: string): Words {
  return phrase`http-request del-header ${HEADERS[name as keyof typeof HEADERS]}`
}

function frontName(name: string): Words {
  return name === 'https' ? phrase`fe_https` : phrase`fe_http`
}

function backend({ key, servers }: Backend): string {
  return section(phrase`backend ${nameFor('be', key)}`, [
    phrase`balance roundrobin`,
    ...servers.map(({ address, port: number }) => {
      const at = endpoint(address, number)
      return phrase`server ${nameFor('srv', at.text)} ${at}`
    }),
  ])
}
