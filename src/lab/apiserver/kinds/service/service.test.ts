/** Services over HTTP: changes of type, load balancers, and what the server says about it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../../testing.ts'
import { readRecorded } from '../recorded.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ serviceRanges: ['10.96.0.0/12', 'fd00:10:96::/112'] })
})
afterAll(() => server[Symbol.asyncDispose]())

const SERVICES = '/api/v1/namespaces/default/services'
const create = (name: string, spec: object, annotations: object = {}) =>
  server.call('POST', SERVICES, { metadata: { name, annotations }, spec: { ports: [{ port: 80 }], ...spec } })
const patch = (name: string, spec: object) =>
  server.call('PATCH', `${SERVICES}/${name}`, { spec }, { type: 'application/merge-patch+json' })
const said = ({ status, body }: { readonly status: number; readonly body: { readonly message?: string } }) => [
  status,
  body.message,
]

describe('a change of type', () => {
  test('gives and takes addresses and ports', async () => {
    await create('turns', { type: 'ExternalName', externalName: 'example.com' })
    const inside = (await patch('turns', { type: 'ClusterIP', externalName: null })).body.spec
    expect([inside.clusterIPs.length, inside.ipFamilyPolicy, inside.internalTrafficPolicy]).toEqual([1, 'SingleStack', 'Cluster'])
    const node = (await patch('turns', { type: 'NodePort' })).body.spec
    expect([node.clusterIP, node.externalTrafficPolicy]).toEqual([inside.clusterIP, 'Cluster'])
    const { nodePort } = node.ports[0]
    expect(nodePort).toBeGreaterThanOrEqual(30_000)
    const balanced = (await patch('turns', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' })).body.spec
    expect([balanced.ports[0].nodePort, balanced.allocateLoadBalancerNodePorts]).toEqual([nodePort, true])
    const { healthCheckNodePort } = balanced
    expect(healthCheckNodePort).toBeGreaterThanOrEqual(30_000)
    const clash = await create('clash', { type: 'NodePort', ports: [{ port: 80, nodePort: healthCheckNodePort }] })
    expect(said(clash)[1]).toContain('provided port is already allocated')
    const back = (await patch('turns', { type: 'ClusterIP' })).body.spec
    expect([back.ports[0].nodePort, back.healthCheckNodePort, back.externalTrafficPolicy]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    expect([back.allocateLoadBalancerNodePorts, back.clusterIP]).toEqual([undefined, inside.clusterIP])
    for (const port of [nodePort, healthCheckNodePort])
      expect((await create(`free-${port}`, { type: 'NodePort', ports: [{ port: 80, nodePort: port }] })).status).toBe(201)
    const outside = (await patch('turns', { type: 'ExternalName', externalName: 'example.org' })).body.spec
    expect([outside.clusterIP, outside.ipFamilies, outside.internalTrafficPolicy]).toEqual([undefined, undefined, undefined])
    expect((await create('heir', { clusterIP: inside.clusterIP })).status).toBe(201)
  })

  test('without node ports a load balancer has none, but those that were asked for', async () => {
    const none = await create('bare', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false })
    expect(none.body.spec.ports[0].nodePort).toBeUndefined()
    const chosen = await patch('bare', { ports: [{ port: 80, nodePort: 31_999 }] })
    expect(chosen.body.spec.ports[0].nodePort).toBe(31_999)
  })
})

test('two protocols of one port share a node port', async () => {
  const ports = ['TCP', 'UDP'].map((protocol) => ({ name: protocol.toLowerCase(), port: 53, protocol }))
  const { spec } = (await create('dns', { type: 'NodePort', ports })).body
  expect(spec.ports[0].nodePort).toBe(spec.ports[1].nodePort)
})

describe('health-check node ports', () => {
  test('a taken one is an error of the server, as in Kubernetes', async () => {
    await create('holds', { type: 'NodePort', ports: [{ port: 80, nodePort: 31_500 }] })
    const local = { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 31_500 }
    expect(said(await create('wants', local))).toEqual([
      500,
      'Internal error occurred: failed to allocate requested HealthCheck NodePort 31500: provided port is already allocated',
    ])
    const own = await create('own', { ...local, healthCheckNodePort: 31_501, ports: [{ port: 80, nodePort: 31_501 }] })
    expect(own.status).toBe(500)
    expect((await create('later', { type: 'NodePort', ports: [{ port: 80, nodePort: 31_501 }] })).status).toBe(201)
  })

  test('stay as they are', async () => {
    const { spec } = (await create('stays', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' })).body
    const other = spec.healthCheckNodePort === 32_000 ? 32_001 : 32_000
    expect(said(await patch('stays', { healthCheckNodePort: other }))[1]).toContain(
      `spec.healthCheckNodePort: Invalid value: ${other}: field is immutable`,
    )
  })
})

describe('session affinity', () => {
  test('lasts three hours unless said otherwise, and at most a day', async () => {
    const made = await create('sticky', { sessionAffinity: 'ClientIP' })
    expect(made.body.spec.sessionAffinityConfig).toEqual({ clientIP: { timeoutSeconds: 10_800 } })
    const long = await patch('sticky', { sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } } })
    expect(said(long)).toEqual([
      422,
      'Service "sticky" is invalid: spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
    ])
    const none = await patch('sticky', { sessionAffinity: 'None' })
    expect(none.body.spec.sessionAffinityConfig).toBeUndefined()
  })
})

describe('source ranges', () => {
  test('are ranges, in the field and in the older annotation', async () => {
    const bad = { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0/8', 'x'] }
    expect(said(await create('ranges', bad))[1]).toBe(
      'Service "ranges" is invalid: spec.LoadBalancerSourceRanges[1]: Invalid value: "x": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    )
    const annotation = 'service.beta.kubernetes.io/load-balancer-source-ranges'
    expect(said(await create('older', { type: 'LoadBalancer' }, { [annotation]: '10.0.0.0/8,y' }))[1]).toContain(
      `metadata.annotations[${annotation}]: Invalid value: "10.0.0.0/8,y": must be a comma separated list of CIDRs`,
    )
    expect((await create('older', { type: 'LoadBalancer' }, { [annotation]: '10.0.0.0/8, fd00::/8' })).status).toBe(201)
    expect((await create('empty', { loadBalancerSourceRanges: [] })).status).toBe(201)
  })
})

describe('warnings', () => {
  const warned = async (name: string, spec: object) => (await create(name, spec)).headers.get('warning')

  test('as recorded', async () => {
    const recorded = readRecorded<Record<string, { readonly warning?: string }>>('defaults/defaults.json')
    expect(await warned('w1', { externalIPs: ['203.0.113.5'] })).toBe(recorded['svc-externalips']?.warning)
  })

  test.each<[string, object, string]>([
    ['w2', { trafficDistribution: 'PreferClose' }, 'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"'],
    ['w3', { clusterIP: 'None', sessionAffinity: 'ClientIP' }, 'spec.SessionAffinity is ignored for headless services'],
    ['w4', { externalName: 'x.y' }, 'spec.externalName is ignored when spec.type is not "ExternalName"'],
    [
      'w5',
      { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.1.2.3/8'] },
      'spec.loadBalancerSourceRanges[0]: CIDR value "10.1.2.3/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.2.3/32"?)',
    ],
  ])('%s', async (name, spec, sentence) => {
    expect(await warned(name, spec)).toBe(`299 - ${JSON.stringify(sentence)}`)
  })
})
