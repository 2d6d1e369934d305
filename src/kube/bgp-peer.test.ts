import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { convertBgpPeer } from './bgp-peer.ts'
import { parseGoDuration } from './go-duration.ts'

const metadata = { namespace: 'metallb-system', name: 'tor' }
const SPEC = { myASN: 64513, peerASN: 64512, peerAddress: '192.168.0.1' }
const convert = (spec: unknown) => convertBgpPeer({ metadata, spec })
const changed = (fields: object) => convert({ ...SPEC, ...fields })

test('a peer of which only the least is said has the defaults', () => {
  expect(convert(SPEC)).toEqual({
    value: {
      key: 'metallb-system/tor',
      name: 'tor',
      localAs: 64513,
      peerAs: 64512,
      peerAddress: '192.168.0.1',
      interface: '',
      sourceAddress: '',
      peerPort: 179,
      holdTimeInS: 90,
      keepaliveInS: 30,
      connectInS: 5,
      routerId: '',
      nodes: [],
      bfdProfile: '',
      gracefulRestart: false,
      multihop: false,
      bothFamilies: false,
    },
    findings: [],
  })
})

test('a peer of which all is said', () => {
  const { value, findings } = changed({
    peerAddress: 'FD00:192:168::0001',
    sourceAddress: 'fd00:192:168::154',
    peerPort: 1179,
    holdTime: '1m0s',
    keepaliveTime: '1.5s',
    connectTime: '10s',
    routerID: '192.168.0.154',
    nodeSelectors: [{ matchLabels: { rack: 'r1' } }, {}],
    passwordSecret: { name: 'bgp' },
    bfdProfile: 'fast',
    enableGracefulRestart: true,
    ebgpMultiHop: true,
    dualStackAddressFamily: true,
    disableMP: false,
    localASN: 0,
    vrf: '',
  })
  expect(findings).toEqual([])
  expect(value).toMatchObject({
    ...{ peerAddress: 'fd00:192:168::1', sourceAddress: 'fd00:192:168::154', peerPort: 1179, routerId: '192.168.0.154' },
    ...{ holdTimeInS: 60, keepaliveInS: 1, connectInS: 10, bfdProfile: 'fast' },
    ...{ gracefulRestart: true, multihop: true, bothFamilies: true, password: { secret: 'metallb-system/bgp' } },
    nodes: [[{ key: 'rack', is: 'in', values: ['r1'] }], []],
  })
})

test.each([
  [{ peerPort: 0 }, { peerPort: 179 }],
  [{ peerASN: 0, dynamicASN: 'external' }, { peerAs: 'external' }],
  [{ peerASN: undefined, dynamicASN: 'internal' }, { peerAs: 'internal' }],
  [{ peerASN: 64513 }, { peerAs: 64513 }],
  [
    { peerAddress: '', interface: 'eth1' },
    { peerAddress: '', interface: 'eth1' },
  ],
  [{ holdTime: '0s' }, { holdTimeInS: 0, keepaliveInS: 0 }],
  [{ holdTime: '3s' }, { holdTimeInS: 3, keepaliveInS: 1 }],
  [
    { holdTime: '3900ms', keepaliveTime: '3.9s' },
    { holdTimeInS: 3, keepaliveInS: 3 },
  ],
  [{ password: 'x' }, { password: { text: 'x' } }],
  [{ passwordSecret: { name: 'a', namespace: 'b' } }, { password: { secret: 'b/a' } }],
  [{ passwordSecret: {} }, { key: 'metallb-system/tor' }],
  [{ disableMP: true }, { bothFamilies: false }],
])('%j is %j', (fields, expected) => {
  const { value, findings } = changed(fields)
  expect(findings).toEqual([])
  expect(value).toMatchObject(expected)
})

const NOT_USED = '; the peer is not used.'
const ASN = 'not a whole number from 1 to 4294967295'

test.each<[object, string]>([
  [{ myASN: 0 }, `spec.myASN is 0, which is ${ASN}`],
  [{ myASN: 4294967296 }, `spec.myASN is 4294967296, which is ${ASN}`],
  [{ myASN: '64512' }, `spec.myASN is "64512", which is ${ASN}`],
  [{ myASN: undefined }, 'spec.myASN is missing'],
  [{ peerASN: -1 }, 'spec.peerASN is -1, which is not a whole number from 0 to 4294967295'],
  [{ peerASN: 1.5 }, 'spec.peerASN is 1.5, which is not a whole number from 0 to 4294967295'],
  [{ peerASN: 0 }, 'spec.peerASN or dynamicASN must be said, and not both'],
  [{ dynamicASN: 'external' }, 'spec.peerASN or dynamicASN must be said, and not both'],
  [{ dynamicASN: 'any' }, 'spec.dynamicASN is "any", which is not internal or external'],
  [{ peerAddress: '192.168.0' }, 'spec.peerAddress is "192.168.0", which is not an IP address'],
  [{ peerAddress: '' }, 'spec.peerAddress or interface must be said, and not both'],
  [{ interface: 'eth0' }, 'spec.peerAddress or interface must be said, and not both'],
  [{ peerAddress: '', interface: 'a b' }, 'spec.interface is "a b", which is not the name of an interface'],
  [{ peerAddress: '', interface: 'eth0"; x' }, 'spec.interface is "eth0\\"; x", which is not the name of an interface'],
  [{ peerAddress: '224.0.0.1' }, 'spec.peerAddress is "224.0.0.1", which is not the address of a host'],
  [{ peerAddress: '::' }, 'spec.peerAddress is "::", which is not the address of a host'],
  [{ peerAddress: 'fe80::1' }, 'spec.peerAddress is an address of one link, which only interface can say'],
  [{ sourceAddress: 'fd00::1' }, 'spec.sourceAddress and peerAddress must be of one family'],
  [{ routerID: 'fd00::1' }, 'spec.routerID is "fd00::1", which is not an identifier written as an IPv4 address'],
  [{ routerID: '0.0.0.0' }, 'spec.routerID is "0.0.0.0", which is not an identifier written as an IPv4 address'],
  [{ peerPort: 65536 }, 'spec.peerPort is 65536, which is not a whole number from 0 to 65535'],
  [{ holdTime: '2s' }, 'spec.holdTime is "2s", which is not 0s, or a duration from 3s to 65535s'],
  [{ holdTime: '90' }, 'spec.holdTime is "90", which is not 0s, or a duration from 3s to 65535s'],
  [{ holdTime: 90 }, 'spec.holdTime is 90, which is not a text'],
  [{ keepaliveTime: '91s' }, 'spec.keepaliveTime is "91s", which is not a duration from 1s to holdTime (90s)'],
  [{ keepaliveTime: '0s' }, 'spec.keepaliveTime is "0s", which is not a duration from 1s to holdTime (90s)'],
  [{ connectTime: '1500ms' }, 'spec.connectTime is "1500ms", which is not a duration of whole seconds from 1s to 65535s'],
  [{ ebgpMultiHop: true, peerASN: 64513 }, 'spec.ebgpMultiHop is for external neighbors, and this one is internal'],
  [{ ebgpMultiHop: 'yes' }, 'spec.ebgpMultiHop is "yes", which is not true or false'],
  [{ password: 'a', passwordSecret: { name: 'b' } }, 'spec.password and passwordSecret must not both be said'],
  [{ password: 'é'.repeat(41) }, 'spec.password is longer than 80 octets'],
  [{ password: { secret: 'value' } }, 'spec.password is not a text'],
  [{ passwordSecret: 'b' }, 'spec.passwordSecret is "b", which is not an object'],
  [{ passwordSecret: { name: 'a,b' } }, 'spec.passwordSecret.name is "a,b", which is not the name of a Secret'],
  [
    { passwordSecret: { name: 'a', namespace: 'b/c' } },
    'spec.passwordSecret.namespace is "b/c", which is not the name of a namespace',
  ],
  [{ vrf: 'red' }, 'spec.vrf is not supported: sessions are made in the main VRF of the node'],
  [{ localASN: 64999 }, 'spec.localASN is not supported: say the AS number that this neighbor expects in myASN'],
  [{ disableMP: true, dualStackAddressFamily: true }, 'spec.disableMP and dualStackAddressFamily contradict each other'],
  [{ nodeSelectors: {} }, 'spec.nodeSelectors is {}, which is not a list'],
  [{ nodeSelectors: [{ matchLabels: { a: 1 } }] }, 'spec.nodeSelectors[0].matchLabels.a is 1, which is not a text'],
])('%j is refused', (fields, sentence) => {
  const { value, findings } = changed(fields)
  expect(value).toBeUndefined()
  expect(findings).toEqual([
    expect.objectContaining({
      code: expect.objectContaining({ name: 'BGP_ENTRY_INVALID' }),
      subjects: ['bgppeer/metallb-system/tor'],
      message: `bgppeer/metallb-system/tor: ${sentence}${NOT_USED}`,
    }),
  ])
})

describe('selectors', () => {
  const terms = (...matchExpressions: readonly unknown[]) => changed({ nodeSelectors: [{ matchExpressions }] })

  test('every operator, in one order', () => {
    const { value } = terms(
      { key: 'd', operator: 'DoesNotExist' },
      { key: 'c', operator: 'Exists', values: [] },
      { key: 'b', operator: 'NotIn', values: ['y', 'x', 'y'] },
      { key: 'a', operator: 'In', values: [''] },
    )
    expect(value?.nodes).toEqual([
      [
        { key: 'a', is: 'in', values: [''] },
        { key: 'b', is: 'not-in', values: ['x', 'y'] },
        { key: 'c', is: 'present', values: [] },
        { key: 'd', is: 'absent', values: [] },
      ],
    ])
  })

  test.each<[unknown, string]>([
    [{ key: 'a', operator: 'Gt', values: ['1'] }, 'operator is "Gt", which is not In, NotIn, Exists or DoesNotExist'],
    [{ key: 'a', operator: 'toString', values: ['1'] }, 'operator is "toString", which is not In, NotIn, Exists or DoesNotExist'],
    [{ key: 'a', operator: 'In' }, 'values must not be empty with In'],
    [{ key: 'a', operator: 'NotIn', values: [] }, 'values must not be empty with NotIn'],
    [{ key: 'a', operator: 'Exists', values: ['x'] }, 'values must be empty with Exists'],
    [{ operator: 'Exists' }, 'key is "", which is not the key of a label'],
  ])('%j is refused: fewer terms would choose more than was meant', (term, sentence) => {
    const { value, findings } = terms(term)
    expect(value).toBeUndefined()
    expect(findings.map(({ message }) => message)).toEqual([
      `bgppeer/metallb-system/tor: spec.nodeSelectors[0].matchExpressions[0].${sentence}${NOT_USED}`,
    ])
  })
})

test('every wrong field is named, and no password is repeated', () => {
  const { findings } = changed({ myASN: 0, peerAddress: 'x', password: 'hunter2'.repeat(20) })
  expect(findings.map(({ fix }) => fix)).toEqual(['Correct spec.password.', 'Correct spec.myASN.', 'Correct spec.peerAddress.'])
  expect(JSON.stringify(findings)).not.toContain('hunter2')
})

test('no JSON makes it fail, and what is given has a form', () => {
  const field = fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom('0s', '3s', '10.0.0.1', 'fd00::1', 'internal', '', true))
  const names = [...Object.keys(SPEC), 'dynamicASN', 'holdTime', 'keepaliveTime', 'connectTime', 'routerID', 'interface']
  names.push(
    'nodeSelectors',
    'password',
    'passwordSecret',
    'sourceAddress',
    'peerPort',
    'ebgpMultiHop',
    'vrf',
    'localASN',
    '__proto__',
  )
  const spec = fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...names), field))
  fc.assert(
    fc.property(spec, (json) => {
      const { value, findings } = convert(json)
      expect(value === undefined).toBe(findings.length > 0)
    }),
  )
})

test.each([
  ['0', 0],
  ['90s', 90],
  ['1m30s', 90],
  ['1.5h', 5400],
  ['.5s', 0.5],
  ['-3s', -3],
  ['250ms', 0.25],
  ['', undefined],
  ['3', undefined],
  ['s', undefined],
  ['3 s', undefined],
  ['3s!', undefined],
])('the duration %j is %j', (text, seconds) => {
  expect(parseGoDuration(text)).toBe(seconds)
})
