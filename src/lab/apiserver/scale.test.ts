/** Scale over HTTP, as recorded: test/golden/kubernetes-1.36/errors `scale-get`, and the patch that `kubectl scale` sends. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRecorded } from './kinds/recorded.ts'
import { selectorText } from './scale.ts'
import { startTestServer, type TestServer } from './testing.ts'

const API = '/apis/apps/v1/namespaces/default/deployments/api'
const MERGE = { type: 'application/merge-patch+json' }
describe('scale', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
    const template = { metadata: { labels: { app: 'api' } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } }
    const spec = { replicas: 2, selector: { matchLabels: { app: 'api' } }, template }
    await server.call('POST', '/apis/apps/v1/namespaces/default/deployments', { metadata: { name: 'api' }, spec })
    await server.call('PATCH', `${API}/status`, { status: { replicas: 2 } }, MERGE)
  })
  afterAll(() => server[Symbol.asyncDispose]())
  const get = async () => (await server.call('GET', `${API}/scale`)).body

  test('what GET answers', async () => {
    const recorded = readRecorded<Record<string, { readonly body: { readonly metadata: object } }>>('errors/errors.json')
    const wanted = recorded['scale-get']?.body
    const { uid, resourceVersion, creationTimestamp } = (await server.call('GET', API)).body.metadata
    expect(await get()).toEqual({ ...wanted, metadata: { ...wanted?.metadata, uid, resourceVersion, creationTimestamp } })
  })

  test('PATCH and PUT change the number of replicas and nothing else', async () => {
    const before = (await server.call('GET', API)).body
    const patched = await server.call('PATCH', `${API}/scale`, { spec: { replicas: 3 } }, MERGE)
    expect([patched.status, patched.body.spec, patched.body.status]).toEqual([
      200,
      { replicas: 3 },
      { replicas: 2, selector: 'app=api' },
    ])
    const after = (await server.call('GET', API)).body
    expect({ ...after.spec, replicas: 2 }).toEqual(before.spec)
    expect(after.metadata.generation).toBe(before.metadata.generation + 1)
    expect(after.metadata.resourceVersion).toBe(patched.body.metadata.resourceVersion)
    expect(
      after.metadata.managedFields.find((entry: { subresource?: string }) => entry.subresource === 'scale').fieldsV1,
    ).toEqual({
      'f:spec': { 'f:replicas': {} },
    })
    const put = await server.call('PUT', `${API}/scale`, { ...patched.body, spec: { replicas: 0 } })
    expect([put.status, put.body.spec]).toEqual([200, { replicas: 0 }])
  })

  test('a stale version, a negative number and a missing object are refused', async () => {
    const stale = await server.call('PUT', `${API}/scale`, {
      metadata: { name: 'api', resourceVersion: '1' },
      spec: { replicas: 1 },
    })
    expect([stale.status, stale.body.reason]).toEqual([409, 'Conflict'])
    const negative = await server.call('PATCH', `${API}/scale`, { spec: { replicas: -1 } }, MERGE)
    expect([negative.status, negative.body.message]).toEqual([
      422,
      'Scale.autoscaling "api" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ])
    expect((await server.call('GET', API.replace(/api$/, 'none/scale'))).body.message).toBe('deployments.apps "none" not found')
    expect((await server.call('GET', '/api/v1/namespaces/default/configmaps/x/scale')).status).toBe(404)
    expect((await server.call('DELETE', `${API}/scale`)).status).toBe(405)
  })

  test('apply owns the number of replicas, of the subresource, and meets those who own it', async () => {
    const type = 'application/apply-patch+yaml'
    const apply = (query: string, replicas?: number) => {
      const spec = replicas === undefined ? {} : { replicas }
      return server.call('PATCH', `${API}/scale?${query}`, { apiVersion: 'autoscaling/v1', kind: 'Scale', spec }, { type })
    }
    const nobody = await apply('', 5)
    expect([nobody.status, nobody.body.message]).toEqual([
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ])
    await server.call('PATCH', `${API}/scale?fieldManager=kubectl`, { spec: { replicas: 4 } }, MERGE)
    const conflict = await apply('fieldManager=hpa', 5)
    expect([conflict.status, conflict.body.reason]).toEqual([409, 'Conflict'])
    expect(conflict.body.message).toContain('.spec.replicas')
    const forced = await apply('fieldManager=hpa&force=true', 5)
    expect([forced.status, forced.body.kind, forced.body.spec]).toEqual([200, 'Scale', { replicas: 5 }])
    const { managedFields } = (await server.call('GET', API)).body.metadata
    const owners = managedFields.filter(({ subresource }: { subresource?: string }) => subresource === 'scale')
    expect(owners).toMatchObject([
      { manager: 'hpa', operation: 'Apply', apiVersion: 'apps/v1', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
    ])
    expect((await apply('fieldManager=hpa', -1)).status).toBe(422)
    const path = API.replace(/api$/, 'none/scale?fieldManager=x')
    expect((await server.call('PATCH', path, { apiVersion: 'autoscaling/v1', kind: 'Scale' }, { type })).status).toBe(404)
  })

  test('selectors as text', () => {
    const matchExpressions = [
      { key: 'z', operator: 'NotIn', values: ['2', '1'] },
      { key: 'b', operator: 'Exists' },
    ]
    expect(selectorText({ matchLabels: { c: '1' }, matchExpressions })).toBe('b,c=1,z notin (1,2)')
    expect(selectorText({ app: 'rc' })).toBe('app=rc')
    expect(selectorText('a=b')).toBe('a=b')
    expect(selectorText(undefined)).toBe('')
  })
})
