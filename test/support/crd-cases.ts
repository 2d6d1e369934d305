/** Objects of the shipped definitions: some that must be accepted, and one for each rule that must be refused with its sentence. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const CRDS = fileURLToPath(new URL('../../deploy/crds', import.meta.url))

export interface CrdObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec: object
}

/** An object that is refused, and the sentence, after the path of the field. */
export interface Refusal {
  readonly object: CrdObject
  readonly sentence: string
}

const metallb = (version: string, kind: string) => (name: string, spec: object) => ({
  ...{ apiVersion: `metallb.io/${version}`, kind, metadata: { name, namespace: 'default' }, spec },
})
const fairway = (kind: string) => (name: string, spec: object) => ({
  ...{ apiVersion: 'fairway.dev/v1alpha1', kind, metadata: { name }, spec },
})
const peer = metallb('v1beta2', 'BGPPeer')
const oldPeer = metallb('v1beta1', 'BGPPeer')
const profile = metallb('v1beta1', 'BFDProfile')
const community = metallb('v1beta1', 'Community')
const advertisement = fairway('PodRouteAdvertisement')
const routeImport = fairway('BGPRouteImport')
const sessionStatus = fairway('BGPSessionStatus')
const claim = fairway('AddressClaim')
const floating = (name: string, spec: object) => ({
  ...{ apiVersion: 'fairway.dev/v1alpha1', kind: 'FloatingAddress', metadata: { name, namespace: 'default' }, spec },
})
const announced = metallb('v1beta1', 'ServiceBGPStatus')
const announcedNear = metallb('v1beta1', 'ServiceL2Status')
const pool = metallb('v1beta1', 'IPAddressPool')
const l2 = metallb('v1beta1', 'L2Advertisement')
const bgp = metallb('v1beta1', 'BGPAdvertisement')

const PEER = { myASN: 64513, peerASN: 64512, peerAddress: '192.168.0.1' }
const SELECTOR = {
  matchLabels: { rack: 'r1' },
  matchExpressions: [
    { key: 'a', operator: 'In', values: ['b'] },
    { key: 'c', operator: 'Exists' },
  ],
}

export const ACCEPTED: readonly CrdObject[] = [
  peer('tor', PEER),
  peer('everything', {
    ...{ myASN: 4294967295, peerASN: 1, peerAddress: 'fd00:192:168::1', sourceAddress: 'fd00:192:168::154', peerPort: 1179 },
    ...{ holdTime: '1m30s', keepaliveTime: '30s', connectTime: '10s', routerID: '192.168.0.154', nodeSelectors: [SELECTOR] },
    ...{ passwordSecret: { name: 'bgp', namespace: 'default' }, bfdProfile: 'fast', ebgpMultiHop: true },
    ...{ enableGracefulRestart: true, dualStackAddressFamily: true },
  }),
  peer('unnumbered', { myASN: 64513, dynamicASN: 'external', interface: 'eth1', holdTime: '0s', keepaliveTime: '0s' }),
  oldPeer('old', { ...PEER, holdTime: '9s' }),
  profile('fast', { receiveInterval: 50, transmitInterval: 50, detectMultiplier: 3, passiveMode: false, minimumTtl: 254 }),
  profile('defaults', {}),
  community('names', {
    communities: [
      { name: 'no-export', value: '65535:65281' },
      { name: 'far', value: 'large:4294967295:1:2' },
    ],
  }),
  advertisement('ranges', { nodePodCIDRs: true }),
  advertisement('web', {
    ...{ pods: { selector: SELECTOR, namespaceSelector: {} }, peers: ['tor'], nodeSelectors: [SELECTOR] },
    ...{ communities: ['no-export', '64512:1', 'large:1:2:3'], localPref: 200, aggregationLength: 24, aggregationLengthV6: 124 },
    ...{ keepSourceTo: ['10.0.0.0/8', 'fd00::/8'] },
  }),
  routeImport('default', { peers: ['tor'], prefixes: [{ cidr: '0.0.0.0/0' }, { cidr: 'fd00::/8', maxLength: 64 }] }),
  sessionStatus('rack-9--tor', { node: 'rack-9', peer: 'tor' }),
  claim('192.168.9.0', { address: '192.168.9.0', pool: 'first', holders: ['default/web'] }),
  announced('web--n1', {}),
  announcedNear('web--n1', {}),
  pool('first', { addresses: ['192.168.9.0/24'] }),
  pool('dual', {
    ...{ addresses: ['192.168.10.1 - 192.168.10.9', 'fd00:192:168:9::/64'], autoAssign: false, avoidBuggyIPs: true },
    serviceAllocation: { priority: 5, namespaces: ['shop'], namespaceSelectors: [SELECTOR], serviceSelectors: [SELECTOR] },
  }),
  floating('own', {
    ...{ addresses: ['192.168.10.1', 'fd00:192:168::10:1'], selector: SELECTOR, l2: { interfaces: ['eth0'] } },
    ...{ bgp: { peers: ['tor'], communities: ['edge', '64512:1'], localPref: 200 }, nodeSelectors: [SELECTOR] },
  }),
  floating('pooled', { pool: 'dual', ipFamilies: ['IPv6', 'IPv4'], selector: SELECTOR }),
  l2('all', {}),
  l2('some', {
    ...{ ipAddressPools: ['first'], ipAddressPoolSelectors: [SELECTOR], nodeSelectors: [SELECTOR], serviceSelectors: [SELECTOR] },
    ...{ interfaces: ['eth0'], preferredNodeSelectors: [{ weight: 100, preference: SELECTOR }] },
  }),
  bgp('all', {}),
  bgp('some', {
    ...{ aggregationLength: 24, aggregationLengthV6: 64, localPref: 200, communities: ['no-export', '64512:1', 'large:1:2:3'] },
    ...{ ipAddressPools: ['dual'], peers: ['tor'], nodeSelectors: [SELECTOR], serviceSelectors: [SELECTOR] },
  }),
]

const nodesWith = (operator: string, values?: readonly string[]) => ({
  nodeSelectors: [{ matchExpressions: [{ key: 'a', operator, ...(values === undefined ? {} : { values }) }] }],
})

/** Sentences of rules, as they stand in the definitions. */
const UNICAST = 'must be a unicast address: no multicast, broadcast, loopback, link-local or unspecified one'
const VALUES = 'In and NotIn have values, Exists and DoesNotExist have none'
const KEEPALIVE = 'keepaliveTime must be from 1s to holdTime (90s where nothing is said)'
const COMMUNITY = 'a community is NUMBER:NUMBER or large:NUMBER:NUMBER:NUMBER'
const COMMUNITY_OR_NAME = 'a community is NUMBER:NUMBER, large:NUMBER:NUMBER:NUMBER, or the name of one in a Community'
const NUMBERS = 'the numbers of a community go up to 65535, those of a large one up to 4294967295'
const PREFIX = 'must be a prefix such as 10.0.0.0/8'
const SPAN =
  'must be a prefix such as 192.168.9.0/24, or the first and the last address of one family such as 192.168.9.1-192.168.9.9'
const LENGTH = 'maxLength must be from the length of cidr to that of an address'

const PEERS: readonly (readonly [object, string])[] = [
  [{ peerASN: 0 }, 'say either peerASN or dynamicASN, and not both'],
  [{ dynamicASN: 'external' }, 'say either peerASN or dynamicASN, and not both'],
  [{ peerAddress: '' }, 'say either peerAddress or interface, and not both'],
  [{ interface: 'eth1' }, 'say either peerAddress or interface, and not both'],
  [{ password: 'a', passwordSecret: { name: 'b' } }, 'say either password or passwordSecret, and not both'],
  [
    { ebgpMultiHop: true, peerASN: 0, dynamicASN: 'internal' },
    'ebgpMultiHop is for external neighbors, and this one is internal',
  ],
  [{ ebgpMultiHop: true, peerASN: 64513 }, 'ebgpMultiHop is for external neighbors, and peerASN is our own'],
  [{ holdTime: '2s' }, 'holdTime is 0s, or from 3s to 65535s'],
  [{ holdTime: '20h' }, 'holdTime is 0s, or from 3s to 65535s'],
  [{ holdTime: 'soon' }, 'spec.holdTime in body should match'],
  [{ keepaliveTime: '91s' }, KEEPALIVE],
  [{ keepaliveTime: '0s' }, KEEPALIVE],
  [{ holdTime: '30s', keepaliveTime: '31s' }, KEEPALIVE],
  [{ sourceAddress: 'fd00::1' }, 'sourceAddress and peerAddress must be of one family'],
  [{ peerAddress: '192.168.0' }, 'must be an IPv4 or IPv6 address'],
  [{ sourceAddress: 'tor' }, 'must be an IPv4 or IPv6 address'],
  [{ routerID: 'fd00::1' }, 'must be written as an IPv4 address'],
  [{ connectTime: '0s' }, 'connectTime must be from 1s to 65535s'],
  [{ connectTime: '1500ms' }, 'connectTime must be whole seconds'],
  [{ myASN: 0 }, 'spec.myASN in body should be greater than or equal to 1'],
  [{ myASN: 4294967296 }, 'spec.myASN in body should be less than or equal to 4294967295'],
  [{ peerPort: 0 }, 'spec.peerPort in body should be greater than or equal to 1'],
  [{ peerPort: 65536 }, 'spec.peerPort in body should be less than or equal to 65535'],
  [{ dynamicASN: 'any', peerASN: 0 }, 'supported values: "internal", "external"'],
]

const OLD_PEERS: readonly (readonly [object, string])[] = [
  [{ peerASN: 0 }, 'peerASN must be at least 1'],
  [{ peerAddress: '' }, 'peerAddress must be said'],
  [{ ebgpMultiHop: true, peerASN: 64513 }, 'ebgpMultiHop is for external neighbors, and peerASN is our own'],
  [{ holdTime: '2s' }, 'holdTime is 0s, or from 3s to 65535s'],
  [{ keepaliveTime: '91s' }, KEEPALIVE],
  [{ sourceAddress: 'fd00::1' }, 'sourceAddress and peerAddress must be of one family'],
  [{ peerAddress: 'tor' }, 'must be an IPv4 or IPv6 address'],
  [{ routerID: '1' }, 'must be written as an IPv4 address'],
]

const OTHERS: readonly (readonly [(name: string, spec: object) => CrdObject, object, string])[] = [
  [profile, { receiveInterval: 9 }, 'spec.receiveInterval in body should be greater than or equal to 10'],
  [profile, { transmitInterval: 60001 }, 'spec.transmitInterval in body should be less than or equal to 60000'],
  [profile, { detectMultiplier: 1 }, 'spec.detectMultiplier in body should be greater than or equal to 2'],
  [community, { communities: [{ name: 'a', value: '1' }] }, COMMUNITY],
  [community, { communities: [{ name: 'a', value: '65536:1' }] }, NUMBERS],
  [community, { communities: [{ name: 'a', value: 'large:1:2:4294967296' }] }, NUMBERS],
  [community, { communities: [{ name: 'a:b', value: '1:1' }] }, 'a name has no colon, so that it is no value'],
  [advertisement, {}, 'nothing is announced: set nodePodCIDRs, or choose pods'],
  [advertisement, { nodePodCIDRs: true, communities: ['1:2:3'] }, COMMUNITY_OR_NAME],
  [advertisement, { nodePodCIDRs: true, communities: ['70000:1'] }, NUMBERS],
  [advertisement, { nodePodCIDRs: true, keepSourceTo: ['10.0.0.1'] }, PREFIX],
  [
    advertisement,
    { nodePodCIDRs: true, aggregationLength: 33 },
    'spec.aggregationLength in body should be less than or equal to 32',
  ],
  [advertisement, { nodePodCIDRs: true, ...nodesWith('In') }, VALUES],
  [advertisement, { nodePodCIDRs: true, ...nodesWith('Exists', ['x']) }, VALUES],
  [advertisement, { nodePodCIDRs: true, ...nodesWith('Gt', ['1']) }, 'supported values: "In", "NotIn", "Exists", "DoesNotExist"'],
  [routeImport, {}, 'Required value'],
  [routeImport, { prefixes: [] }, 'spec.prefixes in body should have at least 1 items'],
  [routeImport, { prefixes: [{ cidr: '10.0.0.0' }] }, PREFIX],
  [routeImport, { prefixes: [{ cidr: '10.0.0.0/8', maxLength: 7 }] }, LENGTH],
  [routeImport, { prefixes: [{ cidr: '10.0.0.0/8', maxLength: 33 }] }, LENGTH],
  [routeImport, { prefixes: [{ cidr: '::/0' }], ...nodesWith('NotIn', []) }, VALUES],
  [sessionStatus, { node: '', peer: 'tor' }, 'spec.node in body should be at least 1 chars long'],
  [claim, { address: 'web', pool: 'first', holders: [] }, 'must be an IPv4 or IPv6 address'],
  [floating, { selector: SELECTOR }, 'say either addresses or pool, and not both'],
  [floating, { addresses: ['192.168.10.1'], pool: 'a', selector: SELECTOR }, 'say either addresses or pool, and not both'],
  [
    floating,
    { addresses: ['192.168.10.1', '192.168.10.2'], selector: SELECTOR },
    'two addresses must be one of IPv4 and one of IPv6',
  ],
  [floating, { addresses: ['edge'], selector: SELECTOR }, 'must be an IPv4 or IPv6 address'],
  [floating, { addresses: ['0.0.0.0'], selector: SELECTOR }, UNICAST],
  [floating, { addresses: ['127.0.0.1'], selector: SELECTOR }, UNICAST],
  [floating, { addresses: ['224.0.0.5'], selector: SELECTOR }, UNICAST],
  [floating, { addresses: ['255.255.255.255'], selector: SELECTOR }, UNICAST],
  [floating, { addresses: ['::'], selector: SELECTOR }, UNICAST],
  [floating, { addresses: ['fe80::1'], selector: SELECTOR }, UNICAST],
  [floating, { addresses: ['ff02::1'], selector: SELECTOR }, UNICAST],
  [floating, { pool: 'a', selector: {} }, 'the selector must name labels, since an empty one would choose every pod'],
  [
    floating,
    { addresses: ['192.168.10.1'], ipFamilies: ['IPv4'], selector: SELECTOR },
    'ipFamilies is for an address from a pool',
  ],
  [floating, { pool: 'a', selector: SELECTOR, bgp: { communities: ['1:2:3'] } }, COMMUNITY_OR_NAME],
  [floating, { pool: 'a', selector: SELECTOR, ...nodesWith('In') }, VALUES],
  [pool, {}, 'Required value'],
  [pool, { addresses: ['192.168.9.0'] }, SPAN],
  [pool, { addresses: ['192.168.9.1-fd00::1'] }, SPAN],
  [pool, { addresses: ['192.168.9.0/24'], serviceAllocation: { priority: -1 } }, 'greater than or equal to 0'],
  [l2, { preferredNodeSelectors: [{ weight: 101, preference: {} }] }, 'less than or equal to 100'],
  [bgp, { communities: ['1:2:3'] }, COMMUNITY_OR_NAME],
  [bgp, { aggregationLength: 33 }, 'spec.aggregationLength in body should be less than or equal to 32'],
]

export const REFUSED: readonly Refusal[] = [
  ...PEERS.map(([spec, sentence], at) => ({ object: peer(`peer-${at}`, { ...PEER, ...spec }), sentence })),
  ...OLD_PEERS.map(([spec, sentence], at) => ({ object: oldPeer(`old-peer-${at}`, { ...PEER, ...spec }), sentence })),
  ...OTHERS.map(([make, spec, sentence], at) => ({ object: make(`other-${at}`, spec), sentence })),
]

/** What may not change once it is there: the merge patch of an accepted object, and the sentence. */
export const FIXED: readonly {
  readonly kind: string
  readonly name: string
  readonly spec: object
  readonly sentence: string
}[] = [
  {
    ...{ kind: 'BGPPeer', name: 'everything', spec: { enableGracefulRestart: false } },
    sentence: 'enableGracefulRestart cannot be changed; make the peer anew',
  },
  {
    ...{ kind: 'AddressClaim', name: '192.168.9.0', spec: { address: '192.168.9.1' } },
    sentence: 'a claim is of one address for ever',
  },
  {
    ...{ kind: 'BGPSessionStatus', name: 'rack-9--tor', spec: { node: 'rack-8' } },
    sentence: 'a status is of one node and one peer for ever',
  },
]

/** The sentence of every rule of every version that is shipped. */
export function shippedSentences(): ReadonlySet<string> {
  const sentences = new Set<string>()
  const collect = (json: unknown): void => {
    if (typeof json !== 'object' || json === null) return
    const rules = (json as { readonly 'x-kubernetes-validations'?: readonly { readonly message: string }[] })[
      'x-kubernetes-validations'
    ]
    for (const { message } of rules ?? []) sentences.add(message)
    for (const value of Object.values(json)) collect(value)
  }
  for (const file of readdirSync(CRDS).filter((name) => name.endsWith('.yaml')))
    collect(parse(readFileSync(`${CRDS}/${file}`, 'utf8')))
  return sentences
}
