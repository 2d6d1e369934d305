import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { claimName, claimObject, convertAddressClaim } from './address-claim.ts'
import { spanOf } from './address-span.ts'
import type { Converted } from './converted.ts'
import { convertAddressPool, convertBgpAdvertisement, convertL2Advertisement } from './pool-objects.ts'

const metadata = { namespace: 'metallb-system', name: 'o' }
const messages = (converted: Converted<unknown>) => converted.findings.map(({ message }) => message)
const RACK = { matchLabels: { rack: 'r1' } }
const RACK_TERMS = [{ key: 'rack', is: 'in', values: ['r1'] }]

test.each([
  ['192.168.9.0/24', '192.168.9.0', '192.168.9.255'],
  ['192.168.9.77/24', '192.168.9.0', '192.168.9.255'],
  ['192.168.9.1/32', '192.168.9.1', '192.168.9.1'],
  ['0.0.0.0/0', '0.0.0.0', '255.255.255.255'],
  ['192.168.9.1-192.168.9.9', '192.168.9.1', '192.168.9.9'],
  [' 192.168.9.1 - 192.168.9.1 ', '192.168.9.1', '192.168.9.1'],
  ['fd00:9::/63', 'fd00:9::', 'fd00:9:0:1:ffff:ffff:ffff:ffff'],
  ['FD00:9:0::1-fd00:9::a', 'fd00:9::1', 'fd00:9::a'],
])('%s is a span', (text, first, last) => {
  expect(spanOf(text)).toEqual({ family: first.includes(':') ? 'ipv6' : 'ipv4', first, last })
})

test.each([
  '',
  '192.168.9.1',
  '192.168.9.9-192.168.9.1',
  '192.168.9.1-fd00::1',
  '1.1.1.1-2.2.2.2-3.3.3.3',
  '192.168.9.0/33',
  'a/8',
  '192.168.9.10-192.168.9.9',
])('"%s" is none', (text) => expect(spanOf(text)).toBeUndefined())

describe('IPAddressPool', () => {
  const convert = (spec: unknown, more: object = {}) => convertAddressPool({ metadata: { ...metadata, ...more }, spec })
  const span = { family: 'ipv4', first: '192.168.9.0', last: '192.168.9.255' }

  test('has MetalLB’s defaults', () => {
    const value = { key: 'metallb-system/o', name: 'o', labels: {}, spans: [span], autoAssign: true }
    expect(convert({ addresses: ['192.168.9.0/24'] })).toEqual({
      value: { ...value, avoidsBuggyAddresses: false, priority: 0, mayMove: false, createdAtInMs: 0 },
      findings: [],
    })
  })

  test('has everything that is said', () => {
    const serviceAllocation = { priority: 5, namespaces: ['shop'], namespaceSelectors: [RACK], serviceSelectors: [RACK] }
    const annotations = { 'fairway.dev/move-addresses': 'true' }
    const more = { labels: { zone: 'a' }, annotations, creationTimestamp: '1970-01-01T00:00:01Z' }
    expect(convert({ addresses: ['fd00::/120'], autoAssign: false, avoidBuggyIPs: true, serviceAllocation }, more).value).toEqual(
      {
        ...{ key: 'metallb-system/o', name: 'o', labels: { zone: 'a' }, autoAssign: false, avoidsBuggyAddresses: true },
        ...{ spans: [{ family: 'ipv6', first: 'fd00::', last: 'fd00::ff' }], priority: 5, mayMove: true, createdAtInMs: 1000 },
        reserved: { namespaces: ['shop'], namespaceSelectors: [RACK_TERMS], services: [RACK_TERMS] },
      },
    )
  })

  test('a priority alone keeps nobody away', () => {
    expect(convert({ addresses: ['192.168.9.0/24'], serviceAllocation: { priority: 1 } }).value).not.toHaveProperty('reserved')
  })

  test('goes on without an entry that is no range, and says so', () => {
    const converted = convert({ addresses: ['192.168.9.5', '192.168.9.0/24'] })
    expect(converted.value?.spans).toEqual([span])
    expect(messages(converted)).toEqual([
      'ipaddresspool/metallb-system/o: spec.addresses[0] is "192.168.9.5", which is not a prefix such as 192.168.9.0/24, or the first and the last address of one family such as 192.168.9.1-192.168.9.9; it is left out.',
    ])
  })

  test.each([
    '0.0.0.0/0',
    '127.0.0.0/8',
    '224.0.0.0/24',
    '255.255.255.0/24',
    '169.254.1.1-169.254.1.9',
    'fe80::/64',
    'ff02::/120',
  ])('does not give addresses that no machine is reached at: %s', (range) => {
    const converted = convert({ addresses: [range, '192.168.9.0/24'] })
    expect(converted.value?.spans).toHaveLength(1)
    expect(converted.findings.map(({ message }) => message).join()).toContain('which is not a range of unicast addresses')
  })

  test('is not used with a selector that would choose more than was meant', () => {
    const converted = convert({ addresses: [], serviceAllocation: { namespaceSelectors: [{ matchLabels: { a: 1 } }] } })
    expect(converted.value).toBeUndefined()
    expect(messages(converted)[0]).toContain('spec.serviceAllocation.namespaceSelectors[0].matchLabels.a is 1')
  })
})

test('an L2Advertisement says which addresses, from which nodes and interfaces', () => {
  const common = { key: 'metallb-system/o', name: 'o' }
  expect(convertL2Advertisement({ metadata })).toEqual({
    value: { ...common, pools: [], poolSelectors: [], services: [], nodes: [], interfaces: [], preferredNodes: [] },
    findings: [],
  })
  const spec = {
    ...{ ipAddressPools: ['b', 'a'], ipAddressPoolSelectors: [RACK], serviceSelectors: [{}], nodeSelectors: [RACK] },
    ...{ interfaces: ['eth1', 'eth0'], preferredNodeSelectors: [{ weight: 7, preference: RACK }] },
  }
  expect(convertL2Advertisement({ metadata, spec }).value).toEqual({
    ...{ ...common, pools: ['a', 'b'], poolSelectors: [RACK_TERMS], services: [[]], nodes: [RACK_TERMS] },
    ...{ interfaces: ['eth0', 'eth1'], preferredNodes: [{ weight: 7, selector: RACK_TERMS }] },
  })
  const heavy = { preferredNodeSelectors: [{ weight: 101, preference: RACK }] }
  expect(messages(convertL2Advertisement({ metadata, spec: heavy }))).toEqual([
    'l2advertisement/metallb-system/o: spec.preferredNodeSelectors[0].weight is 101, which is not a whole number from 1 to 100; the advertisement is not used.',
  ])
})

test('a BGPAdvertisement says how the routes look', () => {
  expect(convertBgpAdvertisement({ metadata }).value).toEqual({
    ...{ key: 'metallb-system/o', name: 'o', pools: [], poolSelectors: [], services: [], nodes: [], peers: [], communities: [] },
    lengths: { ipv4: 32, ipv6: 128 },
  })
  const spec = { aggregationLength: 24, aggregationLengthV6: 64, localPref: 0, peers: ['tor'], communities: ['large:1:2:3', 'a'] }
  expect(convertBgpAdvertisement({ metadata, spec }).value).toMatchObject({
    ...{ lengths: { ipv4: 24, ipv6: 64 }, localPreference: 0, peers: ['tor'], communities: ['1:2:3', 'a'] },
  })
  expect(convertBgpAdvertisement({ metadata, spec: { communities: ['1:2:3'] } }).value).toBeUndefined()
})

describe('AddressClaim', () => {
  const claim = { address: 'fd00:9::1', pool: 'p', holders: ['a/b', 'c/d'] }
  const name = 'fd00-0009-0000-0000-0000-0000-0000-0001'

  test('is named after its address, and comes back as it was', () => {
    expect(claimName('192.168.9.0')).toBe('192.168.9.0')
    expect(claimObject(claim)).toEqual({ metadata: { name }, spec: claim })
    expect(convertAddressClaim(claimObject(claim))).toEqual({ value: claim, findings: [] })
  })

  test('counts those that are giving the address up', () => {
    const { value } = convertAddressClaim({ metadata: { name }, spec: { ...claim, leaving: ['b/x', 'a/b'] } })
    expect(value?.holders).toEqual(['a/b', 'b/x', 'c/d'])
  })

  test('with another name is none', () => {
    expect(messages(convertAddressClaim({ metadata: { name: 'x' }, spec: claim }))).toEqual([
      'addressclaim/x: spec.address is "fd00:9::1", which is not the address that the claim is named after; the claim is not used.',
    ])
  })
})

test('any JSON at all is taken without a throw', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (spec) => {
      for (const convert of [convertAddressPool, convertL2Advertisement, convertBgpAdvertisement, convertAddressClaim])
        expect(convert({ metadata, spec }).findings).toBeInstanceOf(Array)
    }),
  )
})
