/** CustomResourceDefinitions through the whole server: how they begin, change and end. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing.ts'
import { CRDS, define, definition, POOLS, pool, SCHEMA, undefine } from './testing.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

describe('a definition', () => {
  test('is established at once, and its objects are served', async () => {
    const created = await define(server)
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
    await undefine(server)
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

describe('a definition that changes', () => {
  afterAll(() => undefine(server))

  test('holds at once, for writes and for what is read; watches of its objects end', async () => {
    await define(server)
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

describe('versions', () => {
  const version = (name: string, rest: object = {}) => ({
    name,
    served: true,
    storage: false,
    schema: { openAPIV3Schema: SCHEMA },
    ...rest,
  })
  afterAll(() => undefine(server))

  test('an object reads in each as its own; what is not served is not there; a new one stores anew', async () => {
    const versions = [version('v1beta1', { storage: true }), version('v1'), version('v1alpha1', { served: false })]
    await define(server, { spec: { versions } })
    const BETA = POOLS.replace('v1', 'v1beta1')
    expect((await server.call('POST', POOLS, pool('a'))).body.apiVersion).toBe('test.example.com/v1')
    expect((await server.call('GET', `${BETA}/a`)).body.apiVersion).toBe('test.example.com/v1beta1')
    expect((await server.call('GET', POOLS.replace('v1', 'v1alpha1'))).status).toBe(404)
    const group = (await server.call('GET', '/apis/test.example.com')).body
    expect(group.versions.map((one: { version: string }) => one.version)).toEqual(['v1', 'v1beta1'])
    const name = `${CRDS}/pools.test.example.com`
    const crd = (await server.call('GET', name)).body
    crd.spec.versions = [version('v1beta1', { served: false, storage: true }), version('v1')]
    expect((await server.call('PUT', name, crd)).status).toBe(200)
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'going' } })
    expect((await server.call('POST', POOLS.replace('default', 'going'), pool('b'))).status).toBe(201)
    await server.call('DELETE', '/api/v1/namespaces/going')
    await expect.poll(async () => (await server.call('GET', '/api/v1/namespaces/going')).status).toBe(404)
    const { items } = (await server.call('GET', '/apis/test.example.com/v1/pools')).body
    expect(items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['a'])
    crd.metadata.resourceVersion = (await server.call('GET', name)).body.metadata.resourceVersion
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

describe('names', () => {
  test('that another has are refused until it is gone', async () => {
    await define(server, { names: { shortNames: ['p'] } })
    await define(server, { plural: 'puddles', kind: 'Pool', names: { singular: 'puddle', shortNames: ['p'] } })
    const of = async (name: string) => (await server.call('GET', `${CRDS}/${name}.test.example.com`)).body.status
    const refused = await of('puddles')
    expect(refused.conditions.map((c: Record<string, string>) => [c.type, c.status, c.reason, c.message])).toEqual([
      ['NamesAccepted', 'False', 'ListKindConflict', '"PoolList" is already in use'],
      ['Established', 'False', 'NotAccepted', 'not all names are accepted'],
    ])
    expect(refused.acceptedNames).toEqual({ plural: 'puddles', kind: '', singular: 'puddle' })
    const PUDDLES = POOLS.replace('pools', 'puddles')
    expect((await server.call('GET', PUDDLES)).status).toBe(404)
    await undefine(server)
    expect((await of('puddles')).conditions.map((c: Record<string, string>) => c.status)).toEqual(['True', 'True'])
    expect((await server.call('GET', PUDDLES)).status).toBe(200)
    await undefine(server, 'puddles.test.example.com')
  })
})

describe('the end of a definition', () => {
  test('its objects go first, watchers see them go, and then their watch ends', async () => {
    await define(server)
    await server.call('POST', POOLS, pool('a'))
    const seen: string[] = []
    const watched = (async () => {
      for await (const { type, object } of server.watch(`${POOLS}?watch=1`)) seen.push(`${type} ${object.metadata.name}`)
    })()
    await expect.poll(() => seen).toEqual(['ADDED a'])
    await undefine(server)
    await watched
    expect(seen).toEqual(['ADDED a', 'DELETED a'])
  })

  test('an object with a finalizer keeps it; nothing new is made meanwhile', async () => {
    await define(server)
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
