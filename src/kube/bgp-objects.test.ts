import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  convertBfdProfile,
  convertCommunityNames,
  convertNamespace,
  convertPeerSecret,
  convertPodRouteAdvertisement,
  convertRouteImport,
} from './bgp-objects.ts'
import type { Converted } from './converted.ts'

const metadata = { name: 'o' }
const namespaced = { namespace: 'metallb-system', name: 'o' }
const messages = (converted: Converted<unknown>) => converted.findings.map(({ message }) => message)

describe('BFDProfile', () => {
  const convert = (spec: unknown) => convertBfdProfile({ metadata: namespaced, spec })

  test('has MetalLB’s defaults, also without a spec', () => {
    const defaults = { name: 'o', receiveInMs: 300, transmitInMs: 300, detectMultiplier: 3, passive: false, echo: false }
    expect(convert(undefined)).toEqual({ value: defaults, findings: [] })
    const spec = { receiveInterval: 50, transmitInterval: 60, detectMultiplier: 5, passiveMode: true, echoMode: false }
    expect(convert(spec).value).toEqual({
      name: 'o',
      receiveInMs: 50,
      transmitInMs: 60,
      detectMultiplier: 5,
      passive: true,
      echo: false,
    })
  })

  test('is used without what BIRD does not have, and says so', () => {
    const { value, findings } = convert({ echoMode: true, minimumTtl: 250 })
    expect(value).toMatchObject({ receiveInMs: 300 })
    expect(findings.map(({ message }) => message)).toEqual([
      'bfdprofile/metallb-system/o: spec.echoMode is not supported; the profile is used without it.',
      'bfdprofile/metallb-system/o: spec.minimumTtl is not supported; the profile is used without it.',
    ])
  })

  test.each<[object, string]>([
    [{ receiveInterval: 9 }, 'spec.receiveInterval is 9, which is not a whole number from 10 to 60000'],
    [{ transmitInterval: 60001 }, 'spec.transmitInterval is 60001, which is not a whole number from 10 to 60000'],
    [{ detectMultiplier: 1 }, 'spec.detectMultiplier is 1, which is not a whole number from 2 to 255'],
    [{ passiveMode: 1 }, 'spec.passiveMode is 1, which is not true or false'],
  ])('%j is refused', (spec, sentence) => {
    expect(convert(spec).value).toBeUndefined()
    expect(messages(convert(spec))).toEqual([`bfdprofile/metallb-system/o: ${sentence}; the profile is not used.`])
  })
})

describe('Community', () => {
  const convert = (...communities: readonly unknown[]) => convertCommunityNames({ metadata: namespaced, spec: { communities } })

  test('gives names to values in the form of announcements', () => {
    const { value, findings } = convert(
      { name: 'no-export', value: '65535:65281' },
      { name: 'far', value: 'large:4294967295:01:0' },
      { name: '__proto__', value: '1:2' },
    )
    expect(findings).toEqual([])
    expect(value?.key).toBe('metallb-system/o')
    expect(Object.entries(value?.names ?? {})).toEqual([
      ['no-export', '65535:65281'],
      ['far', '4294967295:1:0'],
      ['__proto__', '1:2'],
    ])
  })

  test.each([
    '',
    '1',
    '1:2:3',
    '65536:1',
    'large:1:2',
    'large:4294967296:1:1',
    '1:x',
    '1:',
    'large:1:2:3:4',
    ' 1:2',
    '1:2\n',
  ])('the value %j is left out, the others are not', (value) => {
    const converted = convert({ name: 'bad', value }, { name: 'good', value: '1:2' })
    expect(converted.value?.names).toEqual({ good: '1:2' })
    expect(messages(converted)).toEqual([
      `community/metallb-system/o: spec.communities[0].value is ${JSON.stringify(value)}, which is not a community: NUMBER:NUMBER up to 65535, or large:NUMBER:NUMBER:NUMBER up to 4294967295; it is left out.`,
    ])
  })
})

describe('PodRouteAdvertisement', () => {
  const convert = (spec: unknown) => convertPodRouteAdvertisement({ metadata, spec })

  test('the ranges of nodes, and defaults', () => {
    expect(convert({ nodePodCIDRs: true })).toEqual({
      value: {
        ...{ name: 'o', nodeRanges: true, peers: [], nodes: [], communities: [], keepSourceTo: [] },
        lengths: { ipv4: 32, ipv6: 128 },
      },
      findings: [],
    })
  })

  test('pods, and all else', () => {
    const { value, findings } = convert({
      pods: { selector: { matchLabels: { app: 'web' } } },
      peers: ['b', 'a', 'b'],
      nodeSelectors: [{ matchLabels: { rack: 'r1' } }],
      communities: ['internal', 'large:1:2:3', '65000:001'],
      localPref: 0,
      aggregationLength: 24,
      aggregationLengthV6: 124,
      keepSourceTo: ['10.1.2.3/8', 'FD00::/8'],
    })
    expect(findings).toEqual([])
    expect(value).toEqual({
      ...{ name: 'o', nodeRanges: false, peers: ['a', 'b'], nodes: [[{ key: 'rack', is: 'in', values: ['r1'] }]] },
      pods: { selector: [{ key: 'app', is: 'in', values: ['web'] }], namespaces: [] },
      ...{ communities: ['1:2:3', '65000:1', 'internal'], localPreference: 0, lengths: { ipv4: 24, ipv6: 124 } },
      keepSourceTo: ['10.0.0.0/8', 'fd00::/8'],
    })
    expect(convert({ pods: {} }).value?.pods).toEqual({ selector: [], namespaces: [] })
  })

  const form = 'a community: NUMBER:NUMBER up to 65535, or large:NUMBER:NUMBER:NUMBER up to 4294967295, or the name of one'

  test.each<[object, string]>([
    [{}, 'spec announces nothing: set nodePodCIDRs, or choose pods'],
    [{ nodePodCIDRs: true, communities: ['no', '65536:1'] }, `spec.communities[1] is "65536:1", which is not ${form}`],
    [{ nodePodCIDRs: true, communities: [''] }, `spec.communities[0] is "", which is not ${form}`],
    [{ nodePodCIDRs: true, localPref: -1 }, 'spec.localPref is -1, which is not a whole number from 0 to 4294967295'],
    [{ nodePodCIDRs: true, aggregationLength: 33 }, 'spec.aggregationLength is 33, which is not a whole number from 1 to 32'],
    [{ nodePodCIDRs: true, peers: [1] }, 'spec.peers[0] is 1, which is not a text'],
    [{ pods: [] }, 'spec.pods is [], which is not an object'],
    [{ pods: { selector: 'app' } }, 'spec.pods.selector is "app", which is not an object'],
  ])('%j is refused', (spec, sentence) => {
    expect(convert(spec).value).toBeUndefined()
    expect(messages(convert(spec))).toEqual([`podrouteadvertisement/o: ${sentence}; the advertisement is not used.`])
  })

  test('a range that is none is left out of keepSourceTo', () => {
    const converted = convert({ nodePodCIDRs: true, keepSourceTo: ['10.0.0.0', '10.0.0.0/8'] })
    expect(converted.value?.keepSourceTo).toEqual(['10.0.0.0/8'])
    expect(messages(converted)).toEqual([
      'podrouteadvertisement/o: spec.keepSourceTo[0] is "10.0.0.0", which is not a prefix; it is left out.',
    ])
  })
})

describe('BGPRouteImport', () => {
  const convert = (...prefixes: readonly unknown[]) => convertRouteImport({ metadata, spec: { prefixes } })

  test('prefixes are canonical and sorted; without maxLength only the prefix itself is meant', () => {
    const { value, findings } = convert({ cidr: '::/0' }, { cidr: '10.1.0.0/8', maxLength: 24 }, { cidr: '0.0.0.0/0' })
    expect(findings).toEqual([])
    expect(value?.prefixes).toEqual([
      { cidr: '0.0.0.0/0', maxLength: 0 },
      { cidr: '10.0.0.0/8', maxLength: 24 },
      { cidr: '::/0', maxLength: 0 },
    ])
  })

  test.each<[unknown, string]>([
    [{ cidr: '10.0.0.0' }, 'spec.prefixes[0].cidr is "10.0.0.0", which is not a prefix'],
    [{}, 'spec.prefixes[0].cidr is null, which is not a prefix'],
    [{ cidr: '10.0.0.0/8', maxLength: 7 }, 'spec.prefixes[0].maxLength is 7, which is not a length from 8 to 32'],
    [{ cidr: '10.0.0.0/8', maxLength: 33 }, 'spec.prefixes[0].maxLength is 33, which is not a length from 8 to 32'],
    [{ cidr: 'fd00::/8', maxLength: 129 }, 'spec.prefixes[0].maxLength is 129, which is not a length from 8 to 128'],
  ])('%j is left out, the others are not', (entry, sentence) => {
    const converted = convert(entry, { cidr: '0.0.0.0/0' })
    expect(converted.value?.prefixes).toEqual([{ cidr: '0.0.0.0/0', maxLength: 0 }])
    expect(messages(converted)).toEqual([`bgprouteimport/o: ${sentence}; it is left out.`])
  })
})

describe('a Secret with a password', () => {
  const base64 = (text: string | Buffer) => Buffer.from(text as string).toString('base64')
  const convert = (password: string | undefined, type: string | undefined = 'kubernetes.io/basic-auth') =>
    convertPeerSecret({ metadata: namespaced, type, data: password === undefined ? {} : { password } })

  test('gives its text as it is', () => {
    expect(convert(base64('päss word\n'))).toEqual({ key: 'metallb-system/o', text: 'päss word\n', problem: '' })
  })

  test.each([
    [base64('hunter2'), 'Opaque', 'the Secret metallb-system/o is of type Opaque, not kubernetes.io/basic-auth'],
    [undefined, undefined, 'the Secret metallb-system/o has no key "password"'],
    ['', undefined, 'the Secret metallb-system/o has no key "password"'],
    [base64('x'.repeat(81)), undefined, 'the password in the Secret metallb-system/o is longer than 80 octets'],
    [base64(Buffer.of(0xff, 0xfe)), undefined, 'the password in the Secret metallb-system/o is not UTF-8'],
  ])('or says why there is none', (password, type, problem) => {
    expect(convert(password, type)).toEqual({ key: 'metallb-system/o', problem })
  })
})

test('a namespace has labels', () => {
  expect(convertNamespace({ metadata: { name: 'a', labels: { x: 'y' } } }).value).toEqual({ name: 'a', labels: { x: 'y' } })
  expect(convertNamespace({ metadata: { name: 'a' } }).value).toEqual({ name: 'a', labels: {} })
})

test('no JSON makes any of them fail', () => {
  const names = ['communities', 'prefixes', 'pods', 'peers', 'nodeSelectors', 'nodePodCIDRs', 'keepSourceTo', 'localPref', 'cidr']
  const entry = fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom(...names, 'name', 'value', 'maxLength'), fc.jsonValue()))
  const spec = fc.oneof(entry, fc.dictionary(fc.constantFrom(...names), fc.oneof(entry, fc.array(entry))))
  fc.assert(
    fc.property(spec, (json) => {
      for (const convert of [convertBfdProfile, convertPodRouteAdvertisement, convertRouteImport, convertCommunityNames]) {
        const { value, findings } = convert({ metadata, spec: json })
        expect(value !== undefined || findings.length > 0).toBe(true)
      }
    }),
  )
})
