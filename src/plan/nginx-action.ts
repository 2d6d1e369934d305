/** What becomes of the requests of a rule by annotations of ingress-nginx: sent elsewhere, or to one of two Services. */
import type { Condition, L7Action, WeightedBackend } from '../model/l7.ts'
import type { NginxAnnotations, RedirectTarget } from '../model/nginx-annotations.ts'

const PERMANENT = 301
const TEMPORARY = 302
const TO_TLS = 308

/** Source: ingress-nginx, nginx.tmpl: 308 to the same host, path and query. */
export const REDIRECT_TO_TLS: L7Action = {
  ...{ kind: 'redirect', scheme: 'https', host: '', port: 0, status: TO_TLS, keepsQuery: true },
}

export function redirectToRoot(path: string): L7Action {
  return { kind: 'redirect', scheme: '', host: '', port: 0, status: TEMPORARY, path: { kind: 'full', path }, keepsQuery: false }
}

/** Undefined: requests are not sent elsewhere. */
export function redirectOf(said: NginxAnnotations): L7Action | undefined {
  const { temporalRedirect, temporalRedirectCode = TEMPORARY, permanentRedirect, permanentRedirectCode = PERMANENT } = said
  if (temporalRedirect !== undefined) return redirectTo(temporalRedirect, temporalRedirectCode)
  return permanentRedirect && redirectTo(permanentRedirect, permanentRedirectCode)
}

function redirectTo({ scheme, host, port, target, keepsTarget }: RedirectTarget, status: number): L7Action {
  const base = { kind: 'redirect', scheme, host, port, status, keepsQuery: keepsTarget } as const
  return keepsTarget ? base : { ...base, path: { kind: 'full', path: target } }
}

/** Whether requests in the clear are sent to TLS. `hasTls`: whether the host has a certificate, or should. */
export function goesToTls({ sslRedirect = true, forceSslRedirect = false }: NginxAnnotations, hasTls: boolean): boolean {
  return forceSslRedirect || (sslRedirect && hasTls)
}

export interface Variant {
  /** Part of the key of the rule; '' for the rule itself. */
  readonly name: string
  readonly rank: number
  readonly conditions: readonly Condition[]
  readonly backends: readonly WeightedBackend[]
}

const TOTAL = 100

/** Which requests go to a canary. Order: by header, then by cookie, then by weight. Source: ingress-nginx, Canary. */
export function variantsOf(main: string, canary: string, said: NginxAnnotations): readonly Variant[] {
  const { canaryByHeaderValue: value, canaryByHeaderPattern: pattern, canaryByCookie: cookie } = said
  const header = said.canaryByHeader?.toLowerCase()
  const only = (backend: string) => [{ backend, weight: 1 }]
  const variant = (rank: number, condition: Condition, backend: string): Variant => ({
    ...{ name: ` ${condition.of}-${rank}`, rank, conditions: [condition], backends: only(backend) },
  })
  const all: Variant[] = []
  if (header !== undefined && value !== undefined)
    all.push(variant(-4, { of: 'header', name: header, is: 'exact', value }, canary))
  else if (header !== undefined && pattern !== undefined)
    all.push(variant(-4, { of: 'header', name: header, is: 'regex', value: pattern }, canary))
  else if (header !== undefined) all.push(...yesOrNo('header', header, -4))
  if (cookie !== undefined) all.push(...yesOrNo('cookie', cookie, -2))
  return [...all, { name: '', rank: 0, conditions: [], backends: weighted(main, canary, said) }]

  function yesOrNo(of: Condition['of'], name: string, rank: number): readonly Variant[] {
    return [
      variant(rank, { of, name, is: 'exact', value: 'always' }, canary),
      variant(rank + 1, { of, name, is: 'exact', value: 'never' }, main),
    ]
  }
}

function weighted(main: string, canary: string, said: NginxAnnotations): readonly WeightedBackend[] {
  const total = said.canaryWeightTotal ?? TOTAL
  const weight = Math.min(said.canaryWeight ?? 0, total)
  if (weight === 0) return [{ backend: main, weight: 1 }]
  return [
    { backend: main, weight: total - weight },
    { backend: canary, weight },
  ]
}
