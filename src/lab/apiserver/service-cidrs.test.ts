import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './testing.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ serviceRanges: ['10.96.0.0/28'] })
})
afterAll(() => server[Symbol.asyncDispose]())

const CIDRS = '/apis/networking.k8s.io/v1/servicecidrs'
const ADDRESSES = '/apis/networking.k8s.io/v1/ipaddresses'
const SERVICES = '/api/v1/namespaces/default/services'
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'

const makeService = (name: string, clusterIP = '') =>
  server.call('POST', SERVICES, { metadata: { name }, spec: { clusterIP, ports: [{ port: 80 }] } })
const condition = async (name: string) => {
  const { body } = await server.call('GET', `${CIDRS}/${name}`)
  return [body.status.conditions[0].status, body.status.conditions[0].message]
}

test('a Service and its address come and go together', async () => {
  const made = await makeService('one', '10.96.0.5')
  expect(made.status).toBe(201)
  const { body } = await server.call('GET', `${ADDRESSES}/10.96.0.5`)
  expect([body.metadata.labels, body.spec]).toEqual([
    { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' },
    { parentRef: { resource: 'services', namespace: 'default', name: 'one' } },
  ])
  const table = await server.call('GET', ADDRESSES, undefined, { accept: TABLE })
  expect(table.body.rows.map(({ cells }: { cells: unknown[] }) => cells.slice(0, 2))).toEqual([
    ['10.96.0.1', 'services/default/kubernetes'],
    ['10.96.0.5', 'services/default/one'],
  ])
  await server.call('DELETE', `${ADDRESSES}/10.96.0.5`)
  expect((await server.call('GET', `${ADDRESSES}/10.96.0.5`)).status).toBe(200) // it is made again
  await server.call('DELETE', `${SERVICES}/one`)
  expect((await server.call('GET', `${ADDRESSES}/10.96.0.5`)).status).toBe(404)
})

test('a Service that becomes an outside name gives its address back', async () => {
  await makeService('two', '10.96.0.6')
  const patch = { spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: null, clusterIPs: null } }
  const type = 'application/merge-patch+json'
  expect((await server.call('PATCH', `${SERVICES}/two`, patch, { type })).status).toBe(200)
  expect((await server.call('GET', `${ADDRESSES}/10.96.0.6`)).status).toBe(404)
  await server.call('DELETE', `${SERVICES}/two`)
})

test('a further range is used once the first is full, and stays until no Service needs it', async () => {
  const names = Array.from({ length: 13 }, (_, index) => `many-${index}`)
  for (const name of names) expect((await makeService(name)).status).toBe(201)
  expect((await makeService('more')).body.message).toBe('Internal error occurred: failed to allocate a serviceIP: range is full')
  const metadata = { name: 'wider' }
  expect((await server.call('POST', CIDRS, { metadata, spec: { cidrs: ['10.200.0.0/24'] } })).status).toBe(201)
  const { body } = await server.call('GET', `${CIDRS}/wider`)
  expect(body.metadata.finalizers).toEqual(['networking.k8s.io/service-cidr-finalizer'])
  expect(await condition('wider')).toEqual(['True', 'Kubernetes Service CIDR is ready'])
  expect((await makeService('more')).body.spec.clusterIP).toMatch(/^10\.200\.0\./)
  await server.call('DELETE', `${CIDRS}/wider`)
  expect(await condition('wider')).toEqual([
    'False',
    'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
  ])
  expect((await makeService('late', '10.200.0.99')).body.message).toContain('the provided network does not match')
  await server.call('DELETE', `${SERVICES}/more`)
  expect((await server.call('GET', `${CIDRS}/wider`)).status).toBe(404)
})

test("the server's own range cannot go: its own Service needs it", async () => {
  await server.call('DELETE', `${CIDRS}/kubernetes`)
  expect((await condition('kubernetes'))[0]).toBe('False')
})

test('a range may get a second family, and nothing else', async () => {
  await server.call('POST', CIDRS, { metadata: { name: 'grows' }, spec: { cidrs: ['10.201.0.0/24'] } })
  const type = 'application/merge-patch+json'
  const patch = (cidrs: readonly string[]) => server.call('PATCH', `${CIDRS}/grows`, { spec: { cidrs } }, { type })
  expect((await patch(['10.202.0.0/24', 'fd00:201::/112'])).status).toBe(422)
  expect((await patch(['10.201.0.0/24', 'fd00:201::/112'])).status).toBe(200)
  expect((await patch(['10.201.0.0/24'])).status).toBe(422)
})
