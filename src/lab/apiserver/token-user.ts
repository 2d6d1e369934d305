/** Who a request with a service account's token is from. */
import type { TokenSigner } from './kinds/token-signer.ts'
import type { View } from './kinds/view.ts'
import type { User } from './review.ts'

/** Tokens are for this server when they name it among their audiences. */
export const ISSUER = 'https://kubernetes.default.svc.cluster.local'

/** Reads the user from an Authorization header. */
export type TokenUser = (authorization: string | undefined) => User | undefined

/** Knows users by the tokens of `signer`, as long as their ServiceAccount is there. */
export function tokenUsers(signer: TokenSigner, view: View, now: () => number): TokenUser {
  return (authorization = '') => {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? []
    const claims = token === undefined ? undefined : signer.verify(token, now())
    if (claims === undefined || !claims.aud.includes(ISSUER)) return undefined
    const [, namespace = '', name = ''] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(claims.sub) ?? []
    const { serviceaccount } = claims['kubernetes.io'] as { readonly serviceaccount: { readonly uid?: string } }
    const there = view('serviceaccounts', namespace).find(({ metadata }) => metadata.name === name)
    if (there === undefined || there.metadata.uid !== serviceaccount.uid) return undefined
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated']
    return { name: claims.sub, groups }
  }
}
