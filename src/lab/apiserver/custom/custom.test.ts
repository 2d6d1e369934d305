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
})
