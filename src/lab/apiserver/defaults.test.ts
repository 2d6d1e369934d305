/** The recorded creations, changes of type and deletions, asked of the whole server over HTTP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RawObject } from './kind.ts'
import { comparable, readRecorded } from './kinds/recorded.ts'
import { startTestServer, type TestServer } from './testing.ts'

interface Creation {
  readonly request?: RawObject
  readonly response?: RawObject
  readonly status?: number
}

interface Step {
  readonly step: string
  readonly patch: object
  readonly status: number
  readonly spec?: object
  readonly message?: string
}

const recorded = readRecorded<Record<string, unknown>>('defaults/defaults.json')
const creations = Object.entries(recorded as Record<string, Creation>).filter(([, { request }]) => request !== undefined)

const PATHS: Readonly<Record<string, string>> = {
  Node: '/api/v1/nodes',
  Namespace: '/api/v1/namespaces',
  Deployment: '/apis/apps/v1/namespaces/default/deployments',
  EndpointSlice: '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
  Ingress: '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
  IngressClass: '/apis/networking.k8s.io/v1/ingressclasses',
  Endpoints: '/api/v1/namespaces/default/endpoints',
}
const pathOf = (kind: string): string => PATHS[kind] ?? `/api/v1/namespaces/default/${kind.toLowerCase()}s`

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})

afterAll(() => server[Symbol.asyncDispose]())

/** Managed fields and identity are the machinery's, with tests of their own. */
function shown(object: RawObject): unknown {
  const { managedFields, ...metadata } = object.metadata
  return comparable({ ...object, metadata })
}

test.each(creations)('%s', async (_name, { request, response, status }) => {
  const answer = await server.call('POST', pathOf(request?.kind ?? ''), request)
  expect(answer.status).toBe(status)
  expect(shown(answer.body)).toEqual(shown(response as RawObject))
  expect(answer.body.metadata.generation).toBe(response?.metadata.generation)
  expect(answer.body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/)
})

test('a Service through all its types, by merge patches', async () => {
  const services = pathOf('Service')
  await server.call('POST', services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 't-1' },
    spec: { ports: [{ port: 80 }] },
  })
  for (const { step, patch, status, spec, message } of recorded['service-type-transitions'] as readonly Step[]) {
    const answer = await server.call('PATCH', `${services}/t-1`, patch, { type: 'application/merge-patch+json' })
    expect(answer.status, step).toBe(status)
    if (message !== undefined) expect(answer.body.message, step).toBe(message)
    const head = { apiVersion: 'v1', kind: 'Service', metadata: {} }
    if (spec !== undefined) expect(shown({ ...head, spec: answer.body.spec }), step).toEqual(shown({ ...head, spec }))
  }
})

test('a Service may be named as any DNS label, also one that begins with a digit (KEP-5311, on by default in 1.36)', async () => {
  const named = (name: string) =>
    server.call('POST', '/api/v1/namespaces/default/services', { metadata: { name }, spec: { ports: [{ port: 80 }] } })
  expect((await named('1st')).status).toBe(201)
  expect((await named('a.b')).body.details.causes[0].field).toBe('metadata.name')
})

test('a dry run of a NodePort Service', async () => {
  const dry = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'dry' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } }
  const { body } = await server.call('POST', `${pathOf('Service')}?dryRun=All`, dry)
  expect(body.spec).toEqual((recorded['dryRun-nodeport'] as RawObject).spec)
  expect((await server.call('GET', `${pathOf('Service')}/dry`)).status).toBe(404)
})

describe('deletion of a pod on a node', () => {
  const path = `${pathOf('Pod')}/dlp`
  const expected = (name: string): unknown => shown(recorded[name] as RawObject)
  const times = ({ metadata }: RawObject): unknown => [metadata.generation, metadata.deletionGracePeriodSeconds]

  test('waits, waits on, and ends at once when forced, as recorded', async () => {
    // The recorded pod has a label that a controller gave it later.
    const { labels } = (recorded['delete-pod-graceful-response'] as RawObject).metadata
    const spec = { nodeName: 'node1', containers: [{ name: 'a', image: 'x' }] }
    await server.call('POST', pathOf('Pod'), { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'dlp', labels }, spec })
    for (const [name, body] of [
      ['delete-pod-graceful-response', undefined],
      ['delete-pod-second-response', undefined],
      ['delete-pod-force-response', { gracePeriodSeconds: 0 }],
    ] as const) {
      const answer = await server.call('DELETE', path, body)
      const { deletionTimestamp, ...metadata } = answer.body.metadata
      const { deletionTimestamp: when, ...then } = (expected(name) as RawObject).metadata
      expect(deletionTimestamp, name).toBeDefined()
      expect(when, name).toBeDefined()
      expect(shown({ ...answer.body, metadata }), name).toEqual(shown({ ...(recorded[name] as RawObject), metadata: then }))
      expect(times(answer.body), name).toEqual(times(recorded[name] as RawObject))
    }
    expect((await server.call('GET', path)).status).toBe(404)
  })
})
