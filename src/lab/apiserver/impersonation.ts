/** `kubectl --as`: a request on behalf of another user. In the lab everyone who is known may do that. */
import type { IncomingHttpHeaders } from 'node:http'
import type { User } from './review.ts'
import { badRequest } from './status.ts'

const ACCOUNT = /^system:serviceaccount:([^:]+):[^:]+$/
const AUTHENTICATED = 'system:authenticated'

/**
 * Whom a request is from: who sent it, or whom it names in `Impersonate-User` and `Impersonate-Group`.
 * Source: apiserver pkg/endpoints/filters/impersonation.go.
 * @throws {ApiError} 400 for groups of nobody
 */
export function impersonated(user: User, headers: IncomingHttpHeaders): User {
  const name = headers['impersonate-user']
  const group = headers['impersonate-group'] ?? []
  const named = typeof group === 'string' ? group.split(', ') : group
  if (typeof name !== 'string' || name === '') {
    if (named.length > 0) throw badRequest(`requested [${named.join(' ')}] without impersonating a user`)
    return user
  }
  const [, namespace] = ACCOUNT.exec(name) ?? []
  const own = namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
  const groups = named.length > 0 ? named : own
  if (name === 'system:anonymous') return { name, groups: groups.length > 0 ? groups : ['system:unauthenticated'] }
  return { name, groups: groups.includes(AUTHENTICATED) ? groups : [...groups, AUTHENTICATED] }
}
