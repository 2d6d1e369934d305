/** The rules of one slot: who has it, who is a canary beside it, and what annotations make of them. Pure. */
import type { CertificateSecret } from '../model/ingress.ts'
import type { L7Action, L7Rule } from '../model/l7.ts'
import type { ClientCertificate, L7Policy } from '../model/l7-policy.ts'
import type { NginxAnnotations } from '../model/nginx-annotations.ts'
import type { ObjectKey } from '../model/world.ts'
import type { RuleWish } from './ingress-wish.ts'
import { goesToTls, REDIRECT_TO_TLS, redirectOf, redirectToRoot, type Variant, variantsOf } from './nginx-action.ts'
import { planPolicy } from './nginx-policy.ts'
import type { Asker } from './slot-book.ts'

export const HTTP = 'listener/http'
export const HTTPS = 'listener/https'
export const TLS = 'listener/tls'

export interface SlotInput {
  readonly slot: string
  readonly winner: Asker<RuleWish>
  /** Keys of backends; absent: there is none. */
  readonly main?: string
  readonly canary?: { readonly backend: string; readonly said: NginxAnnotations }
  readonly host: HostState
  readonly secrets: ReadonlyMap<ObjectKey, CertificateSecret>
}

/** What holds of all rules of a host. */
export interface HostState {
  /** Whether any Ingress has TLS for it. */
  readonly hasTls: boolean
  readonly isPassthrough: boolean
  /** Whether certificates of clients are asked for, and nobody knows who signs them. */
  readonly isRefused: boolean
  readonly clientCertificate?: ClientCertificate
}

export interface SlotPlan {
  readonly rules: readonly L7Rule[]
  /** Why nobody is let in; '' for no reason. */
  readonly refusal: string
  readonly strangers: readonly string[]
}

const REFUSED: L7Action = { kind: 'respond', status: 503 }

export function planSlot(input: SlotInput): SlotPlan {
  const { winner, host, secrets } = input
  const { annotations: said, text, path, root, isBlocked } = winner.wish
  const hasTls = winner.wish.hasTls || host.hasTls
  const calm = { refusal: '', strangers: [] }
  if (isBlocked || host.isRefused) return { ...calm, rules: [rule(input, REFUSED)] }
  const elsewhere = root === undefined ? said && redirectOf(said) : redirectToRoot(root)
  if (elsewhere !== undefined) return { ...calm, rules: [rule(input, elsewhere)] }
  const context = { ingress: winner.key, path: text, isExpression: path.kind === 'regex', hasTls, secrets }
  const { policy, refusal, strangers } = said === undefined ? { ...calm, policy: {} } : planPolicy(said, context)
  if (refusal !== '') return { refusal, strangers, rules: [rule(input, REFUSED)] }
  const whole: L7Policy = host.clientCertificate === undefined ? policy : { ...policy, clientCertificate: host.clientCertificate }
  const isToTls = host.isPassthrough || (said !== undefined && goesToTls(said, hasTls))
  const listeners = isToTls ? [HTTPS] : [HTTP, HTTPS]
  const forwards = host.isPassthrough ? [] : variants(input).map((one) => forward(input, one, { listeners, policy: whole }))
  const redirect = { ...rule(input, REDIRECT_TO_TLS), key: `rule/${input.slot} to-tls`, listeners: [HTTP] }
  return { refusal, strangers, rules: isToTls ? [...forwards, redirect] : forwards }
}

function variants({ winner, main, canary }: SlotInput): readonly Variant[] {
  const { rank } = winner.wish
  if (main !== undefined && canary !== undefined && rank === 0) return variantsOf(main, canary.backend, canary.said)
  return [{ name: '', rank, conditions: [], backends: main === undefined ? [] : [{ backend: main, weight: 1 }] }]
}

function forward(input: SlotInput, variant: Variant, part: Pick<L7Rule, 'listeners' | 'policy'>): L7Rule {
  const { name, rank, conditions, backends } = variant
  const key = `rule/${input.slot}${name}`
  return { ...rule(input, { kind: 'forward', backends }), ...part, key, rank, conditions }
}

function rule({ slot, winner }: SlotInput, action: L7Action): L7Rule {
  const { host, path, rank } = winner.wish
  return {
    ...{ kind: 'rule', key: `rule/${slot}`, listeners: [HTTP, HTTPS], host, path, method: '', conditions: [], rank },
    ...{ action, policy: {}, subject: `ingress/${winner.key}` },
  }
}
