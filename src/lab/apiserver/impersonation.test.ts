import { describe, expect, test } from 'vitest'
import { impersonated } from './impersonation.ts'
import { ApiError } from './status.ts'

const ADMIN = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }

describe('impersonation', () => {
  test.each([
    ['nobody else', {}, ADMIN],
    ['a user', { 'impersonate-user': 'joe' }, { name: 'joe', groups: ['system:authenticated'] }],
    [
      'a user in groups, as Node joins their headers',
      { 'impersonate-user': 'joe', 'impersonate-group': 'dev, ops' },
      { name: 'joe', groups: ['dev', 'ops', 'system:authenticated'] },
    ],
    [
      'a service account',
      { 'impersonate-user': 'system:serviceaccount:shop:web' },
      {
        name: 'system:serviceaccount:shop:web',
        groups: ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'],
      },
    ],
    [
      'nobody known',
      { 'impersonate-user': 'system:anonymous' },
      { name: 'system:anonymous', groups: ['system:unauthenticated'] },
    ],
  ])('%s', (_name, headers, user) => {
    expect(impersonated(ADMIN, headers)).toEqual(user)
  })

  test('groups of nobody are refused', () => {
    expect(() => impersonated(ADMIN, { 'impersonate-group': 'dev' })).toThrow(ApiError)
  })
})
