/** Custom resources through the whole server: what can be done with objects. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing.ts'
import { define, POOLS, pool, undefine } from './testing.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

describe('what is served', () => {
  beforeAll(() =>
    define(server, { names: { shortNames: ['pl'], categories: ['net'] }, version: { subresources: { status: {} } } }),
  )
  afterAll(() => undefine(server))

  test('stands in both forms of discovery', async () => {
    const legacy = (await server.call('GET', '/apis/test.example.com/v1')).body
    const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
    expect(legacy.resources).toEqual([
      { name: 'pools', singularName: 'pool', namespaced: true, kind: 'Pool', verbs, shortNames: ['pl'], categories: ['net'] },
      { name: 'pools/status', singularName: '', namespaced: true, kind: 'Pool', verbs: ['get', 'patch', 'update'] },
    ])
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
    const { items } = (await server.call('GET', '/apis', undefined, { accept })).body
    expect(items.at(-1).metadata.name).toBe('test.example.com')
    expect(items.at(-1).versions[0].resources[0]).toMatchObject({ resource: 'pools', singularResource: 'pool', verbs })
  })

  test('and in OpenAPI, without strategic merge', async () => {
    const { paths } = (await server.call('GET', '/openapi/v3')).body
    const url = paths['apis/test.example.com/v1'].serverRelativeURL
    const { body } = await server.call('GET', url)
    const schema = body.components.schemas['com.example.test.v1.Pool']
    expect(schema['x-kubernetes-group-version-kind']).toEqual([{ group: 'test.example.com', version: 'v1', kind: 'Pool' }])
    expect(Object.keys(schema.properties)).toEqual(['apiVersion', 'kind', 'metadata', 'spec', 'status'])
    expect(body.components.schemas['com.example.test.v1.PoolList'].properties.items.type).toBe('array')
    const { patch } = body.paths['/apis/test.example.com/v1/namespaces/{namespace}/pools/{name}']
    expect(Object.keys(patch.requestBody.content)).not.toContain('application/strategic-merge-patch+json')
  })

  test('unknown fields: an error, a warning, or nothing', async () => {
    const wrong = pool('unknown', { addresses: [], typo: 1 }, { metadata: { name: 'unknown', lables: {} } })
    const strict = await server.call('POST', `${POOLS}?fieldValidation=Strict`, wrong)
    expect([strict.status, strict.body.message]).toEqual([
      400,
      'Pool in version "v1" cannot be handled as a Pool: strict decoding error: unknown field "metadata.lables", unknown field "spec.typo"',
    ])
    const warned = await server.call('POST', `${POOLS}?dryRun=All`, wrong)
    expect(warned.headers.get('warning')).toBe(
      String.raw`299 - "unknown field \"metadata.lables\"", 299 - "unknown field \"spec.typo\""`,
    )
    expect(warned.body.spec).toEqual({ addresses: [], autoAssign: true })
    expect((await server.call('POST', `${POOLS}?dryRun=All&fieldValidation=Ignore`, wrong)).headers.get('warning')).toBeNull()
  })

  test('status and the rest are written apart, and only the rest counts as a generation', async () => {
    const created = (await server.call('POST', POOLS, pool('apart', undefined, { status: { assigned: 9 } }))).body
    expect(created.status).toBeUndefined()
    const wrong = {
      ...created,
      status: { assigned: 3 },
      spec: { addresses: ['x'] },
      metadata: { ...created.metadata, labels: { a: 'b' } },
    }
    const told = (await server.call('PUT', `${POOLS}/apart/status`, wrong)).body
    expect([told.status, told.spec, told.metadata.labels, told.metadata.generation]).toEqual([
      { assigned: 3 },
      created.spec,
      undefined,
      1,
    ])
    const next = { ...told, spec: { addresses: ['y'] }, status: { assigned: 4 } }
    const changed = (await server.call('PUT', `${POOLS}/apart`, next)).body
    expect([changed.status, changed.spec.addresses, changed.metadata.generation]).toEqual([{ assigned: 3 }, ['y'], 2])
    const owned = Object.fromEntries(
      changed.metadata.managedFields.map((entry: Record<string, unknown>) => [entry.subresource ?? 'main', entry.fieldsV1]),
    )
    expect(owned).toEqual({
      main: { 'f:spec': { '.': {}, 'f:addresses': {}, 'f:autoAssign': {} } },
      status: { 'f:status': { '.': {}, 'f:assigned': {} } },
    })
  })

  test('all forms of patch but the strategic one', async () => {
    await server.call('POST', POOLS, pool('patched'))
    const patch = async (type: string, body: unknown) =>
      server.call('PATCH', `${POOLS}/patched?fieldManager=test`, body, { type: `application/${type}` })
    expect((await patch('merge-patch+json', { spec: { autoAssign: false } })).body.spec.autoAssign).toBe(false)
    const operations = [{ op: 'add', path: '/spec/addresses/-', value: 'b' }]
    expect((await patch('json-patch+json', operations)).body.spec.addresses).toEqual(['10.0.0.0/24', 'b'])
    const config = { apiVersion: 'test.example.com/v1', kind: 'Pool', spec: { color: 'red' } }
    expect((await patch('apply-patch+yaml', config)).body.spec).toEqual({
      addresses: ['10.0.0.0/24', 'b'],
      autoAssign: false,
      color: 'red',
    })
    expect((await patch('strategic-merge-patch+json', {})).status).toBe(415)
    expect((await patch('merge-patch+json', { spec: { size: 0 } })).body.message).toBe(
      'Pool.test.example.com "patched" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1',
    )
  })

  test('is replaced only by who says what', async () => {
    const { metadata, ...rest } = (await server.call('POST', POOLS, pool('replaced'))).body
    const { status, body } = await server.call('PUT', `${POOLS}/replaced`, { ...rest, metadata: { name: 'replaced' } })
    expect([status, body.message]).toEqual([
      422,
      'pools.test.example.com "replaced" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ])
    expect((await server.call('PUT', `${POOLS}/replaced`, { ...rest, metadata })).status).toBe(200)
  })

  test('goes with its namespace, and with its owner', async () => {
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'going' } })
    const elsewhere = POOLS.replace('default', 'going')
    expect((await server.call('POST', elsewhere, pool('a'))).status).toBe(201)
    await server.call('DELETE', '/api/v1/namespaces/going')
    await expect.poll(async () => (await server.call('GET', '/api/v1/namespaces/going')).status).toBe(404)
    expect((await server.call('GET', `${elsewhere}/a`)).status).toBe(404)
    const owner = (await server.call('POST', POOLS, pool('owner'))).body
    const ownerReferences = [{ apiVersion: owner.apiVersion, kind: 'Pool', name: 'owner', uid: owner.metadata.uid }]
    const MAPS = '/api/v1/namespaces/default/configmaps'
    await server.call('POST', MAPS, { metadata: { name: 'owned', ownerReferences } })
    await server.call('DELETE', `${POOLS}/owner`)
    await expect.poll(async () => (await server.call('GET', `${MAPS}/owned`)).status).toBe(404)
  })

  test('deletecollection', async () => {
    expect((await server.call('DELETE', POOLS)).status).toBe(200)
    expect((await server.call('GET', POOLS)).body.items).toEqual([])
  })
})

describe('without the subresource status', () => {
  afterAll(() => undefine(server))

  test('a status is a field like others', async () => {
    await define(server, {
      version: { subresources: { scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.assigned' } } },
    })
    const created = (await server.call('POST', POOLS, pool('plain', { addresses: [], size: 2 }, { status: { assigned: 1 } })))
      .body
    expect([created.status, created.metadata.managedFields[0].fieldsV1['f:status']]).toEqual([
      { assigned: 1 },
      { '.': {}, 'f:assigned': {} },
    ])
    const changed = (await server.call('PUT', `${POOLS}/plain`, { ...created, status: { assigned: 2 } })).body
    expect([changed.status, changed.metadata.generation]).toEqual([{ assigned: 2 }, 2])
    expect((await server.call('GET', `${POOLS}/plain/status`)).status).toBe(404)
    const scale = (await server.call('GET', `${POOLS}/plain/scale`)).body
    expect([scale.kind, scale.spec, scale.status]).toEqual(['Scale', { replicas: 2 }, { replicas: 2 }])
    await server.call('PATCH', `${POOLS}/plain/scale`, { spec: { replicas: 5 } }, { type: 'application/merge-patch+json' })
    expect((await server.call('GET', `${POOLS}/plain`)).body.spec.size).toBe(5)
  })

  test('an object that never said how many has no Scale to show, and can be scaled', async () => {
    await server.call('POST', POOLS, pool('unsized', { addresses: [] }))
    const missing = await server.call('GET', `${POOLS}/unsized/scale`)
    expect([missing.status, missing.body.message]).toEqual([
      500,
      'Internal error occurred: the spec replicas field ".spec.size" does not exist',
    ])
    await server.call('PATCH', `${POOLS}/unsized/scale`, { spec: { replicas: 3 } }, { type: 'application/merge-patch+json' })
    expect((await server.call('GET', `${POOLS}/unsized/scale`)).body.spec).toEqual({ replicas: 3 })
  })
})
