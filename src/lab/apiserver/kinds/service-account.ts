import type { KindRecord, PostAction, RawObject } from '../kind.ts'
import { ISSUER } from '../token-user.ts'
import { ageColumn, column, defineKind, nameColumn } from './define.ts'
import type { TokenSigner } from './token-signer.ts'

interface TokenRequest extends RawObject {
  spec?: { audiences?: string[]; expirationSeconds?: number; boundObjectRef?: { kind?: string; name?: string; uid?: string } }
}

const LIFETIME_IN_SECONDS = 3600
const SHORTEST_IN_SECONDS = 600
const LONGEST_IN_SECONDS = 2 ** 32

/** A token for the account, as long as asked for. Source: kubernetes pkg/registry/core/serviceaccount/storage/token.go. */
function tokenRequest(tokens: TokenSigner): PostAction {
  return {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'TokenRequest',
    schema: 'io.k8s.api.authentication.v1.TokenRequest',
    act(account, body, nowInMs) {
      const { audiences = [ISSUER], expirationSeconds = LIFETIME_IN_SECONDS, boundObjectRef } = (body as TokenRequest).spec ?? {}
      const field = 'spec.expirationSeconds'
      if (expirationSeconds < SHORTEST_IN_SECONDS)
        return {
          errors: [
            { type: 'Invalid', field, value: expirationSeconds, detail: 'may not specify a duration less than 10 minutes' },
          ],
        }
      if (expirationSeconds > LONGEST_IN_SECONDS)
        return {
          errors: [
            { type: 'Invalid', field, value: expirationSeconds, detail: 'may not specify a duration larger than 2^32 seconds' },
          ],
        }
      const { name = '', namespace = '', uid } = account.metadata
      const iat = Math.floor(nowInMs / 1000)
      const exp = iat + expirationSeconds
      const token = tokens.sign({
        ...{ iss: ISSUER, sub: `system:serviceaccount:${namespace}:${name}`, aud: audiences, iat, nbf: iat, exp },
        jti: crypto.randomUUID(),
        'kubernetes.io': { namespace, serviceaccount: { name, uid } },
      })
      const expirationTimestamp = new Date(exp * 1000).toISOString().replace('.000Z', 'Z')
      const spec = { audiences, expirationSeconds, boundObjectRef: boundObjectRef ?? null }
      const metadata = { name, namespace, creationTimestamp: new Date(iat * 1000).toISOString().replace('.000Z', 'Z') }
      return {
        answer: {
          kind: 'TokenRequest',
          apiVersion: 'authentication.k8s.io/v1',
          metadata,
          spec,
          status: { token, expirationTimestamp },
        },
      }
    },
  }
}

/** The ServiceAccount kind of a server that signs with `tokens`. */
export function makeServiceAccount(tokens: TokenSigner): KindRecord {
  return defineKind({
    group: '',
    version: 'v1',
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    namespaced: true,
    subresources: ['token'],
    actions: { token: tokenRequest(tokens) },
    schema: 'io.k8s.api.core.v1.ServiceAccount',
    returnsDeleted: true,
    columns: [
      nameColumn,
      column('Secrets', 'string', 'api.core.v1.ServiceAccount.secrets', (object) => ((object.secrets ?? []) as unknown[]).length),
      ageColumn,
    ],
  })
}
