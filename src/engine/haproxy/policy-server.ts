/** Which server gets a request, how long it may take, and what happens when it fails. */
import type { Balance, CookieAffinity, L7Policy, Retries, Timeouts } from '../../model/l7-policy.ts'
import { literal, phrase, token, type Words } from './syntax.ts'

/** @throws {FairwayError} */
export function serverPolicyLines({ balance, timeouts, retries, affinity }: L7Policy): readonly Words[] {
  return [
    ...balanceLines(balance ?? { kind: 'in-turn' }),
    ...(timeouts === undefined ? [] : timeoutLines(timeouts)),
    ...(retries === undefined ? [] : retryLines(retries)),
    ...(affinity === undefined ? [] : cookieLines(affinity)),
  ]
}

/** All of them are such that the runtime can be told of servers. */
function balanceLines(balance: Balance): readonly Words[] {
  if (balance.kind === 'in-turn') return [phrase`balance roundrobin`]
  if (balance.kind === 'least-connections') return [phrase`balance leastconn`]
  if (balance.kind === 'random') return [phrase`balance random`]
  return [phrase`balance ${hashed(balance)}`, phrase`hash-type consistent`]
}

const PARTS = {
  'client-address': phrase`source`,
  host: phrase`hash req.hdr(host),lower`,
  path: phrase`uri path-only`,
  uri: phrase`uri whole`,
}

function hashed(balance: Extract<Balance, { readonly kind: 'hash' }>): Words {
  if (!('name' in balance)) return PARTS[balance.of]
  if (balance.of === 'header') return phrase`hash req.hdr(${token(balance.name)})`
  if (balance.of === 'cookie') return phrase`hash req.cook(${token(balance.name)})`
  return phrase`hash url_param(${token(balance.name)})`
}

/** HAProxy has one time for both directions of a server's side, and none for a request as a whole: a pause of that length ends it. */
function timeoutLines({ connectInMs, readInMs, sendInMs, requestInMs }: Timeouts): readonly Words[] {
  const server = Math.max(...[readInMs, sendInMs].map((inMs) => inMs ?? 0)) || requestInMs
  return [
    ...(connectInMs === undefined ? [] : [phrase`timeout connect ${connectInMs}ms`]),
    ...(server === undefined ? [] : [phrase`timeout server ${server}ms`]),
    ...(readInMs === undefined ? [] : [phrase`timeout tunnel ${readInMs}ms`]),
  ]
}

const CAUSES = { connect: phrase`conn-failure`, empty: phrase`empty-response`, timeout: phrase`response-timeout` }
/** Source: HAProxy 2.6, retry-on. */
const STATUSES: readonly number[] = [401, 403, 404, 408, 425, 500, 501, 502, 503, 504]

function retryLines({ attempts, on }: Retries): readonly Words[] {
  const causes = on.flatMap((cause) => {
    if (typeof cause !== 'number') return [CAUSES[cause]]
    return STATUSES.includes(cause) ? [phrase`${cause}`] : []
  })
  if (attempts === 0 || causes.length === 0) return [phrase`retries 0`, phrase`no option redispatch`]
  return [
    phrase`retries ${attempts}`,
    phrase`option redispatch 1`,
    phrase`retry-on ${causes.reduce((before, one) => phrase`${before} ${one}`)}`,
    // what a server may have done must not be done twice
    phrase`http-request disable-l7-retry if { method POST PATCH LOCK }`,
  ]
}

/** A value stands for a server's address and port, so that it means the same server in every gateway, and after a reload. */
function cookieLines({ name, maxAgeInS, path, domain, sameSite, isSecure }: CookieAffinity): readonly Words[] {
  const words = [
    phrase`cookie ${token(name)} insert indirect nocache httponly`,
    ...(isSecure ? [phrase`secure`] : []),
    ...(domain === undefined ? [] : [phrase`domain ${token(domain.replace(/^\./, ''))}`]),
    phrase`dynamic`,
    ...(path === undefined ? [] : [phrase`attr ${literal(`Path=${path.replaceAll(';', '%3B')}`)}`]),
    ...(maxAgeInS === undefined ? [] : [phrase`attr Max-Age=${maxAgeInS}`]),
    ...(sameSite === undefined ? [] : [phrase`attr ${literal(`SameSite=${sameSite}`)}`]),
  ]
  return [words.reduce((before, one) => phrase`${before} ${one}`), phrase`dynamic-cookie-key fairway`]
}
