/** Rules that span kinds, over HTTP: disruption budgets and evictions, tokens of service accounts, what a cluster begins with. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing.ts'
import { TokenSigner } from './token-signer.ts'

const PODS = '/api/v1/namespaces/default/pods'
const BUDGETS = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

async function readyPod(name: string): Promise<void> {
  await server.call('POST', PODS, {
    metadata: { name, labels: { app: 'a' } },
    spec: { terminationGracePeriodSeconds: 30, nodeName: 'n', containers: [{ name: 'a', image: 'x' }] },
  })
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
  await server.call('PATCH', `${PODS}/${name}/status`, { status }, { type: 'application/merge-patch+json' })
}

const evict = (name: string) =>
  server.call('POST', `${PODS}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } })

describe('a disruption budget', () => {
  test('lets pods go while enough are left, and then says why not', async () => {
    await readyPod('a1')
    await readyPod('a2')
    const spec = { minAvailable: 1, selector: { matchLabels: { app: 'a' } } }
    expect((await server.call('POST', BUDGETS, { metadata: { name: 'b' }, spec })).status).toBe(201)
    const shown = async () => (await server.call('GET', `${BUDGETS}/b`, undefined, { accept: TABLE })).body.rows[0].cells
    expect((await shown()).slice(0, 4)).toEqual(['b', '1', 'N/A', 1])
    expect((await evict('a1')).status).toBe(201)
    const refused = await evict('a2')
    expect([refused.status, refused.body.reason, refused.body.message, refused.body.details.causes]).toEqual([
      429,
      'TooManyRequests',
      "Cannot evict pod as it would violate the pod's disruption budget.",
      [{ reason: 'DisruptionBudget', message: 'The disruption budget b needs 1 healthy pods and has 1 currently' }],
    ])
    expect((await shown())[3]).toBe(0)
    const status = async () => (await server.call('GET', `${BUDGETS}/b`)).body.status
    const counted = { currentHealthy: 1, desiredHealthy: 1, disruptionsAllowed: 0, expectedPods: 2, observedGeneration: 1 }
    await expect.poll(status).toEqual(counted)
    await readyPod('a3')
    await expect.poll(status).toEqual({ ...counted, currentHealthy: 2, disruptionsAllowed: 1, expectedPods: 3 })
  })

  test('has one of two numbers', async () => {
    const spec = { minAvailable: 1, maxUnavailable: 1 }
    const { body } = await server.call('POST', BUDGETS, { metadata: { name: 'c' }, spec })
    expect(body.details.causes[0].message).toContain('minAvailable and maxUnavailable cannot be both set')
  })
})

describe('a service account', () => {
  const ACCOUNTS = '/api/v1/namespaces/default/serviceaccounts'
  const request = (expirationSeconds: number) => ({
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: ['x'], expirationSeconds },
  })

  test('gets tokens that say whose they are', async () => {
    await server.call('POST', ACCOUNTS, { metadata: { name: 'robot' } })
    const { status, body } = await server.call('POST', `${ACCOUNTS}/robot/token`, request(600))
    expect([status, body.kind]).toEqual([201, 'TokenRequest'])
    const claims = JSON.parse(Buffer.from(body.status.token.split('.')[1], 'base64url').toString())
    expect(claims).toMatchObject({ sub: 'system:serviceaccount:default:robot', aud: ['x'] })
    expect(claims.exp - claims.iat).toBe(600)
    expect((await server.call('POST', `${ACCOUNTS}/robot/token`, request(5))).body.message).toBe(
      'TokenRequest.authentication.k8s.io "robot" is invalid: spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes',
    )
  })

  test('a token counts when this server signed it, in its time, and unchanged', () => {
    const signer = new TokenSigner()
    const claims = { iss: 'i', sub: 's', aud: ['a'], iat: 10, nbf: 10, exp: 20 }
    const token = signer.sign(claims)
    expect(signer.verify(token, 15_000)).toEqual(claims)
    expect(signer.verify(token, 20_000)).toBeUndefined()
    expect(signer.verify(token, 9_000)).toBeUndefined()
    expect(new TokenSigner().verify(token, 15_000)).toBeUndefined()
    const [head, , signature] = token.split('.')
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 't' })).toString('base64url')
    expect(signer.verify(`${head}.${forged}.${signature}`, 15_000)).toBeUndefined()
    expect(signer.verify('nonsense', 15_000)).toBeUndefined()
  })
})

test('the range of cluster addresses is an object, and does not change', async () => {
  const path = '/apis/networking.k8s.io/v1/servicecidrs/kubernetes'
  const { body } = await server.call('GET', path)
  expect([body.spec.cidrs, body.status.conditions[0].status]).toEqual([['10.96.0.0/12'], 'True'])
  const patch = { spec: { cidrs: ['10.0.0.0/16'] } }
  expect((await server.call('PATCH', path, patch, { type: 'application/merge-patch+json' })).body.message).toContain(
    'field is immutable',
  )
})

test('roles and bindings are checked, and a role is kept', async () => {
  const root = '/apis/rbac.authorization.k8s.io/v1'
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: [] }]
  const roles = `${root}/namespaces/default/roles`
  expect((await server.call('POST', roles, { metadata: { name: 'r' }, rules })).body.message).toBe(
    'Role.rbac.authorization.k8s.io "r" is invalid: rules[0].verbs: Required value: verbs must contain at least one value',
  )
  const roleRef = { kind: 'ClusterRole', name: 'system:x' }
  const binding = { metadata: { name: 'system:b' }, roleRef, subjects: [{ kind: 'User', name: 'u' }] }
  const made = await server.call('POST', `${root}/clusterrolebindings`, binding)
  expect([made.status, made.body.roleRef.apiGroup, made.body.subjects[0].apiGroup]).toEqual([
    201,
    'rbac.authorization.k8s.io',
    'rbac.authorization.k8s.io',
  ])
  const other = { ...made.body, roleRef: { ...roleRef, name: 'y' } }
  expect((await server.call('PUT', `${root}/clusterrolebindings/system:b`, other)).body.message).toContain(
    'cannot change roleRef',
  )
})
