/**
 * Traffic policies, terminating and unready endpoints, and traffic distribution, as Kubernetes' own end-to-end suite asks for them. The names are that suite's.
 * Source: kubernetes test/e2e/network/service.go, loadbalancer.go, traffic_distribution.go.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ENDPOINT_SLICES, SERVICES } from '../../src/kube/resource.ts'
import type { EndpointSlice, Service } from '../../src/kube/types.ts'
import { addressOf, Bed, clusterIp, FAMILIES, type Family, nodePort, type PodWish } from './service-e2e/bed.ts'

let bed: Bed

const HTTP = [{ port: 80, targetPort: 8080 }]
const LABELS = { labels: { app: 'web' } }

beforeAll(async () => {
  bed = await Bed.up('t-svc-pol', '-f', new URL('./service-e2e/zones.yaml', import.meta.url).pathname)
  const probe = { httpGet: { port: 7070, path: '/' }, periodSeconds: 1 }
  const onHost = (name: string, node: string, port: number): PodWish => ({
    name,
    node,
    labels: { app: 'host' },
    args: ['--http', String(port)],
    spec: { hostNetwork: true },
    container: { readinessProbe: { ...probe, httpGet: { port, path: '/' } } },
  })
  await bed.pods(
    { name: 'a', node: 'optiplex-1', ...LABELS },
    { name: 'b', node: 'optiplex-2', ...LABELS },
    { name: 'beside-a', node: 'optiplex-1' },
    { name: 'alone', node: 'ubuntu-1' },
    onHost('host-a', 'optiplex-1', 7070),
  )
})
afterAll(() => bed?.down())

describe.each(FAMILIES)('%s', (family) => {
  const named = (name: string) => `${name}-${family.toLowerCase()}`
  const local = { internalTrafficPolicy: 'Local' }

  test('Services should respect internalTrafficPolicy=Local Pod to Pod', async () => {
    const service = await bed.service(named('in'), family, { ...local, selector: { app: 'web' }, ports: HTTP })
    await bed.serves('beside-a', clusterIp(service), ['a'])
    await bed.serves('b', clusterIp(service), ['b'])
    await bed.serves('alone', { ...clusterIp(service), timeoutInMs: 400 }, ['timeout'])
  })

  test('Services should respect internalTrafficPolicy=Local Pod (hostNetwork: true) to Pod', async () => {
    const service = await bed.service(named('in-host'), family, { ...local, selector: { app: 'web' }, ports: HTTP })
    await bed.serves('host-a', clusterIp(service), ['a'])
    await bed.serves('optiplex-2', clusterIp(service), ['b'])
    await bed.serves('ubuntu-1', { ...clusterIp(service), timeoutInMs: 400 }, ['timeout'])
  })

  test('Services should respect internalTrafficPolicy=Local Pod and Node, to Pod (hostNetwork: true)', async () => {
    const ports = [{ port: 80, targetPort: 7070 }]
    const service = await bed.service(named('to-host'), family, { ...local, selector: { app: 'host' }, ports })
    await bed.serves(['beside-a', 'host-a', 'optiplex-1'], clusterIp(service), ['optiplex-1'])
    await bed.serves(['b', 'ubuntu-1'], { ...clusterIp(service), timeoutInMs: 400 }, ['timeout'])
  })

  test('Services should only target nodes with endpoints, and keep the source address (externalTrafficPolicy=Local)', async () => {
    const service = await bed.service(named('ext'), family, {
      type: 'NodePort',
      externalTrafficPolicy: 'Local',
      selector: { app: 'web' },
      ports: HTTP,
    })
    await bed.serves('client', nodePort(service, 'optiplex-1'), ['a'])
    await bed.serves('client', nodePort(service, 'optiplex-2'), ['b'])
    await bed.serves('client', { ...nodePort(service, 'ubuntu-1'), timeoutInMs: 400 }, ['timeout'])
    const { client } = await bed.ask('client', nodePort(service, 'optiplex-1'))
    expect(client?.address).toBe(addressOf('client', family))
    // the cluster's own traffic draws from all of them
    await bed.serves(['alone', 'ubuntu-1'], nodePort(service, 'ubuntu-1'), ['a', 'b'])
  })

  test('ExternalTrafficPolicy: Local: should handle updates to ExternalTrafficPolicy field', async () => {
    const name = named('ext-change')
    const service = await bed.service(name, family, { type: 'NodePort', selector: { app: 'web' }, ports: HTTP })
    await bed.serves('client', nodePort(service, 'optiplex-1'), ['a', 'b'])
    expect((await bed.ask('client', nodePort(service, 'ubuntu-1'))).client?.address).not.toBe(addressOf('client', family))
    await bed.change(name, { externalTrafficPolicy: 'Local' })
    await bed.serves('client', nodePort(service, 'optiplex-1'), ['a'])
    await bed.serves('client', { ...nodePort(service, 'ubuntu-1'), timeoutInMs: 400 }, ['timeout'])
    await bed.change(name, { externalTrafficPolicy: 'Cluster' })
    await bed.serves('client', nodePort(service, 'ubuntu-1'), ['a', 'b'])
  })

  test.each([
    [
      'Services should fallback to terminating endpoints when there are no ready endpoints with externallTrafficPolicy=Cluster',
      {},
    ],
    [
      'Services should fallback to terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Cluster',
      {},
    ],
    [
      'Services should fallback to local terminating endpoints when there are no ready endpoints with externalTrafficPolicy=Local',
      { externalTrafficPolicy: 'Local' },
    ],
    [
      'Services should fallback to local terminating endpoints when there are no ready endpoints with internalTrafficPolicy=Local',
      { internalTrafficPolicy: 'Local' },
    ],
  ])('%s', async (title, policies) => {
    const name = named(`end-${titleNumber(title)}`)
    const selector = { end: name }
    const service = await bed.service(name, family, { type: 'NodePort', ...policies, selector, ports: HTTP })
    await bed.pods(leaving(`${name}-1`, 'optiplex-1', selector), leaving(`${name}-2`, 'optiplex-2', selector))
    const target = title.includes('internal') ? clusterIp(service) : nodePort(service, 'optiplex-1')
    const from = title.includes('internal') ? 'beside-a' : 'client'
    const isLocal = title.includes('Local')
    const both = isLocal ? [`${name}-1`] : [`${name}-1`, `${name}-2`]
    await bed.serves(from, target, both)
    await bed.deletePod(`${name}-1`)
    // one that is ready is preferred, where the policy allows it
    if (!isLocal) await bed.serves(from, target, [`${name}-2`])
    await bed.deletePod(`${name}-2`)
    await expect.poll(() => conditions(name)).toEqual(['serving and terminating', 'serving and terminating'])
    await bed.serves(from, target, both)
    await Promise.all([`${name}-1`, `${name}-2`].map((pod) => bed.deletePod(pod, 0)))
    await bed.serves(from, { ...target, timeoutInMs: 400 }, ['refused'])
  })

  test('Services should be able to connect to terminating and unready endpoints if PublishNotReadyAddresses is true', async () => {
    const name = named('unready')
    const selector = { unready: name }
    const spec = { type: 'NodePort', publishNotReadyAddresses: true, selector, ports: HTTP }
    const service = await bed.service(name, family, spec)
    await bed.createPod({ ...leaving(`${name}-1`, 'optiplex-1', selector), container: { ...PRE_STOP, readinessProbe: NEVER } })
    await bed.serves(['client', 'alone'], nodePort(service, 'ubuntu-1'), [`${name}-1`])
    await bed.serves('alone', clusterIp(service), [`${name}-1`])
    await bed.deletePod(`${name}-1`)
    await expect.poll(async () => (await bed.pod(`${name}-1`)).metadata.deletionTimestamp).toBeDefined()
    await bed.serves(['client', 'alone'], nodePort(service, 'ubuntu-1'), [`${name}-1`])
    await bed.deletePod(`${name}-1`, 0)
  })

  test('Services should not be able to connect to terminating and unready endpoints if PublishNotReadyAddresses is false', async () => {
    const name = named('not-unready')
    const selector = { unready: name }
    const service = await bed.service(name, family, { type: 'NodePort', selector, ports: HTTP })
    const pod = `${name}-1`
    await bed.createPod({ ...leaving(pod, 'optiplex-1', selector), container: { ...PRE_STOP, readinessProbe: NEVER } })
    const direct = async () => ({ address: await bed.podAddress(pod, family), port: 8080 })
    await expect.poll(async () => bed.who('alone', await direct())).toBe(pod)
    await bed.serves(['client', 'alone'], nodePort(service, 'ubuntu-1'), ['refused'])
    await bed.serves('alone', clusterIp(service), ['refused'])
    await bed.deletePod(pod)
    await expect.poll(() => conditions(name)).toEqual(['terminating'])
    await bed.serves(['client', 'alone'], nodePort(service, 'ubuntu-1'), ['refused'])
    await bed.deletePod(pod, 0)
  })

  test('Services should fail health check node port if there are only terminating endpoints', async () => {
    const name = named('health')
    const selector = { health: name }
    const spec = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', selector, ports: HTTP }
    const service = await bed.service(name, family, spec)
    const port = service.spec?.healthCheckNodePort ?? 0
    const health = (node: string) => healthOf(node, family, port)
    await bed.pods(leaving(`${name}-1`, 'optiplex-1', selector))
    await expect.poll(() => health('optiplex-1'), { timeout: 10_000 }).toBe('200 1')
    expect(await health('optiplex-2')).toBe('503 0')
    await bed.deletePod(`${name}-1`)
    await expect.poll(() => health('optiplex-1'), { timeout: 10_000 }).toBe('503 0')
    await bed.serves('client', nodePort(service, 'optiplex-1'), [`${name}-1`]) // which it still serves
    await bed.deletePod(`${name}-1`, 0)
    await bed.deleteService(name)
    await expect.poll(() => health('optiplex-1'), { timeout: 10_000 }).toBe('000 ')
  })

  test.each([
    'PreferClose',
    'PreferSameZone',
  ])('Traffic Distribution should route traffic to an endpoint in the same zone when using %s', async (trafficDistribution) => {
    const name = named(trafficDistribution.toLowerCase())
    const service = await bed.service(name, family, {
      trafficDistribution,
      selector: { app: 'web' },
      ports: HTTP,
    } as Service['spec'] & object)
    await bed.serves(['beside-a', 'optiplex-1'], clusterIp(service), ['a'])
    await bed.serves(['optiplex-2', 'b'], clusterIp(service), ['b'])
    await bed.serves('alone', clusterIp(service), ['a', 'b']) // none is in its zone
  })

  test('Topology Hints should distribute endpoints evenly', async () => {
    const name = named('hints')
    // written by hand, as another controller would: the lab's own gives hints for traffic distribution alone
    const service = await bed.api.create(SERVICES, {
      metadata: { namespace: 'default', name, annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
      spec: { ipFamilies: [family], ports: HTTP },
    } as Service)
    const zones = ['north', 'south', 'west']
    const pods = ['a', 'b', 'alone']
    const endpoints = await Promise.all(
      pods.map(async (pod, index) => ({
        addresses: [await bed.podAddress(pod, family)],
        nodeName: (await bed.pod(pod)).spec?.nodeName,
        zone: zones[index],
        conditions: { ready: true },
        hints: { forZones: [{ name: zones[index] }] },
      })),
    )
    await bed.api.create(ENDPOINT_SLICES, {
      metadata: { namespace: 'default', name, labels: { 'kubernetes.io/service-name': name } },
      addressType: family,
      endpoints,
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    } as EndpointSlice)
    await bed.serves('optiplex-1', clusterIp(service), ['a'])
    await bed.serves('optiplex-2', clusterIp(service), ['b'])
    await bed.serves('ubuntu-1', clusterIp(service), ['alone'])
  })
})

const NEVER = { exec: { command: ['false'] }, periodSeconds: 1 }
const PRE_STOP = { lifecycle: { preStop: { sleep: { seconds: 100 } } } }

/** A pod that serves on for long after it was asked to end. */
function leaving(name: string, node: string, labels: Readonly<Record<string, string>>): PodWish {
  return { name, node, labels, container: PRE_STOP, spec: { terminationGracePeriodSeconds: 120 } }
}

function titleNumber(title: string): string {
  return `${title.includes('internal') ? 'in' : 'ex'}-${title.includes('Local') ? 'local' : 'cluster'}`
}

async function conditions(service: string): Promise<readonly string[]> {
  return (await bed.endpoints(service)).map(({ conditions: is }) =>
    [is?.ready && 'ready', is?.serving && 'serving', is?.terminating && 'terminating'].filter(Boolean).join(' and '),
  )
}

/** Status and the count of endpoints that a health check node port answers; `000` when nobody listens. */
async function healthOf(node: string, family: Family, port: number): Promise<string> {
  const address = addressOf(node, family)
  const url = `http://${family === 'IPv4' ? address : `[${address}]`}:${port}/`
  const { stdout } = await bed.lab.on('client', `curl -s -g -m 2 -w '\\n%{http_code}' '${url}'`)
  const [, body = '', status = ''] = /^([\s\S]*)\n(\d+)$/.exec(stdout) ?? []
  const { localEndpoints = '' } = JSON.parse(body || '{}') as { localEndpoints?: number }
  return `${status} ${localEndpoints}`
}
