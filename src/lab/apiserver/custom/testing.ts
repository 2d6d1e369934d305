/** For tests: a definition to begin with, and its objects. */
import { expect } from 'vitest'
import type { TestServer } from '../testing.ts'

export const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

export interface Parts {
  readonly plural?: string
  readonly kind?: string
  readonly group?: string
  readonly scope?: string
  readonly names?: object
  readonly spec?: object
  readonly version?: object
  readonly schema?: object
}

export const SCHEMA = {
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

export function definition(parts: Parts = {}) {
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

export const pool = (name: string, spec: object = { addresses: ['10.0.0.0/24'] }, rest: object = {}) => ({
  apiVersion: 'test.example.com/v1',
  kind: 'Pool',
  metadata: { name },
  spec,
  ...rest,
})
export const POOLS = '/apis/test.example.com/v1/namespaces/default/pools'

/** Creates a definition; answers it as it was created. */
export async function define(server: TestServer, parts: Parts = {}) {
  const { status, body } = await server.call('POST', CRDS, definition(parts))
  expect([status, body.message]).toEqual([201, undefined])
  return body
}

/** Deletes a definition, which must be gone then. */
export async function undefine(server: TestServer, name = 'pools.test.example.com'): Promise<void> {
  expect((await server.call('DELETE', `${CRDS}/${name}`)).status).toBe(200)
  expect((await server.call('GET', `${CRDS}/${name}`)).status).toBe(404)
}
