/** Kinds with several served versions: one storage, each version reads back as its own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './testing.ts'

const OLD = '/apis/extensions/v1beta1/namespaces/default/ingresses'
const BETA = '/apis/networking.k8s.io/v1beta1/namespaces/default/ingresses'
const NEW = '/apis/networking.k8s.io/v1/namespaces/default/ingresses'

/** An Ingress as it was written years ago. */
const oldIngress = (name: string, host = 'nginx.example.com') => ({
  apiVersion: 'extensions/v1beta1',
  kind: 'Ingress',
  metadata: { name },
  spec: { rules: [{ host, http: { paths: [{ backend: { serviceName: 'nginx', servicePort: 80 } }] } }] },
})

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

describe('Ingress', () => {
  test('written as extensions/v1beta1 reads back in every version', async () => {
    const created = await server.call('POST', `${OLD}?fieldValidation=Strict`, oldIngress('nginx'))
    expect([created.status, created.body.apiVersion, created.body.spec.rules[0].http.paths]).toEqual([
      201,
      'extensions/v1beta1',
      [{ backend: { serviceName: 'nginx', servicePort: 80 } }],
    ])
    expect(created.headers.get('warning')).toContain('extensions/v1beta1 Ingress is deprecated in v1.14+')
    const now = (await server.call('GET', `${NEW}/nginx`)).body
    expect([now.apiVersion, now.metadata.uid]).toEqual(['networking.k8s.io/v1', created.body.metadata.uid])
    expect(now.spec.rules[0].http.paths).toEqual([
      { pathType: 'ImplementationSpecific', backend: { service: { name: 'nginx', port: { number: 80 } } } },
    ])
    const beta = (await server.call('GET', `${BETA}/nginx`)).body
    expect([beta.apiVersion, beta.spec.rules[0].http.paths[0].pathType]).toEqual([
      'networking.k8s.io/v1beta1',
      'ImplementationSpecific',
    ])
    const list = (await server.call('GET', OLD)).body
    expect([list.apiVersion, list.items[0].spec.rules[0].http.paths[0].backend.serviceName]).toEqual([
      'extensions/v1beta1',
      'nginx',
    ])
  })

  test('is patched in the version of the request, by every form of patch', async () => {
    const spec = { backend: { serviceName: 'other', servicePort: 'http' } }
    for (const type of ['application/merge-patch+json', 'application/strategic-merge-patch+json'])
      expect((await server.call('PATCH', `${OLD}/nginx`, { spec }, { type })).body.spec.backend).toEqual(spec.backend)
    expect((await server.call('GET', `${NEW}/nginx`)).body.spec.defaultBackend).toEqual({
      service: { name: 'other', port: { name: 'http' } },
    })
    const type = 'application/apply-patch+yaml'
    const applied = await server.call('PATCH', `${OLD}/applied?fieldManager=x`, oldIngress('applied'), { type })
    expect([applied.status, applied.body.apiVersion, applied.body.metadata.managedFields[0].apiVersion]).toEqual([
      201,
      'extensions/v1beta1',
      'networking.k8s.io/v1',
    ])
    const back = await server.call('PUT', `${OLD}/applied`, {
      ...applied.body,
      metadata: { name: 'applied', labels: { a: 'b' } },
    })
    expect([back.status, back.body.metadata.labels]).toEqual([200, { a: 'b' }])
  })

  test('watchers of each version see changes in theirs; what is wrong is refused in any', async () => {
    const first = server.watch(`${OLD}?watch=1&timeoutSeconds=5`)
    expect((await first.next()).value?.object.apiVersion).toBe('extensions/v1beta1')
    await first.return(undefined)
    const refused = await server.call('POST', OLD, oldIngress('wrong', 'a_b'))
    expect([refused.status, refused.body.details.causes[0].field]).toEqual([422, 'spec.rules[0].host'])
  })

  test('is deleted once, also with its namespace', async () => {
    await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'n' } })
    await server.call('POST', OLD.replace('default', 'n'), oldIngress('gone'))
    await server.call('DELETE', '/api/v1/namespaces/n')
    await expect.poll(async () => (await server.call('GET', '/api/v1/namespaces/n')).status).toBe(404)
    expect((await server.call('DELETE', `${OLD}/nginx`)).status).toBe(200)
    expect((await server.call('GET', `${NEW}/nginx`)).status).toBe(404)
  })
})

test('events of events.k8s.io/v1 are those of the core, under other names', async () => {
  const event = {
    metadata: { name: 'e.1' },
    regarding: { kind: 'Pod', name: 'web', namespace: 'default' },
    note: 'a note',
    reason: 'Tested',
    type: 'Normal',
    reportingController: 'x/y',
  }
  expect((await server.call('POST', '/apis/events.k8s.io/v1/namespaces/default/events', event)).status).toBe(201)
  const core = (await server.call('GET', '/api/v1/namespaces/default/events/e.1')).body
  expect([core.apiVersion, core.message, core.involvedObject.name, core.reportingComponent]).toEqual([
    'v1',
    'a note',
    'web',
    'x/y',
  ])
  const query = '/apis/events.k8s.io/v1/namespaces/default/events?fieldSelector=regarding.name%3Dweb'
  expect((await server.call('GET', query)).body.items.map((item: { note: string }) => item.note)).toEqual(['a note'])
})
