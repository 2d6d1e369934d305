/** Values of ingress-nginx's annotations: text as values, undefined when it is none. Source: ingress-nginx, user guide, annotations; nginx, Configuration file measurement units. */
import { isIP } from 'node:net'
import type { Balance, UrlPart } from '../model/l7-policy.ts'
import type { AuthUrl, RedirectTarget } from '../model/nginx-annotations.ts'
import type { ObjectKey } from '../model/world.ts'
import { canonicalCidr } from './address.ts'
import { sorted } from './settings.ts'

/** The value, and what it must be, as the end of a sentence. `namespace` is that of the Ingress. */
export interface Form<T> {
  readonly wanted: string
  readonly read: (text: string, namespace: string) => T | undefined
}

/** As Go's strconv.ParseBool has it. */
export const flag: Form<boolean> = {
  wanted: '"true" or "false"',
  read: (text) => {
    if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true
    return /^(0|f|F|FALSE|false|False)$/.test(text) ? false : undefined
  },
}

export function whole(least: number, most: number): Form<number> {
  const read = (text: string) =>
    /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : undefined
  return { wanted: `a whole number from ${least} to ${most}`, read }
}

export function oneOf<const T extends string>(...values: readonly T[]): Form<T> {
  return {
    wanted: values.map((value) => `"${value}"`).join(' or '),
    read: (text) => values.find((value) => value.toLowerCase() === text.toLowerCase()),
  }
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1_024, m: 1_048_576, g: 1_073_741_824 }

export const size: Form<number> = {
  wanted: 'a number of bytes, or one with k, m or g',
  read: (text) => {
    const [, number = '', unit = ''] = /^(\d{1,9})([kmg]?)$/i.exec(text) ?? []
    return number === '' ? undefined : Number(number) * (UNITS[unit.toLowerCase()] ?? 1)
  },
}

const A_DAY_IN_S = 86_400

/** Without a unit; ingress-nginx adds the s. */
export const seconds: Form<number> = {
  wanted: 'a whole number of seconds, 1 or more',
  read: (text) => {
    const [, number = ''] = /^(\d{1,6})s?$/.exec(text) ?? []
    const inS = Number(number)
    return number === '' || inS < 1 || inS > 24 * A_DAY_IN_S ? undefined : inS * 1_000
  },
}

/** Addresses count as ranges of one. Sorted, each once, canonical. */
export const ranges: Form<readonly string[]> = {
  wanted: 'a list of ranges such as 10.0.0.0/8, with commas between',
  read: (text) => {
    const parts = listOf(text)
    const found = parts.map((part) => canonicalCidr(isIP(part) === 0 ? part : `${part}/${isIP(part) === 4 ? 32 : 128}`))
    return parts.length === 0 || found.includes(undefined) ? undefined : sorted(found.flatMap((one) => one ?? []))
  },
}

/** A list of tokens (RFC 9110), in the order in which they are written. */
export function tokens(pattern: RegExp, wanted: string): Form<readonly string[]> {
  return {
    wanted,
    read: (text) => {
      const parts = listOf(text)
      return parts.length > 0 && parts.every((part) => pattern.test(part)) ? [...new Set(parts)] : undefined
    },
  }
}

export function matching(pattern: RegExp, wanted: string): Form<string> {
  return { wanted, read: (text) => (pattern.test(text) ? text : undefined) }
}

const NAME = '[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?'
const SECRET = new RegExp(`^((?<namespace>${NAME})/)?(?<name>${NAME})$`)

/**
 * A Secret of the Ingress's own namespace. ingress-nginx takes one of another only where its administrator allows that (allow-cross-namespace-resources), and who may
 * write an Ingress must not be able to use what is in other namespaces.
 */
export const secret: Form<ObjectKey> = {
  wanted: 'the name of a Secret in the namespace of the Ingress',
  read: (text, namespace) => {
    const { namespace: named = namespace, name = '' } = SECRET.exec(text)?.groups ?? {}
    return name === '' || (named || namespace) !== namespace ? undefined : `${namespace}/${name}`
  },
}

/** Of a target: what a path may have (RFC 3986), `$1` to `$9` for groups of the path, and no other variable. */
export const rewriteTarget: Form<readonly (string | number)[]> = {
  wanted: 'a path, with $1 to $9 for groups of the path of the rule',
  read: (text) => {
    if (!/^\/([A-Za-z0-9\-._~!&'()*+,;=:@%/]|\$[1-9])*$/.test(text)) return undefined
    return text.split(/(\$[1-9])/).flatMap((part) => (part === '' ? [] : [/^\$[1-9]$/.test(part) ? Number(part[1]) : part]))
  },
}

const URL_FORM =
  /^((?<scheme>https?):\/\/(?<host>[a-z0-9]([-a-z0-9.]*[a-z0-9])?)(:(?<port>\d{1,5}))?)?(?<target>\/[A-Za-z0-9\-._~!&'()*+,;=:@%/?#]*)?(?<keeps>\$request_uri)?$/i

/** `https://host/path`, `/path`, or one that ends with `$request_uri`, the only variable that has a meaning here. */
export const redirectTarget: Form<RedirectTarget> = {
  wanted: 'a URL, or one without a path that ends with $request_uri',
  read: (text) => {
    const { scheme = '', host = '', port = '0', target = '', keeps } = URL_FORM.exec(text)?.groups ?? {}
    const isNothing = host === '' && target === ''
    if (isNothing || Number(port) > 65_535 || (keeps !== undefined && !['', '/'].includes(target))) return undefined
    const known = scheme.toLowerCase() as RedirectTarget['scheme']
    const path = keeps === undefined ? target || '/' : ''
    return { scheme: known, host: host.toLowerCase(), port: Number(port), target: path, keepsTarget: keeps !== undefined }
  },
}

/** A regular expression of printable characters; of those that PCRE and JavaScript both have. */
export const expression: Form<string> = {
  wanted: 'a regular expression',
  read: (text) => (/^[ -~]{1,512}$/.test(text) && isExpression(text) ? text : undefined),
}

export function isExpression(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

const VARIABLES: Readonly<Record<string, Balance>> = {
  $remote_addr: { kind: 'hash', of: 'client-address' },
  $binary_remote_addr: { kind: 'hash', of: 'client-address' },
  $request_uri: { kind: 'hash', of: 'uri' },
  $uri: { kind: 'hash', of: 'path' },
  $host: { kind: 'hash', of: 'host' },
}

/** One variable of nginx. */
export const hashBy: Form<Balance> = {
  wanted: 'one of $remote_addr, $request_uri, $uri, $host, $http_NAME, $cookie_NAME and $arg_NAME',
  read: (text) => {
    const plain = text.replace(/^\$\{(\w+)\}$/, '$$$1')
    const [, kind = '', name = ''] = /^\$(http|cookie|arg)_(\w{1,64})$/.exec(plain) ?? []
    if (kind === 'http') return { kind: 'hash', of: 'header', name: name.toLowerCase().replaceAll('_', '-') }
    if (kind !== '') return { kind: 'hash', of: kind === 'cookie' ? 'cookie' : 'query', name }
    return Object.hasOwn(VARIABLES, plain) ? VARIABLES[plain] : undefined
  },
}

const ALGORITHMS: Readonly<Record<string, Balance>> = { round_robin: { kind: 'in-turn' }, ewma: { kind: 'least-connections' } }

export const algorithm: Form<Balance> = {
  wanted: '"round_robin" or "ewma"',
  read: (text) => (Object.hasOwn(ALGORITHMS, text) ? ALGORITHMS[text] : undefined),
}

const CAUSES: Readonly<Record<string, 'connect' | 'empty' | 'timeout' | number>> = {
  error: 'empty',
  timeout: 'timeout',
  http_500: 500,
  http_502: 502,
  http_503: 503,
  http_504: 504,
  http_403: 403,
  http_404: 404,
}

/** Words of `proxy_next_upstream`. */
export const causes: Form<readonly ('connect' | 'empty' | 'timeout' | number)[]> = {
  wanted: 'words among error, timeout, http_500, http_502, http_503, http_504, http_403, http_404, off',
  read: (text) => {
    const words = text.split(/\s+/).filter((word) => word !== '')
    if (words.length === 1 && words[0] === 'off') return []
    const found = words.map((word) => (Object.hasOwn(CAUSES, word) ? CAUSES[word] : undefined))
    if (words.length === 0 || found.includes(undefined)) return undefined
    const all = found.flatMap((one) => one ?? [])
    return [...new Set(words.includes('error') ? ['connect' as const, ...all] : all)].toSorted()
  },
}

const PROTOCOLS = { HTTP: 'http', AUTO_HTTP: 'http', HTTPS: 'https', GRPC: 'h2c', GRPCS: 'h2' } as const

export const protocol: Form<'http' | 'https' | 'h2c' | 'h2'> = {
  wanted: '"HTTP", "HTTPS", "GRPC" or "GRPCS"',
  read: (text) => PROTOCOLS[text.toUpperCase() as keyof typeof PROTOCOLS] ?? undefined,
}

export function listOf(text: string): readonly string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** Of a server that is asked; host and port are no variables, as it is looked up before any request. */
export const authUrl: Form<AuthUrl> = {
  wanted: 'a URL of http or https with a host, and no variable',
  read: (text) => {
    const { scheme = '', host = '', port, target = '' } = URL_FORM.exec(text)?.groups ?? {}
    const known = scheme.toLowerCase() as AuthUrl['scheme']
    const number = Number(port ?? (known === 'https' ? 443 : 80))
    if (host === '' || host.length > 253 || text.includes('$') || text.includes('#') || number < 1 || number > 65_535)
      return undefined
    return { scheme: known, host: host.toLowerCase(), port: number, target: target || '/' }
  },
}

const URL_VARIABLES: Readonly<Record<string, UrlPart>> = {
  $scheme: { of: 'scheme' },
  $pass_access_scheme: { of: 'scheme' },
  $host: { of: 'host' },
  $best_http_host: { of: 'authority' },
  $http_host: { of: 'authority' },
  $request_uri: { of: 'target' },
  $escaped_request_uri: { of: 'escaped-target' },
}

/** A place with variables of nginx in it. */
const place = (start: RegExp, wanted: string): Form<readonly UrlPart[]> => ({
  wanted,
  read: (text) => {
    if (!start.test(text) || !/^[A-Za-z0-9\-._~!&'()*+,;=:@%/?#$]{1,2048}$/.test(text)) return undefined
    const parts = text.split(/(\$\w+)/).filter((part) => part !== '')
    const found = parts.map((part) => {
      if (!part.includes('$')) return part
      return Object.hasOwn(URL_VARIABLES, part) ? URL_VARIABLES[part] : undefined
    })
    return found.includes(undefined) ? undefined : found.flatMap((part) => part ?? [])
  },
})

const OF_REQUESTS = '$scheme, $host, $http_host, $request_uri and $escaped_request_uri as its variables'
export const signIn = place(/^(https?:\/\/[A-Za-z0-9$]|\/(?!\/))/i, `a URL, with ${OF_REQUESTS}`)
export const comeBack = place(/./, `a URL or a path, with ${OF_REQUESTS}`)

const FRAMING = /^(host|connection|content-length|expect|keep-alive|te|trailer|transfer-encoding|upgrade|proxy-.*|x-fairway-.*)$/

/** Names of headers of an answer, in lower case and sorted, each once; none that says where a message ends. */
export const answerHeaders: Form<readonly string[]> = {
  wanted: 'a list of headers, with commas between, none of them of a connection or of the length of a body',
  read: (text) => {
    const names = [...new Set(listOf(text.toLowerCase()))].toSorted()
    const isFine = (name: string) => /^[a-z0-9\-_]{1,128}$/.test(name) && !FRAMING.test(name)
    return names.length > 0 && names.length <= 64 && names.every(isFine) ? names : undefined
  },
}
