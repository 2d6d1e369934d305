import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress, canonicalCidr } from './address.ts'
import type { EndpointSlice, KubeObject, Node, Pod, Service } from './types.ts'
import { convertEndpointSlice, convertNode, convertPod, convertService, convertServiceCIDR } from './world-objects.ts'

const metadata = { namespace: 'ns', name: 'o' }
const messages = (converted: { readonly findings: readonly { readonly message: string }[] }) =>
  converted.findings.map((finding) => finding.message)

test.each([
  [{}, false],
  [{ 'service.kubernetes.io/service-proxy-name': 'other' }, true],
  [{ 'service.kubernetes.io/service-proxy-name': '' }, true],
  [{ 'service.kubernetes.io/headless': '' }, true],
])('a Service labelled %j is left alone: %s', (labels, leftAlone) => {
  expect(convertService({ metadata: { ...metadata, labels } }).value?.leftAlone).toBe(leftAlone)
  const slice = { metadata: { ...metadata, labels: { ...labels, 'kubernetes.io/service-name': 's' } }, addressType: 'IPv4' }
  expect(convertEndpointSlice(slice).value === undefined).toBe(leftAlone)
})

test('addresses of a load balancer that is none any more are not used', () => {
  const status = { loadBalancer: { ingress: [{ ip: '192.168.9.1' }] } }
  expect(convertService({ metadata, spec: { type: 'NodePort' }, status }).value?.loadBalancerIPs).toEqual([])
})

test('hints, and the zone of a node', () => {
  const hints = { forZones: [{ name: 'z1' }], forNodes: [{ name: 'n1' }, { name: 'n2' }] }
  const labels = { 'kubernetes.io/service-name': 's' }
  const endpoints = [{ addresses: ['10.0.0.1'], hints }, { addresses: ['10.0.0.2'] }]
  const { value } = convertEndpointSlice({ metadata: { ...metadata, labels }, addressType: 'IPv4', endpoints })
  expect(value?.endpoints.map(({ zones, nodes }) => [zones, nodes])).toEqual([
    [['z1'], ['n1', 'n2']],
    [[], []],
  ])
  expect(convertNode({ metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z1' } } }).value?.zone).toBe('z1')
})

test('a container that shares the host’s network has its ports there, said or not', () => {
  const containers = [{ name: 'c', ports: [{ containerPort: 80 }, { containerPort: 81, hostPort: 81 }] }]
  expect(convertPod({ metadata, spec: { hostNetwork: true, containers } }).value?.hostPorts.map((one) => one.hostPort)).toEqual([
    80, 81,
  ])
  expect(convertPod({ metadata, spec: { containers } }).value?.hostPorts.map((one) => one.hostPort)).toEqual([81])
})

test('ranges of cluster addresses', () => {
  const converted = convertServiceCIDR({
    metadata: { name: 'kubernetes' },
    spec: { cidrs: ['10.96.0.5/12', 'FD00:96::/108', 'x'] },
  })
  expect(converted.value).toEqual({ name: 'kubernetes', cidrs: ['10.96.0.0/12', 'fd00:96::/108'] })
  expect(messages(converted)).toHaveLength(1)
})

describe('addresses', () => {
  test.each([
    ['10.0.0.1', '10.0.0.1'],
    ['FD00:0:0:0::1', 'fd00::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['010.0.0.1', undefined],
    ['10.1', undefined],
    ['0x0a000001', undefined],
    ['::ffff:10.0.0.1', undefined],
    ['fe80::1%eth0', undefined],
    ['', undefined],
  ])('%s is %s', (text, canonical) => expect(canonicalAddress(text)).toBe(canonical))

  test.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    [' 10.0.0.0/24 ', '10.0.0.0/24'],
    ['FD00::1/64', 'fd00::/64'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.0.0.0/33', undefined],
    ['10.0.0.0', undefined],
    ['10.0.0.0/8/8', undefined],
  ])('range %s is %s', (text, canonical) => expect(canonicalCidr(text)).toBe(canonical))

  test('one address has one text', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = canonicalAddress(text)
        expect(canonical === undefined ? undefined : canonicalAddress(canonical)).toBe(canonical)
      }),
    )
  })
})

describe('Service', () => {
  test('defaults', () => {
    const { value, findings } = convertService({ metadata, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] } })
    expect(findings).toEqual([])
    expect(value).toMatchObject({
      key: 'ns/o',
      type: 'ClusterIP',
      clusterIPs: ['10.96.0.1'],
      families: ['ipv4'],
      ports: [{ name: '', protocol: 'tcp', port: 80, nodePort: 0 }],
      externalPolicy: 'Cluster',
      affinityInSeconds: 0,
      leftAlone: false,
    })
  })

  test('what its servers speak', () => {
    const annotations = { 'fairway.dev/proxy-protocol': 'v2' }
    const spec = { ports: [{ port: 80, appProtocol: 'kubernetes.io/H2C' }, { port: 81 }] }
    const { value } = convertService({ metadata: { ...metadata, annotations }, spec })
    expect(value?.proxyProtocol).toBe('v2')
    expect(value?.ports.map(({ appProtocol }) => appProtocol)).toEqual(['kubernetes.io/h2c', undefined])
  })

  test('headless and ExternalName have no addresses', () => {
    expect(convertService({ metadata, spec: { clusterIP: 'None', clusterIPs: ['None'] } }).value?.clusterIPs).toEqual([])
    expect(convertService({ metadata, spec: { type: 'ExternalName', externalName: 'x' } }).value).toMatchObject({
      type: 'ExternalName',
      clusterIPs: [],
    })
  })

  test('affinity, policies, and load-balancer addresses of mode VIP only', () => {
    const ingress = [{ ip: '192.168.9.1' }, { ip: '192.168.9.2', ipMode: 'Proxy' }, { hostname: 'x' }]
    const spec = {
      type: 'LoadBalancer',
      sessionAffinity: 'ClientIP',
      externalTrafficPolicy: 'Local',
      internalTrafficPolicy: 'Local',
    }
    const { value } = convertService({ metadata, spec, status: { loadBalancer: { ingress } } })
    expect(value).toMatchObject({
      affinityInSeconds: 10_800,
      externalPolicy: 'Local',
      internalPolicy: 'Local',
      loadBalancerIPs: ['192.168.9.1'],
    })
  })

  test('source ranges of which none can be used let nobody in', () => {
    const converted = convertService({ metadata, spec: { loadBalancerSourceRanges: ['everyone'] } })
    expect(converted.value?.sourceRanges).toEqual(['255.255.255.255/32'])
    expect(messages(converted)).toEqual([
      'service/ns/o: spec.loadBalancerSourceRanges[0] is "everyone", which is not an address range; it is not used.',
    ])
  })
})

describe('EndpointSlice', () => {
  const labels = { 'kubernetes.io/service-name': 'web' }

  test('unset conditions', () => {
    const endpoints = [
      { addresses: ['fd00::0:1'] },
      { addresses: ['fd00::2'], conditions: { ready: false } },
      { addresses: ['fd00::3'], conditions: { ready: false, serving: true, terminating: true } },
    ]
    const { value } = convertEndpointSlice({
      metadata: { ...metadata, labels },
      addressType: 'IPv6',
      endpoints,
      ports: [{ port: 80 }],
    })
    expect(value).toMatchObject({ service: 'ns/web', family: 'ipv6', ports: [{ name: '', protocol: 'tcp', port: 80 }] })
    expect(value?.endpoints.map(({ address, ready, serving, terminating }) => [address, ready, serving, terminating])).toEqual([
      ['fd00::1', true, true, false],
      ['fd00::2', false, true, false],
      ['fd00::3', false, true, true],
    ])
  })

  test('of names, of no Service, or with nulls', () => {
    expect(convertEndpointSlice({ metadata: { ...metadata, labels }, addressType: 'FQDN' })).toEqual({ findings: [] })
    expect(convertEndpointSlice({ metadata, addressType: 'IPv4' })).toEqual({ findings: [] })
    const nulls = { metadata: { ...metadata, labels }, addressType: 'IPv4', endpoints: null, ports: null }
    expect(convertEndpointSlice(nulls).value).toMatchObject({ endpoints: [], ports: [] })
  })

  test('an address of the other family is found', () => {
    const raw = {
      metadata: { ...metadata, labels },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['fd00::1'] }, { addresses: ['10.0.0.1'] }],
    }
    const converted = convertEndpointSlice(raw)
    expect(converted.value?.endpoints.map((endpoint) => endpoint.address)).toEqual(['10.0.0.1'])
    expect(messages(converted)).toHaveLength(1)
  })
})

describe('Pod and Node', () => {
  test('host ports of containers and sidecars', () => {
    const port = (hostPort: number, hostIP?: string) => [{ containerPort: 80, hostPort, hostIP }]
    const spec = {
      nodeName: 'n',
      containers: [{ name: 'a', ports: [...port(8080), { containerPort: 81 }] }],
      initContainers: [
        { name: 'i', ports: port(1) },
        { name: 's', restartPolicy: 'Always', ports: port(8081, '127.0.0.1') },
      ],
    }
    expect(convertPod({ metadata, spec }).value?.hostPorts).toEqual([
      { hostIP: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
      { hostIP: '127.0.0.1', hostPort: 8081, containerPort: 80, protocol: 'tcp' },
    ])
  })

  test('states of a pod', () => {
    const raw: Pod = {
      metadata: { ...metadata, deletionTimestamp: 'x', creationTimestamp: '1970-01-01T00:00:01Z', labels: { app: 'web' } },
      status: { phase: 'Failed', podIP: '10.0.0.1' },
    }
    expect(convertPod(raw).value).toMatchObject({
      terminating: true,
      finished: true,
      ready: false,
      addresses: ['10.0.0.1'],
      labels: { app: 'web' },
      createdAtInMs: 1000,
    })
  })

  test('addresses of a node are its IPs, not its names', () => {
    const addresses = [
      { type: 'Hostname', address: 'n' },
      { type: 'InternalIP', address: 'FD00::1' },
      { type: 'ExternalIP', address: '192.0.2.1' },
    ]
    const raw: Node = { metadata: { name: 'n' }, spec: { podCIDR: '10.244.1.0/24' }, status: { addresses } }
    expect(convertNode(raw).value).toMatchObject({
      name: 'n',
      addresses: ['fd00::1', '192.0.2.1'],
      podCIDRs: ['10.244.1.0/24'],
      ready: false,
    })
  })
})

test.each([
  ['ToBeDeletedByClusterAutoscaler', true],
  ['node.kubernetes.io/out-of-service', true],
  ['node.kubernetes.io/unschedulable', false],
])('a node with the taint %s leaves: %s', (key, leaving) => {
  expect(convertNode({ metadata: { name: 'n' }, spec: { taints: [{ key, effect: 'NoExecute' }] } }).value?.leaving).toBe(leaving)
})

test('any JSON in spec and status is converted or refused as a whole, by an error that the reflector catches', () => {
  const convert: readonly ((raw: KubeObject) => unknown)[] = [
    (raw) => convertService(raw as Service),
    (raw) => convertEndpointSlice(raw as EndpointSlice),
    (raw) => convertPod(raw as Pod),
    (raw) => convertNode(raw as Node),
  ]
  fc.assert(
    fc.property(fc.constantFrom(...convert), fc.string(), fc.nat(70_000), (one, text, port) => {
      const ports = [{ port, hostPort: port, containerPort: port, nodePort: port, protocol: text }]
      const spec = {
        clusterIPs: [text],
        ports,
        podCIDRs: [text],
        containers: [{ name: text, ports }],
        externalIPs: [text],
        type: text,
      }
      const status = {
        podIPs: [{ ip: text }],
        addresses: [{ type: 'InternalIP', address: text }],
        loadBalancer: { ingress: [{ ip: text }] },
      }
      const raw = {
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': text } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [text] }],
        ports,
        spec,
        status,
      }
      expect(() => one(raw)).not.toThrow()
    }),
  )
})

test('the pool of a load-balancer address is read where either of its annotations is', () => {
  const pool = (annotations: Record<string, string>) =>
    convertService({ metadata: { ...metadata, annotations } }).value?.addressPool
  expect(pool({})).toBe('')
  expect(pool({ 'metallb.universe.tf/ip-allocated-from-pool': 'old' })).toBe('old')
  expect(pool({ 'metallb.universe.tf/ip-allocated-from-pool': 'old', 'metallb.io/ip-allocated-from-pool': 'new' })).toBe('new')
})

test('the class of a load balancer is what the Service names', () => {
  const named = (spec: object) => convertService({ metadata, spec: { type: 'LoadBalancer', ...spec } }).value?.loadBalancerClass
  expect(named({})).toBe('')
  expect(named({ loadBalancerClass: 'example.com/other' })).toBe('example.com/other')
})

test.each([
  ['True', true],
  ['False', false],
  ['Unknown', false],
])('a node whose condition NetworkUnavailable is %s', (status, expected) => {
  const conditions = [{ type: 'NetworkUnavailable', status }]
  expect(convertNode({ metadata: { name: 'n' }, status: { conditions } }).value?.networkUnavailable).toBe(expected)
})
