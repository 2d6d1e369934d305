import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FairwayError } from '../model/code.ts'
import { ApiError, isAlreadyExists, isConflict, isNotFound } from './api-error.ts'
import { createClient, type KubeClient } from './client.ts'
import { FakeApi } from './fake/fake-api.ts'
import { ENDPOINT_SLICES, NODES, PODS, SERVICES } from './resource.ts'

let api: FakeApi
let client: KubeClient

beforeEach(async () => {
  api = new FakeApi()
  await api.listen()
  client = createClient(api.config)
})

afterEach(async () => {
  client.close()
  await api.close().catch(() => undefined)
})

/** Fails the first `times` requests. */
function failFirst(times: number, fault: ReturnType<FakeApi['fault']>): void {
  let left = times
  api.fault = () => (left-- > 0 ? fault : undefined)
}

describe('paths and bodies', () => {
  test('are those of the API', async () => {
    await client.create(PODS, { metadata: { namespace: 'a', name: 'p' }, spec: { containers: [] } })
    await client.updateStatus(PODS, { metadata: { namespace: 'a', name: 'p' }, status: { phase: 'Running' } })
    await client.patch(NODES, { name: 'n' }, { spec: { unschedulable: true } }, { type: 'merge' })
    await client.delete(ENDPOINT_SLICES, { namespace: 'a', name: 's' }, { gracePeriodSeconds: 0, uid: 'u' })
    await client.list(SERVICES, { labelSelector: 'a=b,c!=d', limit: 3 })
    expect(api.requests).toEqual([
      'POST /api/v1/namespaces/a/pods',
      'PUT /api/v1/namespaces/a/pods/p/status',
      'PATCH /api/v1/nodes/n',
      'DELETE /apis/discovery.k8s.io/v1/namespaces/a/endpointslices/s',
      'GET /api/v1/services?labelSelector=a%3Db%2Cc%21%3Dd&limit=3',
    ])
    expect(api.bodies[0]?.body).toMatchObject({ apiVersion: 'v1', kind: 'Pod', spec: { containers: [] } })
    expect(api.bodies[3]?.body).toMatchObject({ kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid: 'u' } })
  })

  test('items of a list get the kind that the server leaves out', async () => {
    api.store.put('/api/v1/services', { metadata: { namespace: 'a', name: 's' } })
    expect((await client.list(SERVICES)).items).toMatchObject([{ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } }])
  })
})

describe('errors', () => {
  test('a refusal has the server’s words, reason and causes', async () => {
    const details = { causes: [{ reason: 'FieldValueInvalid', message: 'no', field: 'spec.x' }] }
    api.fault = () => ({ kind: 'status', status: 422, body: { message: 'Pod "p" is invalid', reason: 'Invalid', details } })
    const error = await client.get(PODS, { namespace: 'a', name: 'p' }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ApiError)
    expect(error).toMatchObject({ httpStatus: 422, reason: 'Invalid', causes: details.causes, code: { code: 'FW0808' } })
    expect((error as Error).message).toBe('GET /api/v1/namespaces/a/pods/p: Pod "p" is invalid')
  })

  test.each([
    [404, 'NotFound', isNotFound],
    [409, 'Conflict', isConflict],
    [409, 'AlreadyExists', isAlreadyExists],
  ])('%i %s is told apart', async (status, reason, is) => {
    api.fault = () => ({ kind: 'status', status, body: { reason } })
    const error = await client.get(PODS, { namespace: 'a', name: 'p' }).catch((caught: unknown) => caught)
    expect([isNotFound, isConflict, isAlreadyExists].filter((one) => one(error))).toEqual([is])
  })

  test.each([
    [401, 'FW0806'],
    [403, 'FW0807'],
  ])('%i has a code of its own', async (status, code) => {
    api.fault = () => ({ kind: 'status', status })
    await expect(client.list(PODS)).rejects.toMatchObject({ code: { code } })
  })

  test('nobody there: a sentence with the address', async () => {
    await api.close()
    const error = await client.list(PODS, { attempts: 1 }).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(FairwayError)
    expect(error).toMatchObject({ code: { code: 'FW0804' } })
    expect((error as Error).message).toContain(`http://127.0.0.1:${api.port} gives no answer: connect ECONNREFUSED`)
  })

  test('no answer in time', async () => {
    const silent = new FakeApi()
    await silent.listen()
    const watch = createClient(silent.config)
    // a watch without an end: its head comes, the body does not end
    await expect(watch.text('GET', '/api/v1/pods', { query: { watch: true }, timeoutInMs: 50 })).rejects.toMatchObject({
      code: { code: 'FW0804' },
    })
    watch.close()
    await silent.close()
  })

  test('a cancelled request ends at once', async () => {
    const stop = new AbortController()
    api.fault = () => {
      stop.abort()
      return { kind: 'reset' }
    }
    await expect(client.list(PODS, { signal: stop.signal })).rejects.toMatchObject({ code: { code: 'FW0804' } })
    expect(api.requests).toHaveLength(1)
  })
})

describe('repeating', () => {
  test.each([
    ['a broken connection', { kind: 'reset' } as const],
    ['503', { kind: 'status', status: 503 } as const],
    ['429', { kind: 'status', status: 429 } as const],
  ])('a GET after %s', async (_, fault) => {
    failFirst(2, fault)
    await expect(client.list(PODS)).resolves.toMatchObject({ items: [] })
    expect(api.requests).toHaveLength(3)
  })

  test('a POST is sent again only when it was surely not served', async () => {
    const pod = { metadata: { namespace: 'a', name: 'p' } }
    failFirst(1, { kind: 'status', status: 429 })
    await client.create(PODS, pod)
    expect(api.requests).toHaveLength(2)
    failFirst(1, { kind: 'reset' })
    await expect(client.create(PODS, pod)).rejects.toMatchObject({ code: { code: 'FW0804' } })
    expect(api.requests).toHaveLength(3)
  })

  test('ends after so many attempts', async () => {
    api.fault = () => ({ kind: 'status', status: 503 })
    await expect(client.list(PODS, { attempts: 2 })).rejects.toMatchObject({ httpStatus: 503 })
    expect(api.requests).toHaveLength(2)
  })
})
