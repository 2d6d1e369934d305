/** What values of rules are as words of HAProxy's, said a second time and apart from what writes them: by its manual. */
import type { L7Rule } from '../../src/model/l7.ts'
import type { L7Policy } from '../../src/model/l7-policy.ts'

/** In a place where `%` begins a variable. */
const plain = (text: string) => text.replaceAll('%', '%%')
const group = (expression: string, ignoresCase = false) => `${ignoresCase ? '(?i)' : ''}(?:${expression})`

/** The words that the section of a rule has, as wholes. */
export function sectionWords({ action, policy }: L7Rule): readonly string[] {
  if (action.kind === 'redirect' && action.path?.kind === 'full' && !action.keepsQuery) {
    const scheme = action.scheme || '%[ssl_fc,iif(https,http)]'
    const place = `${action.host || '%[var(txn.host)]'}${action.port === 0 ? '' : `:${action.port}`}`
    return [`${scheme}://${place}${plain(action.path.path)}`]
  }
  return action.kind === 'forward' ? policyWords(policy) : []
}

function policyWords(policy: L7Policy): readonly string[] {
  const { path, host, requestHeaders, sources, rateLimit, clientCertificate, basicAuth, affinity, balance } = policy
  return [
    ...(path === undefined ? [] : pathWords(path)),
    ...(host === undefined ? [] : [plain(host)]),
    ...(requestHeaders?.set ?? []).flatMap(({ name, value }) => [name, plain(value)]),
    ...(sources === undefined ? [] : [...sources.allowed, ...sources.denied]),
    ...(rateLimit?.exempt ?? []),
    ...(clientCertificate === undefined || clientCertificate.commonName === '' ? [] : [group(clientCertificate.commonName)]),
    ...(basicAuth === undefined ? [] : [basicAuth.realm.replaceAll(/["\\]/g, '')]),
    ...(basicAuth?.users ?? []).flatMap(({ name, hash }) => [name, hash]),
    ...(affinity === undefined ? [] : [affinity.name]),
    ...(affinity?.path === undefined ? [] : [`Path=${affinity.path.replaceAll(';', '%3B')}`]),
    ...(affinity?.domain === undefined ? [] : [affinity.domain.replace(/^\./, '')]),
    ...(balance !== undefined && 'name' in balance
      ? [`${{ header: 'req.hdr', cookie: 'req.cook', query: 'url_param' }[balance.of]}(${balance.name})`]
      : []),
    ...corsWords(policy),
  ]
}

function pathWords(path: NonNullable<L7Policy['path']>): readonly string[] {
  if (path.kind === 'full') return [plain(path.path)]
  if (path.kind === 'prefix') return []
  const parts = path.replacement.map((part) => (typeof part === 'number' ? `\\${part}` : part.replaceAll('\\', '\\\\')))
  return [group(path.expression, path.ignoresCase), plain(parts.join(''))]
}

function corsWords({ cors }: L7Policy): readonly string[] {
  if (cors === undefined) return []
  const origins = cors.origins.includes('*') ? [] : cors.origins.filter((origin) => !origin.includes('*'))
  const exposed = cors.exposed.length === 0 ? [] : [plain(cors.exposed.join(', '))]
  return [...origins, ...exposed, plain(cors.methods.join(', ')), plain(cors.headers.join(', '))]
}

/** What follows on the section of a rule that no map tells, in the line of its listener. `place`: what the map says instead of a section. */
export function caseTail({ path, host, conditions }: L7Rule, place: string | undefined): readonly string[] {
  const rest = conditions.flatMap(({ of, name, is, value }) => {
    const fetch = { header: 'req.fhdr', cookie: 'req.cook', query: 'url_param' }[of]
    return ['{', `${fetch}(${name})`, '-m', is === 'exact' ? 'str' : 'reg', '--', is === 'exact' ? value : group(value), '}']
  })
  if (path.kind !== 'regex') return ['if', '{', 'var(txn.backend)', '-m', 'str', place ?? '', '}', ...rest]
  const name = {
    exact: ['{', 'var(txn.host)', '-m', 'str', '--', hostName(host), '}'],
    wildcard: ['{', 'var(txn.wildcard)', '-m', 'str', '--', hostName(host), '}'],
    any: [],
  }[host.kind]
  const expression = ['{', 'var(txn.path)', '-m', 'reg', '--', group(path.expression, path.ignoresCase), '}']
  return ['if', '!{', 'var(txn.backend)', '-m', 'found', '}', ...name, ...expression, ...rest]
}

function hostName(host: L7Rule['host']): string {
  return host.kind === 'any' ? '*' : host.kind === 'exact' ? host.name : `*.${host.name}`
}

/** Where a rule is looked up; undefined: no map has it. */
export function lookupOf({ host, path, rank }: L7Rule): { readonly map: 'exact' | 'prefix'; readonly key: string } | undefined {
  if (path.kind === 'regex') return undefined
  const key = `${rank > 0 ? '!' : hostName(host)}${path.path}`
  return path.kind === 'exact' ? { map: 'exact', key } : { map: 'prefix', key: `${key}/` }
}
