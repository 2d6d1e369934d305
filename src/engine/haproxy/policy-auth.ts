/**
 * Who may pass by the word of another server. A program asks a section that has that server, over a socket of the gateway's own, and makes variables of the answer, which statements
 * read: the words of a user are in statements alone, and without an answer nobody passes.
 */
import type { ExternalAuth, L7Policy, UrlPart } from '../../model/l7-policy.ts'
import { endpoint, invalid, joined, nameFor, phrase, plain, section, token, type Words } from './syntax.ts'
import { isAddress, NAMED } from './target.ts'

const CONNECT_IN_MS = 5_000
const READ_IN_MS = 60_000
/** More than what the section takes to say that there is no answer. */
const GRACE_IN_MS = 1_000

/** The program knows the name of a section, and how long that may take. */
const nameOf = (policy: L7Policy, auth: ExternalAuth): Words => nameFor('auth', JSON.stringify([auth, policy.timeouts]))

function timesOf({ timeouts }: L7Policy): { readonly connect: number; readonly read: number } {
  return { connect: timeouts?.connectInMs ?? CONNECT_IN_MS, read: timeouts?.readInMs ?? READ_IN_MS }
}

/** @throws {FairwayError} */
export function authLines(policy: L7Policy): readonly Words[] {
  const auth = policy.externalAuth
  if (auth === undefined) return []
  const { connect, read } = timesOf(policy)
  const names = auth.responseHeaders.map(headerName)
  const list = names.length === 0 ? phrase`,` : names.reduce((before, one) => phrase`${before},${one}`)
  const redirect = auth.redirect.length === 0 ? phrase`%[pathq]` : urlWords(auth.redirect)
  const told = phrase`${nameOf(policy, auth)} ${token(auth.method)} ${list} ${connect + read + GRACE_IN_MS}`
  const isDenied = phrase`{ var(txn.auth_status) -m int 401 }`
  return [
    // a server that is asked through this gateway is not asked about that
    phrase`http-request return status 500 if { req.hdr(x-fairway-asks) -m found }`,
    phrase`http-request set-var(txn.auth_status) int(0)`,
    phrase`http-request set-var-fmt(txn.auth_url) %[ssl_fc,iif(https,http)]://%[req.hdr(host)]%[pathq]`,
    phrase`http-request set-var-fmt(txn.auth_redirect) ${redirect}`,
    phrase`http-request lua.fairway_auth ${told}`,
    ...cookieLines,
    ...(auth.signIn.length === 0
      ? []
      : [phrase`http-request redirect code 302 location ${urlWords(auth.signIn)} if ${isDenied}`]),
    phrase`http-request return status 401 if ${isDenied}`,
    phrase`http-request deny deny_status 403 if { var(txn.auth_status) -m int 403 }`,
    phrase`http-request return status 500 unless { var(txn.auth_status) -m int 200:299 }`,
    // what a client says in the place of the server is not passed on
    ...names.map((name) => phrase`http-request del-header ${name}`),
    ...names.map((name, at) => {
      const value = phrase`var(txn.auth_header_${at})`
      return phrase`http-request set-header ${name} %[${value}] if { ${value} -m found }`
    }),
    ...(auth.signIn.length === 0 ? [CHALLENGE] : []),
  ]
}

const MOST_COOKIES = 8
const cookieLines: readonly Words[] = Array.from({ length: MOST_COOKIES }, (_, at) => {
  const value = phrase`var(txn.auth_cookie_${at})`
  return phrase`http-after-response add-header Set-Cookie %[${value}] if { ${value} -m found }`
})
const CHALLENGE = phrase`http-after-response set-header WWW-Authenticate %[var(txn.auth_challenge)] if { var(txn.auth_challenge) -m found }`

/** How long a message is, and whose connection it is on, is not for another server to say. */
const FRAMING = /^(host|connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*|x-fairway-.*)$/i

function headerName(name: string): Words {
  if (FRAMING.test(name)) throw invalid(`the header ${JSON.stringify(name)} is not another server's`)
  return token(name)
}

const PARTS = {
  scheme: phrase`%[ssl_fc,iif(https,http)]`,
  host: phrase`%[var(txn.host)]`,
  authority: phrase`%[req.hdr(host)]`,
  target: phrase`%[pathq]`,
  'escaped-target': phrase`%[pathq,url_enc]`,
}

function urlWords(parts: readonly UrlPart[]): Words {
  return joined(
    parts.map((part) => (typeof part === 'string' ? plain(part) : PARTS[part.of])),
    '',
  )
}

/** @throws {FairwayError} */
export function authSection(policy: L7Policy): readonly string[] {
  const auth = policy.externalAuth
  if (auth === undefined) return []
  const { connect, read } = timesOf(policy)
  const { scheme, host, port, target } = auth
  const isUsual = port === (scheme === 'https' ? 443 : 80)
  const address = host.endsWith('.svc') ? `${host}.cluster.local` : host
  const line = phrase`server auth ${endpoint(address, port)}${scheme === 'https' ? tlsWords(host) : phrase``}`
  return [
    section(phrase`backend ${nameOf(policy, auth)}`, [
      phrase`timeout connect ${connect}ms`,
      phrase`timeout server ${read}ms`,
      phrase`retries 1`,
      phrase`http-request del-header X-Fairway-Section`,
      phrase`http-request set-header X-Fairway-Asks 1`,
      phrase`http-request set-header X-Sent-From nginx-ingress-controller`,
      phrase`http-request set-header Host ${isUsual ? endpoint(host) : endpoint(host, port)}`,
      phrase`http-request set-uri ${plain(target)}`,
      isAddress({ address }) ? line : phrase`${line} ${NAMED}`,
    ]),
  ]
}

/** Its certificate must be one that the system trusts: who speaks in its place would let everybody in. */
function tlsWords(host: string): Words {
  const name = isAddress({ address: host }) ? phrase`` : phrase` sni str(${endpoint(host)}) verifyhost ${endpoint(host)}`
  return phrase` ssl verify required ca-file @system-ca alpn http/1.1${name}`
}
