import { expect, test } from 'vitest'
import { convertAddressRequest } from './address-request.ts'
import type { Service, ServiceSpec } from './types.ts'

const SPEC: ServiceSpec = {
  type: 'LoadBalancer',
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
  clusterIPs: ['10.96.0.7'],
  selector: { run: 'nginx' },
  ports: [{ port: 80 }, { port: 53, protocol: 'UDP' }],
}

function service(spec: ServiceSpec = {}, annotations: Readonly<Record<string, string>> = {}): Service {
  return {
    metadata: {
      ...{ namespace: 'default', name: 'nginx', labels: { run: 'nginx' }, annotations },
      creationTimestamp: '1970-01-01T00:00:01Z',
    },
    spec: { ...SPEC, ...spec },
    status: { loadBalancer: { ingress: [{ ip: '192.168.9.0' }, { hostname: 'a.example' }] } },
  }
}

const REQUEST = {
  key: 'default/nginx',
  labels: { run: 'nginx' },
  families: ['ipv4'],
  needsAll: true,
  addresses: [],
  mayBeOutside: false,
  pool: '',
  sharingKey: '',
  ports: [
    { protocol: 'tcp', port: 80 },
    { protocol: 'udp', port: 53 },
  ],
  localBackends: '',
  current: ['192.168.9.0'],
  createdAtInMs: 1000,
}
const convert = (spec?: ServiceSpec, annotations?: Readonly<Record<string, string>>, ofClass = '') =>
  convertAddressRequest(service(spec, annotations), ofClass)

test('a Service of type LoadBalancer asks for an address', () => {
  expect(convert()).toEqual({ value: REQUEST, findings: [] })
})

test.each<[string, ServiceSpec, Readonly<Record<string, string>>, object]>([
  ['an address', { loadBalancerIP: '192.168.9.7' }, {}, { addresses: ['192.168.9.7'] }],
  ['one of each family', {}, { 'metallb.io/loadBalancerIPs': '192.168.9.7, FD00::9' }, { addresses: ['192.168.9.7', 'fd00::9'] }],
  ['addresses in the old words', {}, { 'metallb.universe.tf/loadBalancerIPs': '192.168.9.7' }, { addresses: ['192.168.9.7'] }],
  ['a pool', {}, { 'metallb.universe.tf/address-pool': 'a' }, { pool: 'a' }],
  ['the new words first', {}, { 'metallb.io/address-pool': 'b', 'metallb.universe.tf/address-pool': 'a' }, { pool: 'b' }],
  ['to share', {}, { 'metallb.io/allow-shared-ip': 'k' }, { sharingKey: 'k' }],
  [
    'what there is of both families',
    { ipFamilies: ['IPv6', 'IPv4'], ipFamilyPolicy: 'PreferDualStack' },
    {},
    { families: ['ipv6', 'ipv4'], needsAll: false },
  ],
  ['by the families of its cluster addresses', { ipFamilies: [], clusterIPs: ['fd00::1'] }, {}, { families: ['ipv6'] }],
  [
    'with its selector under policy Local',
    { externalTrafficPolicy: 'Local', selector: { b: '2', a: '1' } },
    {},
    { localBackends: '[["a","1"],["b","2"]]' },
  ],
])('it may ask for %s', (_, spec, annotations, more) => {
  expect(convert(spec, annotations)).toEqual({ value: { ...REQUEST, ...more }, findings: [] })
})

test('what is no LoadBalancer of our class asks for nothing', () => {
  expect(convert({ type: 'NodePort' })).toEqual({ findings: [] })
  expect(convert({ loadBalancerClass: 'a.example/b' })).toEqual({ findings: [] })
  expect(convert({}, {}, 'a.example/b')).toEqual({ findings: [] })
  expect(convert({ loadBalancerClass: 'a.example/b' }, {}, 'a.example/b').value).toEqual(REQUEST)
})

test('one that asks for what is no address says so, and asks for nothing', () => {
  const { value, findings } = convert({}, { 'metallb.io/loadBalancerIPs': '192.168.9.7,192.168.9' })
  expect(value).toMatchObject({ isUnreadable: true, addresses: [], current: ['192.168.9.0'] })
  expect(findings[0]?.message).toBe(
    'service/default/nginx: metadata.annotations[metallb.io/loadBalancerIPs] is "192.168.9", which is not an IP address; it is not used.',
  )
})
