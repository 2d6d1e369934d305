/** What one Ingress asks for, before anybody says who else asks for the same. */
import type { Ingress, IngressBackend, IngressPath } from '../model/ingress.ts'
import { type HostPattern, hostText, type PathPattern } from '../model/l7.ts'
import { canonicalPath } from '../model/l7-path.ts'
import type { NginxAnnotations } from '../model/nginx-annotations.ts'
import type { ObjectKey } from '../model/world.ts'

/** That requests for a host and path go to a backend. Wishes with the same slot cannot both be granted. */
export interface RuleWish {
  readonly slot: string
  readonly host: HostPattern
  readonly path: PathPattern
  /** The path as it is written. */
  readonly text: string
  /** 0; 1 for a default backend, which goes after all rules. */
  readonly rank: number
  readonly backend: IngressBackend
  /** Where the class speaks ingress-nginx's dialect. */
  readonly annotations?: NginxAnnotations
  /** Whether the Ingress has TLS for the host. */
  readonly hasTls: boolean
  /** `app-root`: requests are sent there instead. */
  readonly root?: string
  /** Whether the request is to be refused, as what should protect it cannot be read. */
  readonly isBlocked: boolean
}

/** Something that a host has once, by a Secret. */
export interface HostWish {
  readonly slot: string
  readonly host: HostPattern
  readonly secret: ObjectKey
}

/** That TLS for a host goes to a backend as it is. */
export interface PassthroughWish {
  readonly slot: string
  readonly host: HostPattern
  readonly backend: IngressBackend
}

export interface IngressWishes {
  /** Each slot once: of an Ingress that asks twice the first one counts. */
  readonly rules: readonly RuleWish[]
  /** Beside the rule of another Ingress in the same slot. */
  readonly canaries: readonly RuleWish[]
  readonly certificates: readonly HostWish[]
  /** Who signs the clients of a host. */
  readonly authorities: readonly (HostWish & { readonly annotations: NginxAnnotations })[]
  readonly passthroughs: readonly PassthroughWish[]
  /** Paths that only a regular expression has, or that are none. */
  readonly unusable: readonly string[]
}

export const NO_WISHES: IngressWishes = {
  ...{ rules: [], canaries: [], certificates: [], authorities: [], passthroughs: [], unusable: [] },
}

export interface WishContext {
  /** Absent where the class has no dialect. */
  readonly annotations?: NginxAnnotations
  readonly isBlocked: boolean
  /** Whether paths of a host are regular expressions. */
  hasExpressions(host: string): boolean
}

/** A wildcard stands for one label. Source: Kubernetes Ingress API, rules[].host. */
export function wishesOf(ingress: Ingress, context: WishContext): IngressWishes {
  const { rules, tls } = ingress
  const { annotations } = context
  const certificates = tls.flatMap(({ hosts, secret }) =>
    secret === '' ? [] : namesOf(hosts, rules).map((name) => hostWish(name, secret)),
  )
  const { wishes, unusable } = ruleWishes(ingress, context)
  const isCanary = annotations?.canary === true
  const passthroughs = annotations?.sslPassthrough === true && !isCanary ? passthroughsOf(ingress) : []
  const authority = annotations?.authTlsVerifyClient === 'off' ? undefined : annotations?.authTlsSecret
  const asked = firstOfSlot(wishes)
  return {
    rules: isCanary ? [] : asked,
    canaries: isCanary ? asked : [],
    certificates: firstOfSlot(certificates),
    authorities:
      authority === undefined || annotations === undefined || isCanary
        ? []
        : firstOfSlot(rules.map(({ host }) => ({ ...hostWish(host, authority), annotations }))),
    passthroughs: firstOfSlot(passthroughs),
    unusable,
  }
}

function ruleWishes(ingress: Ingress, context: WishContext) {
  const { annotations, isBlocked } = context
  const { rules, defaultBackend } = ingress
  const part = { isBlocked, ...(annotations === undefined ? {} : { annotations }) }
  const unusable: string[] = []
  const wishes = rules.flatMap(({ host, paths }): RuleWish[] => {
    const common = { ...part, host: hostOf(host), rank: 0, hasTls: hasTls(ingress, host) }
    const asked = paths.flatMap((path): RuleWish[] => {
      const pattern = patternOf(path, annotations !== undefined && context.hasExpressions(host))
      if (pattern === undefined) unusable.push(path.text)
      return pattern === undefined ? [] : [ruleWish({ ...common, path: pattern, text: path.text, backend: path.backend })]
    })
    const [first] = paths
    const root = annotations?.appRoot
    if (root === undefined || first === undefined) return asked
    const path = { kind: 'exact', path: '/' } as const
    return [ruleWish({ ...common, path, text: '/', backend: first.backend, root }), ...asked]
  })
  if (defaultBackend !== undefined) {
    const path = { kind: 'prefix', path: '' } as const
    wishes.push(ruleWish({ ...part, host: { kind: 'any' }, path, text: '/', rank: 1, backend: defaultBackend, hasTls: false }))
  }
  return { wishes, unusable }
}

function ruleWish(part: Omit<RuleWish, 'slot'>): RuleWish {
  const text = part.path.kind === 'regex' ? part.path.expression : part.path.path
  return { slot: `${hostText(part.host)} ${part.rank} ${part.path.kind} ${text}`, ...part }
}

/** Source: ingress-nginx, ingress-path-matching: on a host with expressions every path but Exact ones is one, without case. */
function patternOf({ pattern, text }: IngressPath, isExpression: boolean): PathPattern | undefined {
  if (!isExpression || pattern?.kind === 'exact') return pattern && { ...pattern, path: canonicalPath(pattern.path) }
  const expression = `^(?:${text})`
  return groupsOf(expression) === undefined ? undefined : { kind: 'regex', expression, ignoresCase: true }
}

/** How many groups an expression has; undefined: it is none. */
export function groupsOf(expression: string): number | undefined {
  try {
    return (new RegExp(`${expression}|`).exec('')?.length ?? 1) - 1
  } catch {
    return undefined
  }
}

/** What an Ingress asks of all paths of its hosts. Source: ingress-nginx, use-regex, and rewrite-target, which says the same. */
export function asksForExpressions({ useRegex, rewriteTarget, canary }: NginxAnnotations): boolean {
  return canary !== true && (useRegex === true || rewriteTarget !== undefined)
}

function passthroughsOf({ rules }: Ingress): readonly PassthroughWish[] {
  return rules.flatMap(({ host, paths }) => {
    const [first] = paths
    return host === '' || first === undefined
      ? []
      : [{ slot: hostText(hostOf(host)), host: hostOf(host), backend: first.backend }]
  })
}

/** Without hosts it is for those of the rules. */
function namesOf(hosts: readonly string[], rules: Ingress['rules']): readonly string[] {
  return hosts.length > 0 ? hosts : rules.map(({ host }) => host)
}

function hasTls({ tls, rules }: Ingress, host: string): boolean {
  const wildcard = host.replace(/^[^.]*/, '*')
  return tls.some(({ hosts }) => namesOf(hosts, rules).some((name) => name === host || name === wildcard))
}

function hostWish(name: string, secret: ObjectKey): HostWish {
  const host = hostOf(name)
  return { slot: hostText(host), host, secret }
}

function hostOf(name: string): HostPattern {
  if (name === '') return { kind: 'any' }
  return name.startsWith('*.') ? { kind: 'wildcard', name: name.slice(2), labels: 'one' } : { kind: 'exact', name }
}

function firstOfSlot<W extends { readonly slot: string }>(wishes: readonly W[]): readonly W[] {
  return [...new Map(wishes.toReversed().map((wish) => [wish.slot, wish])).values()].toReversed()
}
