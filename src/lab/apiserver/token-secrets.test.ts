import { afterAll, beforeAll, expect, test } from 'vitest'
import { TokenSigner } from './kinds/token-signer.ts'
import { startTestServer, type TestServer } from './testing.ts'
import { tokenUsers } from './token-user.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const SECRETS = '/api/v1/namespaces/default/secrets'
const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts'
const NAME = 'kubernetes.io/service-account.name'
const make = (name: string, account: string) =>
  server.call('POST', SECRETS, {
    metadata: { name, annotations: { [NAME]: account } },
    type: 'kubernetes.io/service-account-token',
  })

test('a Secret gets the token of its account, and goes with that', async () => {
  const { uid } = (await server.call('POST', ACCOUNTS, { metadata: { name: 'robot' } })).body.metadata
  await make('robot-token', 'robot')
  const secret = (await server.call('GET', `${SECRETS}/robot-token`)).body
  expect(secret.metadata.annotations).toMatchObject({ 'kubernetes.io/service-account.uid': uid })
  expect(Buffer.from(secret.data.namespace, 'base64').toString()).toBe('default')
  const token = Buffer.from(secret.data.token, 'base64').toString()
  expect(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())).toEqual({
    iss: 'kubernetes/serviceaccount',
    'kubernetes.io/serviceaccount/namespace': 'default',
    'kubernetes.io/serviceaccount/secret.name': 'robot-token',
    'kubernetes.io/serviceaccount/service-account.name': 'robot',
    'kubernetes.io/serviceaccount/service-account.uid': uid,
    sub: 'system:serviceaccount:default:robot',
  })
  await server.call('DELETE', `${ACCOUNTS}/robot`)
  expect((await server.call('GET', `${SECRETS}/robot-token`)).status).toBe(404)
})

test('a Secret for no account goes, and one that names none is refused', async () => {
  expect((await make('nobody', 'nobody')).status).toBe(201)
  expect((await server.call('GET', `${SECRETS}/nobody`)).status).toBe(404)
  const unnamed = { metadata: { name: 'x' }, type: 'kubernetes.io/service-account-token' }
  expect((await server.call('POST', SECRETS, unnamed)).body.message).toBe(
    `Secret "x" is invalid: metadata.annotations[${NAME}]: Required value`,
  )
})

test('such a token is worth something as long as its Secret has it', () => {
  const signer = new TokenSigner()
  const sub = 'system:serviceaccount:n:robot'
  const claim = 'kubernetes.io/serviceaccount'
  const more = { [`${claim}/namespace`]: 'n', [`${claim}/secret.name`]: 's', [`${claim}/service-account.uid`]: 'u' }
  const token = signer.sign({ iss: 'kubernetes/serviceaccount', sub, ...more })
  const object = (kind: string, name: string, rest: object) => ({ apiVersion: 'v1', kind, metadata: { name, uid: 'u' }, ...rest })
  const account = object('ServiceAccount', 'robot', {})
  const userOf = (data: object) =>
    tokenUsers(
      signer,
      (resource) => (resource === 'secrets' ? [object('Secret', 's', { data })] : [account]),
      () => 1_000,
    )(`Bearer ${token}`)
  expect(userOf({ token: Buffer.from(token).toString('base64') })?.name).toBe(sub)
  expect(userOf({})).toBeUndefined()
})
