/** Who a request with a service account's token is from. */
import type { TokenClaims, TokenSigner } from './kinds/token-signer.ts'
import type { View } from './kinds/view.ts'
import type { User } from './review.ts'

/** Tokens are for this server when they name it among their audiences. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local'

/** Of tokens in Secrets, which are for whoever takes them. Source: kubernetes pkg/serviceaccount/legacy.go. */
export const LEGACY_ISSUER = 'kubernetes/serviceaccount'
const LEGACY_CLAIM = 'kubernetes.io/serviceaccount'

/** What such a token says beside its subject. */
export function secretClaims(of: {
  readonly namespace: string
  readonly secret: string
  readonly account: string
  readonly uid: string
}) {
  return {
    [`${LEGACY_CLAIM}/namespace`]: of.namespace,
    [`${LEGACY_CLAIM}/secret.name`]: of.secret,
    [`${LEGACY_CLAIM}/service-account.name`]: of.account,
    [`${LEGACY_CLAIM}/service-account.uid`]: of.uid,
  }
}

/** Reads the user from an Authorization header. */
export type TokenUser = (authorization: string | undefined) => User | undefined

/** Knows users by the tokens of `signer`, as long as their ServiceAccount is there. */
export function tokenUsers(signer: TokenSigner, view: View, now: () => number): TokenUser {
  return (authorization = '') => {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? []
    const claims = token === undefined ? undefined : signer.verify(token, now())
    if (claims === undefined) return undefined
    const [, namespace = '', name = ''] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(claims.sub) ?? []
    const uid = claims.iss === LEGACY_ISSUER ? uidOfSecret(claims, token, view) : uidOfBound(claims)
    const there = view('serviceaccounts', namespace).find(({ metadata }) => metadata.name === name)
    if (there === undefined || there.metadata.uid !== uid) return undefined
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']
    return { name: claims.sub, groups }
  }
}

/** Whose a token is that was asked for at the account. */
function uidOfBound(claims: TokenClaims): string | undefined {
  const { serviceaccount } = (claims['kubernetes.io'] ?? {}) as { readonly serviceaccount?: { readonly uid?: string } }
  return claims.aud?.includes(ISSUER) ? serviceaccount?.uid : undefined
}

/** Whose a token is that a Secret has, as long as that has it. */
function uidOfSecret(claims: TokenClaims, token: string | undefined, view: View): unknown {
  const name = claims[`${LEGACY_CLAIM}/secret.name`]
  const secret = view('secrets', String(claims[`${LEGACY_CLAIM}/namespace`])).find(({ metadata }) => metadata.name === name)
  const kept = Buffer.from((secret?.data as { readonly token?: string } | undefined)?.token ?? '', 'base64').toString()
  return kept === token ? claims[`${LEGACY_CLAIM}/service-account.uid`] : undefined
}
