import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createClient, type KubeClient } from '../kube/client.ts'
import { FakeApi } from '../kube/fake/fake-api.ts'
import type { KubeObject } from '../kube/types.ts'
import type { Engine } from '../model/engine.ts'
import type { L7Entry } from '../model/l7.ts'
import type { Delta } from '../model/plan.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'
import type { Publish } from './published-address.ts'

const NETWORKING = '/apis/networking.k8s.io/v1'
const INGRESSES = `${NETWORKING}/ingresses`
const LEASE = '/apis/coordination.k8s.io/v1/leases'

/** Takes everything, or nothing. */
class FakeProxy implements Engine<L7Entry> {
  readonly observed = new Map<string, L7Entry>()
  applied = 0
  isBroken = false

  async refresh(): Promise<void> {}

  async apply({ upserts, removals }: Delta<L7Entry>): Promise<void> {
    if (this.isBroken) throw new Error('broken on purpose')
    this.applied++
    for (const entry of upserts) this.observed.set(entry.key, entry)
    for (const key of removals) this.observed.delete(key)
  }
}

let api: FakeApi
let client: KubeClient
let proxy: FakeProxy
let stop: AbortController
let gateway: Gateway
let running: Promise<void>

beforeEach(async () => {
  api = new FakeApi({ keepsStatus: true })
  await api.listen()
  client = createClient(api.config)
  proxy = new FakeProxy()
  stop = new AbortController()
  running = Promise.resolve()
  api.store.put(`${NETWORKING}/ingressclasses`, {
    metadata: { name: 'fairway' },
    spec: { controller: 'fairway.dev/ingress' },
  } as KubeObject)
  putService('web', '10.244.0.5')
})
afterEach(async () => {
  stop.abort()
  await running
  client.close()
  await api.close()
})

function putService(name: string, address: string): void {
  const metadata = { namespace: 'default', name }
  api.store.put('/api/v1/services', { metadata, spec: { clusterIP: '10.96.0.9', ports: [{ port: 80 }] } } as KubeObject)
  api.store.put('/apis/discovery.k8s.io/v1/endpointslices', {
    metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  } as KubeObject)
}

interface IngressPart {
  readonly className?: string
  readonly service?: string
  readonly status?: unknown
  readonly tls?: string
}

function putIngress(name: string, { className = 'fairway', service = 'web', status, tls }: IngressPart = {}): KubeObject {
  const path = { path: '/', pathType: 'Prefix', backend: { service: { name: service, port: { number: 80 } } } }
  const host = `${name}.example.com`
  return api.store.put(INGRESSES, {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'default', name },
    spec: {
      ingressClassName: className,
      rules: [{ host, http: { paths: [path] } }],
      ...(tls === undefined ? {} : { tls: [{ hosts: [host], secretName: tls }] }),
    },
    status,
  } as KubeObject)
}

function aGateway(part: Partial<GatewayOptions> = {}): Gateway {
  gateway = new Gateway({
    ...{ client, signal: stop.signal, engine: proxy, identity: 'one', leaseNamespace: 'fairway-system', leaseInMs: 1_000 },
    plan: { httpPort: 80, httpsPort: 443, takesProxyProtocol: false, defaultCertificate: '' },
    ...{ ingressClass: '', publish: { kind: 'addresses', addresses: [] }, findingDelayInMs: 0 },
    ...part,
  })
  return gateway
}

/** A gateway that serves, and leads. */
async function serving(publish: Publish, part: Partial<GatewayOptions> = {}): Promise<void> {
  const one = aGateway({ publish, ...part })
  await one.start()
  running = one.run()
  await expect.poll(() => one.state.leading, { interval: 5, timeout: 5_000 }).toBe(true)
}

const rules = () => [...proxy.observed.values()].filter(({ kind }) => kind === 'rule').map(({ key }) => key)
const patches = () =>
  api.bodies.filter(({ path }) => path.endsWith('/status')).map(({ path, body }) => [path.split('/').at(-2), body])
const soon = (read: () => unknown) => expect.poll(read, { interval: 5, timeout: 5_000 })
const page = (path: string) => gateway.pages[path]?.().status ?? 200

describe('what is served', () => {
  it('is ready once the proxy has all, and not before', async () => {
    putIngress('a')
    proxy.isBroken = true
    const started = aGateway().start()
    await soon(() => gateway.state.error).toBe('broken on purpose')
    expect([page('/healthz'), page('/readyz')]).toEqual([200, 503])
    proxy.isBroken = false
    await started
    expect(page('/readyz')).toBe(200)
    expect(rules()).toEqual(['rule/a.example.com 0 prefix '])
  })

  it('follows Ingresses, classes and endpoints', async () => {
    putIngress('a')
    await aGateway().start()
    putIngress('b')
    await soon(rules).toHaveLength(2)
    putService('web', '10.244.0.6')
    await soon(() => proxy.observed.get('backend/default/web/80')).toMatchObject({
      servers: [{ address: '10.244.0.6', port: 8080 }],
    })
    api.store.remove(`${NETWORKING}/ingressclasses`, 'fairway')
    await soon(rules).toHaveLength(0)
  })

  it('of one class alone, if it was told so', async () => {
    api.store.put(`${NETWORKING}/ingressclasses`, {
      metadata: { name: 'inner' },
      spec: { controller: 'fairway.dev/ingress' },
    } as KubeObject)
    putIngress('a')
    putIngress('b', { className: 'inner' })
    await aGateway({ ingressClass: 'inner' }).start()
    expect(rules()).toEqual(['rule/b.example.com 0 prefix '])
  })

  it('is given again to a proxy that began anew', async () => {
    const replaced = [false, true]
    const counters = { reloads: new Map(), commands: 0 }
    putIngress('a')
    await aGateway({
      lookAtProxyInMs: 1,
      proxy: { findings: [], counters, wasReplaced: async () => replaced.shift() ?? false },
    }).start()
    proxy.observed.clear()
    await soon(rules).toHaveLength(1)
    expect(replaced).toEqual([])
  })

  it('goes on where a proxy was served by an earlier process', () => {
    aGateway({ hasServed: true })
    expect(page('/readyz')).toBe(200)
  })

  it('a Secret that is no certificate is followed by its name, also when it comes later', async () => {
    putIngress('a', { tls: 'late' })
    await aGateway().start()
    const told = () => gateway.state.findings.map(({ name, message }) => `${name} ${message}`)
    await soon(told).toEqual([expect.stringContaining('it is not there')])
    const metadata = { namespace: 'default', name: 'late' }
    api.store.put('/api/v1/namespaces/default/secrets', { metadata, type: 'Opaque', data: {} } as KubeObject)
    await soon(told).toEqual([expect.stringContaining('it is not of type kubernetes.io/tls')])
  })

  it('what cannot be served is an Event of its Ingress', async () => {
    putIngress('a', { service: 'nobody' })
    await aGateway().start()
    const events = () => api.bodies.filter(({ path }) => path.endsWith('/events')).map(({ body }) => body)
    await soon(events).toMatchObject([
      { reason: 'IngressServiceMissing', type: 'Warning', involvedObject: { kind: 'Ingress', namespace: 'default', name: 'a' } },
    ])
  })
})

describe('the status of Ingresses', () => {
  const here: Publish = { kind: 'addresses', addresses: ['192.0.2.9', 'gw.example.com', '192.0.2.1'] }
  const ingress = [{ ip: '192.0.2.1' }, { ip: '192.0.2.9' }, { hostname: 'gw.example.com' }]

  it('is written once, of those that are served', async () => {
    const { resourceVersion } = putIngress('a').metadata
    putIngress('b', { status: { loadBalancer: { ingress } } })
    putIngress('c', { className: 'other', status: { loadBalancer: { ingress: [{ ip: '192.0.2.77' }] } } })
    await serving(here)
    await soon(patches).toEqual([['a', { metadata: { resourceVersion }, status: { loadBalancer: { ingress } } }]])
    putIngress('d')
    await soon(() => patches().map(([name]) => name)).toEqual(['a', 'd'])
  })

  it('is taken back from one that is served no more, if it is ours', async () => {
    putIngress('a', { status: { loadBalancer: { ingress } } })
    putIngress('b', { status: { loadBalancer: { ingress } } })
    await serving(here)
    putIngress('a', { className: 'other', status: { loadBalancer: { ingress: [{ ip: '192.0.2.77' }] } } })
    putIngress('b', { className: 'other', status: { loadBalancer: { ingress } } })
    await soon(patches).toMatchObject([['b', { status: { loadBalancer: { ingress: null } } }]])
  })

  it('of a Service are its addresses, as they come and go', async () => {
    const put = (ip: string) => {
      const metadata = { namespace: 'fairway-system', name: 'gw' }
      const status = { loadBalancer: { ingress: [{ ip }] } }
      api.store.put('/api/v1/namespaces/fairway-system/services', { metadata, status } as KubeObject)
    }
    put('192.0.2.5')
    putIngress('a')
    await serving({ kind: 'service', service: 'fairway-system/gw' })
    await soon(patches).toMatchObject([['a', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.5' }] } } }]])
    put('192.0.2.6')
    await soon(() => patches().at(-1)).toMatchObject(['a', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.6' }] } } }])
  })

  it('of pods are the nodes of those that are ready; of none, what it was', async () => {
    const put = (name: string, ip: string, status: string) =>
      api.store.put('/api/v1/namespaces/fairway-system/pods', {
        metadata: { namespace: 'fairway-system', name, labels: { app: 'gw', 'pod-template-hash': name } },
        status: { hostIPs: [{ ip }], conditions: [{ type: 'Ready', status }] },
      } as KubeObject)
    put('one', '192.0.2.1', 'True')
    put('two', '192.0.2.2', 'False')
    api.store.put('/api/v1/pods', { metadata: { namespace: 'fairway-system', name: 'one', labels: { app: 'gw' } } })
    putIngress('a')
    await serving({ kind: 'pods', pod: 'fairway-system/one' }, { lingerInMs: 200 })
    await soon(patches).toMatchObject([['a', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } }]])
    expect(api.requests.find((line) => line.includes('/pods?') && line.includes('labelSelector'))).toContain(
      'labelSelector=app%3Dgw&',
    )
    put('one', '192.0.2.1', 'False')
    put('two', '192.0.2.2', 'True')
    await soon(() => gateway.state.addresses).toEqual([{ ip: '192.0.2.1' }, { ip: '192.0.2.2' }])
    await soon(() => gateway.state.addresses).toEqual([{ ip: '192.0.2.2' }])
    put('two', '192.0.2.2', 'False')
    await soon(() => gateway.state.addresses).toBe(null)
    put('two', '192.0.2.2', 'True')
    await soon(() => patches().at(-1)).toMatchObject(['a', { status: { loadBalancer: { ingress: [{ ip: '192.0.2.2' }] } } }])
  })

  it('is not written before the proxy has the Ingress, and is then', async () => {
    putIngress('a')
    proxy.isBroken = true
    const one = aGateway({ publish: here })
    running = one.run()
    const started = one.start()
    await soon(() => [one.state.leading, one.state.error]).toEqual([true, 'broken on purpose'])
    expect(patches()).toEqual([])
    proxy.isBroken = false
    await started
    await soon(patches).toHaveLength(1)
  })

  it('is left to the leader, and written anew when somebody was faster', async () => {
    const spec = { holderIdentity: 'two', leaseDurationSeconds: 1, leaseTransitions: 0 }
    api.store.put(LEASE, { metadata: { namespace: 'fairway-system', name: 'fairway-gateway' }, spec } as KubeObject)
    putIngress('a')
    let refusals = 1
    const conflict = { kind: 'Status', status: 'Failure', reason: 'Conflict', code: 409 }
    api.fault = (method) => (method === 'PATCH' && refusals-- > 0 ? { kind: 'status', status: 409, body: conflict } : undefined)
    await serving(here)
    await soon(patches).toMatchObject([['a', { status: { loadBalancer: { ingress } } }]])
  })
})
