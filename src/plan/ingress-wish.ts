/** What one Ingress asks for, before anybody says who else asks for the same. */
import type { Ingress, IngressBackend } from '../model/ingress.ts'
import { type HostPattern, hostText, type PathPattern } from '../model/l7.ts'
import type { ObjectKey } from '../model/world.ts'

/** That requests for a host and path go to a backend. Wishes with the same slot cannot both be granted. */
export interface RuleWish {
  readonly slot: string
  readonly host: HostPattern
  readonly path: PathPattern
  /** 0; 1 for a default backend, which goes after all rules. */
  readonly rank: number
  readonly backend: IngressBackend
}

/** That a certificate is shown for a host. */
export interface CertificateWish {
  readonly slot: string
  readonly host: HostPattern
  readonly secret: ObjectKey
}

export interface IngressWishes {
  /** Each slot once: of an Ingress that asks twice the first one counts. */
  readonly rules: readonly RuleWish[]
  readonly certificates: readonly CertificateWish[]
}

export const NO_WISHES: IngressWishes = { rules: [], certificates: [] }

/** A wildcard stands for one label. Source: Kubernetes Ingress API, rules[].host. */
export function wishesOf({ rules, defaultBackend, tls }: Ingress): IngressWishes {
  const asked = rules.flatMap(({ host, paths }) =>
    paths.map(({ pattern, backend }) => ruleWish(hostOf(host), pattern, { rank: 0, backend })),
  )
  const fallback =
    defaultBackend === undefined
      ? []
      : [ruleWish({ kind: 'any' }, { kind: 'prefix', path: '' }, { rank: 1, backend: defaultBackend })]
  const certificates = tls.flatMap(({ hosts, secret }) => {
    // without hosts it is for those of the rules
    const names = hosts.length > 0 ? hosts : rules.map(({ host }) => host)
    return secret === '' ? [] : names.map((name) => certificateWish(hostOf(name), secret))
  })
  return { rules: firstOfSlot([...asked, ...fallback]), certificates: firstOfSlot(certificates) }
}

function ruleWish(host: HostPattern, path: PathPattern, { rank, backend }: Pick<RuleWish, 'rank' | 'backend'>): RuleWish {
  const text = path.kind === 'regex' ? path.expression : path.path
  return { slot: `${hostText(host)} ${rank} ${path.kind} ${text}`, host, path, rank, backend }
}

function certificateWish(host: HostPattern, secret: ObjectKey): CertificateWish {
  return { slot: hostText(host), host, secret }
}

function hostOf(name: string): HostPattern {
  if (name === '') return { kind: 'any' }
  return name.startsWith('*.') ? { kind: 'wildcard', name: name.slice(2), labels: 'one' } : { kind: 'exact', name }
}

function firstOfSlot<W extends { readonly slot: string }>(wishes: readonly W[]): readonly W[] {
  return [...new Map(wishes.toReversed().map((wish) => [wish.slot, wish])).values()].toReversed()
}
