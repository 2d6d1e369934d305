/** Custom resources through the whole server. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing.ts'

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

interface Parts {
  readonly plural?: string
  readonly kind?: string
  readonly group?: string
  readonly scope?: string
  readonly names?: object
  readonly spec?: object
  readonly version?: object
  readonly schema?: object
}

const SCHEMA = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['addresses'],
      properties: {
        addresses: { type: 'array', items: { type: 'string' } },
        autoAssign: { type: 'boolean', default: true },
        size: { type: 'integer', minimum: 1 },
        color: { type: 'string' },
      },
    },
    status: { type: 'object', properties: { assigned: { type: 'integer' } } },
  },
}

function definition(parts: Parts = {}) {
  const { plural = 'pools', kind = 'Pool', group = 'test.example.com', scope = 'Namespaced' } = parts
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: { plural, kind, ...parts.names },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: parts.schema ?? SCHEMA }, ...parts.version },
      ],
      ...parts.spec,
    },
  }
}

const pool = (name: string, spec: object = { addresses: ['10.0.0.0/24'] }, rest: object = {}) => ({
  apiVersion: 'test.example.com/v1',
  kind: 'Pool',
  metadata: { name },
  spec,
  ...rest,
})
const POOLS = '/apis/test.example.com/v1/namespaces/default/pools'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const define = async (parts: Parts = {}) => {
  const { status, body } = await server.call('POST', CRDS, definition(parts))
  expect([status, body.message]).toEqual([201, undefined])
  return body
}
const undefine = async (name = 'pools.test.example.com') => {
  expect((await server.call('DELETE', `${CRDS}/${name}`)).status).toBe(200)
  expect((await server.call('GET', `${CRDS}/${name}`)).status).toBe(404)
}

describe('a definition', () => {
  test('is established at once, and its objects are served', async () => {
    const created = await define()
    expect(created.spec.names).toEqual({ plural: 'pools', singular: 'pool', kind: 'Pool', listKind: 'PoolList' })
    expect([created.spec.conversion, created.status.storedVersions]).toEqual([{ strategy: 'None' }, ['v1']])
    const { status } = (await server.call('GET', `${CRDS}/pools.test.example.com`)).body
    expect(status.acceptedNames).toEqual(created.spec.names)
    expect(status.conditions.map((c: Record<string, string>) => [c.type, c.status, c.reason, c.message])).toEqual([
      ['NamesAccepted', 'True', 'NoConflicts', 'no conflicts found'],
      ['Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted'],
    ])
    const made = await server.call('POST', POOLS, pool('a'))
    expect([made.status, made.body.spec, made.body.metadata.generation]).toEqual([
      201,
      { addresses: ['10.0.0.0/24'], autoAssign: true },
      1,
    ])
    const list = (await server.call('GET', POOLS)).body
    expect([list.kind, list.apiVersion, list.items.length]).toEqual(['PoolList', 'test.example.com/v1', 1])
    await undefine()
    expect((await server.call('GET', POOLS)).status).toBe(404)
  })

  test('that waits for its objects does so after a restart, too', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'fwt-custom-'))
    try {
      {
        await using first = await startTestServer({ dir })
        await first.call('POST', CRDS, definition())
        await first.call('POST', POOLS, pool('held', undefined, { metadata: { name: 'held', finalizers: ['a.b/c'] } }))
        await first.call('DELETE', `${CRDS}/pools.test.example.com`)
      }
      await using second = await startTestServer({ dir })
      expect((await second.call('POST', POOLS, pool('new'))).status).toBe(405)
      const free = { metadata: { finalizers: null } }
      await second.call('PATCH', `${POOLS}/held`, free, { type: 'application/merge-patch+json' })
      expect((await second.call('GET', `${CRDS}/pools.test.example.com`)).status).toBe(404)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })

  test('and its objects outlive the server', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'fwt-custom-'))
    try {
      {
        await using first = await startTestServer({ dir })
        await first.call('POST', CRDS, definition())
        await first.call('POST', POOLS, pool('kept'))
      }
      await using second = await startTestServer({ dir })
      expect((await second.call('GET', `${POOLS}/kept`)).body.spec.autoAssign).toBe(true)
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
})

describe('what is served', () => {
  beforeAll(() => define({ names: { shortNames: ['pl'], categories: ['net'] }, version: { subresources: { status: {} } } }))
  afterAll(() => undefine())

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

describe('versions', () => {
  const version = (name: string, rest: object = {}) => ({
    name,
    served: true,
    storage: false,
    schema: { openAPIV3Schema: SCHEMA },
    ...rest,
  })
  afterAll(() => undefine())

  test('an object reads in each as its own; what is not served is not there; a new one stores anew', async () => {
    const versions = [version('v1beta1', { storage: true }), version('v1'), version('v1alpha1', { served: false })]
    await define({ spec: { versions } })
    const BETA = POOLS.replace('v1', 'v1beta1')
    expect((await server.call('POST', POOLS, pool('a'))).body.apiVersion).toBe('test.example.com/v1')
    expect((await server.call('GET', `${BETA}/a`)).body.apiVersion).toBe('test.example.com/v1beta1')
    expect((await server.call('GET', POOLS.replace('v1', 'v1alpha1'))).status).toBe(404)
    const group = (await server.call('GET', '/apis/test.example.com')).body
    expect(group.versions.map((one: { version: string }) => one.version)).toEqual(['v1', 'v1beta1'])
    const name = `${CRDS}/pools.test.example.com`
    const crd = (await server.call('GET', name)).body
    crd.spec.versions = [version('v1beta1', { served: false }), version('v1', { storage: true })]
    expect((await server.call('PUT', name, crd)).body.status.storedVersions).toEqual(['v1beta1', 'v1'])
    expect((await server.call('GET', BETA)).status).toBe(404)
    expect((await server.call('GET', `${POOLS}/a`)).body.apiVersion).toBe('test.example.com/v1')
    const left = (await server.call('GET', name)).body
    left.spec.versions = [version('v1', { storage: true })]
    expect((await server.call('PUT', name, left)).body.message).toContain(
      'status.storedVersions[0]: Invalid value: "v1beta1": missing from spec.versions; v1beta1 was previously a storage version',
    )
  })
})

describe('a definition that changes', () => {
  afterAll(() => undefine())

  test('holds at once, for writes and for what is read; watches of its objects end', async () => {
    await define()
    await server.call('POST', POOLS, pool('old'))
    const seen: string[] = []
    const watched = (async () => {
      for await (const { type } of server.watch(`${POOLS}?watch=1`)) seen.push(type)
    })()
    await expect.poll(() => seen).toEqual(['ADDED'])
    const schema = structuredClone(SCHEMA) as { properties: { spec: { properties: Record<string, object> } } }
    schema.properties.spec.properties.color = { type: 'string', default: 'blue' }
    const crd = (await server.call('GET', `${CRDS}/pools.test.example.com`)).body
    crd.spec.versions[0].schema.openAPIV3Schema = schema
    crd.spec.versions[0].additionalPrinterColumns = [{ name: 'Color', type: 'string', jsonPath: '.spec.color' }]
    crd.spec.versions[0].selectableFields = [{ jsonPath: '.spec.color' }]
    const changed = (await server.call('PUT', `${CRDS}/pools.test.example.com`, crd)).body
    expect(changed.metadata.generation).toBe(2)
    await watched
    expect((await server.call('GET', `${POOLS}/old`)).body.spec.color).toBe('blue')
    expect((await server.call('GET', POOLS)).body.items[0].spec.color).toBe('blue')
    await server.call('POST', POOLS, pool('red', { addresses: [], color: 'red' }))
    const reds = (await server.call('GET', `${POOLS}?fieldSelector=spec.color%3Dred`)).body.items
    expect(reds.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['red'])
    const table = await server.call('GET', POOLS, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
    expect(table.body.columnDefinitions[1]).toEqual({
      name: 'Color',
      type: 'string',
      format: '',
      description: 'Custom resource definition column (in JSONPath format): .spec.color',
      priority: 0,
    })
    expect(table.body.rows.map((row: { cells: unknown }) => row.cells)).toEqual([
      ['old', 'blue'],
      ['red', 'red'],
    ])
  })
})

describe('without the subresource status', () => {
  afterAll(() => undefine())

  test('a status is a field like others', async () => {
    await define({
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
})

describe('names', () => {
  test('that another has are refused until it is gone', async () => {
    await define({ names: { shortNames: ['p'] } })
    await define({ plural: 'puddles', kind: 'Pool', names: { singular: 'puddle', shortNames: ['p'] } })
    const of = async (name: string) => (await server.call('GET', `${CRDS}/${name}.test.example.com`)).body.status
    const refused = await of('puddles')
    expect(refused.conditions.map((c: Record<string, string>) => [c.type, c.status, c.reason, c.message])).toEqual([
      ['NamesAccepted', 'False', 'ListKindConflict', '"PoolList" is already in use'],
      ['Established', 'False', 'NotAccepted', 'not all names are accepted'],
    ])
    expect(refused.acceptedNames).toEqual({ plural: 'puddles', kind: '', singular: 'puddle' })
    const PUDDLES = POOLS.replace('pools', 'puddles')
    expect((await server.call('GET', PUDDLES)).status).toBe(404)
    await undefine()
    expect((await of('puddles')).conditions.map((c: Record<string, string>) => c.status)).toEqual(['True', 'True'])
    expect((await server.call('GET', PUDDLES)).status).toBe(200)
    await undefine('puddles.test.example.com')
  })
})

describe('the end of a definition', () => {
  test('its objects go first, watchers see them go, and then their watch ends', async () => {
    await define()
    await server.call('POST', POOLS, pool('a'))
    const seen: string[] = []
    const watched = (async () => {
      for await (const { type, object } of server.watch(`${POOLS}?watch=1`)) seen.push(`${type} ${object.metadata.name}`)
    })()
    await expect.poll(() => seen).toEqual(['ADDED a'])
    await undefine()
    await watched
    expect(seen).toEqual(['ADDED a', 'DELETED a'])
  })

  test('an object with a finalizer keeps it; nothing new is made meanwhile', async () => {
    await define()
    await server.call('POST', POOLS, pool('held', undefined, { metadata: { name: 'held', finalizers: ['a.b/c'] } }))
    await server.call('DELETE', `${CRDS}/pools.test.example.com`)
    const { metadata, status } = (await server.call('GET', `${CRDS}/pools.test.example.com`)).body
    expect(metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io'])
    expect(status.conditions.at(-1)).toMatchObject({ type: 'Terminating', status: 'True', reason: 'InstanceDeletionInProgress' })
    const refused = await server.call('POST', POOLS, pool('new'))
    expect([refused.status, refused.body.message]).toEqual([
      405,
      'create not allowed while custom resource definition is terminating',
    ])
    const free = { metadata: { finalizers: null } }
    expect((await server.call('PATCH', `${POOLS}/held`, free, { type: 'application/merge-patch+json' })).status).toBe(200)
    expect((await server.call('GET', `${CRDS}/pools.test.example.com`)).status).toBe(404)
  })
})
