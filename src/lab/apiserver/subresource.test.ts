import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './testing.ts'

const PODS = '/api/v1/namespaces/default/pods'

describe('subresources of pods', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ kubelet: { cert: '', key: '', ca: '', port: 1 } })
    const containers = [
      { name: 'a', image: 'nginx' },
      { name: 'b', image: 'nginx' },
    ]
    await server.call('POST', PODS, { metadata: { name: 'web' }, spec: { containers } })
    await server.call('POST', '/api/v1/nodes', { metadata: { name: 'n1' } })
    const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] }
    await server.call('PATCH', '/api/v1/nodes/n1/status', { status }, { type: 'application/merge-patch+json' })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  test('logs of a pod without a node are empty; a container must be one of its own', async () => {
    expect((await server.call('GET', `${PODS}/web/log?container=a`)).body).toBe('')
    expect((await server.call('GET', `${PODS}/web/log`)).body.message).toBe(
      'a container name must be specified for pod web, choose one of: [a b]',
    )
    expect((await server.call('GET', `${PODS}/web/log?container=x`)).body.message).toBe('container x is not valid for pod web')
  })

  test('a binding puts a pod on a node, once', async () => {
    const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'web' }, target: { kind: 'Node', name: 'n1' } }
    expect((await server.call('POST', `${PODS}/web/binding`, binding)).status).toBe(201)
    expect((await server.call('GET', `${PODS}/web`)).body.spec.nodeName).toBe('n1')
    const again = await server.call('POST', `${PODS}/web/binding`, binding)
    expect([again.status, again.body.message]).toEqual([
      409,
      'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "n1"',
    ])
  })

  test('a kubelet that does not answer is named as a real server names it', async () => {
    const answer = await server.call('GET', `${PODS}/web/log?container=a&tailLines=2`)
    const message =
      'Get "https://127.0.0.1:1/containerLogs/default/web/a?tailLines=2": dial tcp 127.0.0.1:1: connect: connection refused'
    expect([answer.status, answer.body]).toEqual([
      500,
      { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 },
    ])
  })

  test('a pod on a node stays until somebody deletes it with no grace', async () => {
    const { object } = { object: (await server.call('DELETE', `${PODS}/web`, { gracePeriodSeconds: 5 })).body }
    expect([object.metadata.deletionGracePeriodSeconds, object.metadata.generation]).toEqual([5, 2])
    expect((await server.call('GET', `${PODS}/web`)).body.metadata.deletionTimestamp).toBe(object.metadata.deletionTimestamp)
    const shorter = (await server.call('DELETE', `${PODS}/web`, { gracePeriodSeconds: 2 })).body.metadata
    expect(shorter.deletionGracePeriodSeconds).toBe(2)
    expect((await server.call('DELETE', `${PODS}/web`, { gracePeriodSeconds: 0 })).status).toBe(200)
    expect((await server.call('GET', `${PODS}/web`)).status).toBe(404)
  })

  test('a finalizer holds an object until it is taken off', async () => {
    const maps = '/api/v1/namespaces/default/configmaps'
    await server.call('POST', maps, { metadata: { name: 'held', finalizers: ['example.com/hold'] } })
    expect((await server.call('DELETE', `${maps}/held`)).body.metadata.deletionTimestamp).toBeDefined()
    const off = await server.call(
      'PATCH',
      `${maps}/held`,
      { metadata: { finalizers: null } },
      { type: 'application/merge-patch+json' },
    )
    expect(off.status).toBe(200)
    expect((await server.call('GET', `${maps}/held`)).status).toBe(404)
  })
})
