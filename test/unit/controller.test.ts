import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { Controller } from '../../src/controller/controller.ts'
import { createClient, type KubeClient } from '../../src/kube/client.ts'
import { ADDRESS_CLAIMS, IP_ADDRESS_POOLS } from '../../src/kube/load-balancer-resources.ts'
import { EVENTS, PODS, SERVICES } from '../../src/kube/resource.ts'
import type { KubeObject, Service, ServiceSpec } from '../../src/kube/types.ts'
import { startTestServer, type TestServer } from '../../src/lab/apiserver/testing.ts'
import { CRDS } from '../support/crd-cases.ts'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

let server: TestServer
let client: KubeClient
const stops: (() => Promise<void>)[] = []

beforeEach(async () => {
  server = await startTestServer()
  client = newClient()
  for (const name of ['fairway.dev_addressclaims', 'metallb.io_ipaddresspools']) {
    const definition = parse(readFileSync(`${CRDS}/${name}.yaml`, 'utf8'))
    expect((await server.call('POST', DEFINITIONS, definition)).status).toBe(201)
  }
})
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
  client.close()
  await server[Symbol.asyncDispose]()
})

function newClient(): KubeClient {
  return createClient({
    ...{ server: server.url, insecure: false, namespace: 'default', source: 'test' },
    credentials: async () => ({ headers: {} }),
  })
}

async function startController(identity = 'a', loadBalancerClass = '') {
  const own = newClient()
  const stop = new AbortController()
  const controller = new Controller({
    ...{ client: own, signal: stop.signal, identity, leaseNamespace: 'kube-system', leaseInMs: 1_000, loadBalancerClass },
  })
  stops.push(async () => {
    stop.abort()
    await ran
    own.close()
  })
  let ran: Promise<void> = Promise.resolve()
  await controller.start()
  ran = controller.run()
  return { controller, end: stops.at(-1) as () => Promise<void> }
}

const pool = (name = 'first', addresses: readonly string[] = ['192.168.9.0/24']) =>
  client.create(IP_ADDRESS_POOLS, { metadata: { namespace: 'default', name }, spec: { addresses } })
const service = (name: string, spec: ServiceSpec = {}, annotations = {}) =>
  client.create(SERVICES, {
    metadata: { namespace: 'default', name, annotations },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  })
const read = (name: string) => client.get(SERVICES, { namespace: 'default', name })
const addressesOf = (one: Service) => one.status?.loadBalancer?.ingress?.map(({ ip }) => ip) ?? []
const addresses = async (name: string) => addressesOf(await read(name))
const claims = async () =>
  (await client.list(ADDRESS_CLAIMS)).items.map(({ spec }) => `${spec?.address} ${spec?.pool} ${spec?.holders.join()}`)
const until = <T>(look: () => Promise<T>) => vi.waitFor(look, { timeout: 10_000, interval: 10 })

test('the first Service gets the first address of the pool: a claim, its status and annotation, an Event, the pool’s count', async () => {
  await pool()
  await service('nginx')
  await startController()
  await until(async () => expect(await addresses('nginx')).toEqual(['192.168.9.0']))
  const { metadata, status } = await read('nginx')
  expect(metadata.annotations).toEqual({ 'metallb.io/ip-allocated-from-pool': 'first' })
  expect(status?.loadBalancer?.ingress).toEqual([{ ip: '192.168.9.0', ipMode: 'VIP' }])
  expect(await claims()).toEqual(['192.168.9.0 first default/nginx'])
  await until(async () => {
    const events = (await client.list(EVENTS)).items.map(({ reason, message }) => [reason, message])
    expect(events).toContainEqual(['AddressAssigned', 'Assigned 192.168.9.0 from pool first.'])
  })
  await until(async () => {
    const { status } = (await client.get(IP_ADDRESS_POOLS, { namespace: 'default', name: 'first' })) as KubeObject & {
      status: object
    }
    expect(status).toMatchObject({ assignedIPv4: 1, conditions: [{ type: 'Ready', status: 'True' }] })
  })
})

test('a Service that goes, or is of another type, gives its address back', async () => {
  await pool()
  await Promise.all(['a', 'b'].map((name) => service(name)))
  await startController()
  await until(async () => expect((await Promise.all(['a', 'b'].map(addresses))).flat()).toHaveLength(2))
  await client.delete(SERVICES, { namespace: 'default', name: 'a' })
  await client.patch(SERVICES, { namespace: 'default', name: 'b' }, { spec: { type: 'ClusterIP' } }, { type: 'merge' })
  await until(async () => expect(await claims()).toEqual([]))
  const { status, metadata } = await read('b')
  expect([status?.loadBalancer?.ingress ?? [], metadata.annotations?.['metallb.io/ip-allocated-from-pool']]).toEqual([
    [],
    undefined,
  ])
})

test('a Service that has an address in its status keeps it, before anything is given', async () => {
  await pool()
  await service('late')
  const mine = await service('mover')
  const status = { loadBalancer: { ingress: [{ ip: '192.168.9.0' }] } }
  await client.updateStatus(SERVICES, { ...mine, status })
  await startController()
  await until(async () => expect(await addresses('late')).toEqual(['192.168.9.1']))
  expect(await addresses('mover')).toEqual(['192.168.9.0'])
})

test('an annotation that cannot be read is an Event, and takes no address away', async () => {
  await pool()
  await service('web')
  await startController()
  await until(async () => expect(await addresses('web')).toEqual(['192.168.9.0']))
  const annotate = (value: string | null) => {
    const annotations = { 'metallb.io/loadBalancerIPs': value }
    return client.patch(SERVICES, { namespace: 'default', name: 'web' }, { metadata: { annotations } }, { type: 'merge' })
  }
  await annotate('192.168.9')
  await until(async () => {
    const events = (await client.list(EVENTS)).items.map(({ type, reason, message }) => `${type} ${reason} ${message}`)
    expect(events.join()).toContain('metadata.annotations[metallb.io/loadBalancerIPs] is "192.168.9"')
  })
  expect(await addresses('web')).toEqual(['192.168.9.0'])
  await annotate('192.168.9.9')
  await until(async () => expect(await addresses('web')).toEqual(['192.168.9.9']))
})

test('a Service of another class is left alone, and one of the own class is served', async () => {
  await pool()
  await service('other')
  await service('own', { loadBalancerClass: 'fairway.dev/lb' })
  await startController('a', 'fairway.dev/lb')
  await until(async () => expect(await addresses('own')).toEqual(['192.168.9.0']))
  expect(await addresses('other')).toEqual([])
})

test('after a restart everything is as it was, and nothing is written', async () => {
  await pool()
  await Promise.all(['a', 'b', 'c'].map((name) => service(name)))
  const { end } = await startController()
  const all = async () => (await Promise.all(['a', 'b', 'c'].map(addresses))).flat()
  await until(async () => expect(await all()).toHaveLength(3))
  await until(async () => expect(await claims()).toHaveLength(3))
  await end()
  const before = await client.list(SERVICES)
  await startController('b')
  await service('d')
  await until(async () => expect(await addresses('d')).toHaveLength(1))
  const versions = (items: readonly Service[]) => items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)
  const after = (await client.list(SERVICES)).items.filter(({ metadata }) => metadata.name !== 'd')
  expect(versions(after)).toEqual(versions(before.items))
})

test('beside a live MetalLB controller it does not start; when one comes later it gives no address until that is gone', async () => {
  const metallb = {
    metadata: { namespace: 'default', name: 'controller-1', labels: { app: 'metallb', component: 'controller' } },
    spec: { containers: [{ name: 'c', image: 'a' }] },
  }
  const ready = { status: { conditions: [{ type: 'Ready', status: 'True' }] } }
  const place = { namespace: 'default', name: 'controller-1' }
  await pool()
  const { controller } = await startController()
  await until(async () => expect(controller.state.leading).toBe(true))
  await client.create(PODS, metallb)
  await client.patch(PODS, place, ready, { type: 'strategic', subresource: 'status' })
  await until(async () => expect(controller.state.leading).toBe(false))
  expect(controller.state.findings.map(({ code }) => code)).toEqual(['FW0661'])
  await service('waits')
  await expect(startController('b')).rejects.toMatchObject({ code: { code: 'FW0661' } })
  expect(await addresses('waits')).toEqual([])
  await client.delete(PODS, place, { gracePeriodSeconds: 0 })
  await until(async () => expect(await addresses('waits')).toEqual(['192.168.9.0']))
})
