/** BGPPeer in Fairway's words. */
import ipaddr from 'ipaddr.js'
import type { BgpPeer, Password } from '../model/bgp-config.ts'
import { BGP_ENTRY_INVALID } from '../model/codes/bgp.ts'
import { familyOf } from './address.ts'
import type { Converted } from './converted.ts'
import { selectorsOf } from './label-selector.ts'
import { keyOf } from './resource.ts'
import { Fields, Notes, type SettingsObject } from './settings.ts'

/** Source: RFC 6793; 0 is reserved (RFC 7607). */
const AS_NUMBERS = { least: 1, most: 0xffff_ffff, unset: 0 }
const BGP_PORT = 179
/** MetalLB's defaults; its connectTime is whatever FRR has, two minutes, and nobody wants to wait that long for a router to come back. */
const HOLD_IN_S = 90
const CONNECT_IN_S = 5
const LONGEST_IN_S = 65_535
/** The kernel takes 80 octets. Source: linux, TCP_MD5SIG_MAXKEYLEN. */
const PASSWORD_OCTETS = 80

/** Takes any JSON of the kind; an object with a value that cannot be used as it was meant is left out. */
export function convertBgpPeer(raw: SettingsObject): Converted<BgpPeer> {
  const notes = new Notes({ code: BGP_ENTRY_INVALID, kind: 'bgppeer', noun: 'peer' }, raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  const password = passwordOf(spec, raw.metadata.namespace ?? '')
  refuseUnsupported(spec)
  return notes.result<BgpPeer>({
    key: keyOf(raw),
    name: raw.metadata.name ?? '',
    ...numbersOf(spec),
    ...addressesOf(spec),
    ...timesOf(spec),
    nodes: selectorsOf(spec, 'nodeSelectors'),
    ...(password === undefined ? {} : { password }),
    bfdProfile: spec.text('bfdProfile'),
    gracefulRestart: spec.flag('enableGracefulRestart'),
    bothFamilies: spec.flag('dualStackAddressFamily'),
  })
}

type Numbers = Pick<BgpPeer, 'localAs' | 'peerAs' | 'multihop'>

function numbersOf(spec: Fields): Numbers {
  const { notes } = spec
  const localAs = spec.whole('myASN', AS_NUMBERS)
  if (spec.raw('myASN') === undefined) notes.forbid('spec.myASN', 'is missing')
  const multihop = spec.flag('ebgpMultiHop')
  // 0 is how a program says nothing
  const number = spec.whole('peerASN', { ...AS_NUMBERS, least: 0 })
  const dynamic = spec.text('dynamicASN')
  if (dynamic !== '' && dynamic !== 'internal' && dynamic !== 'external') {
    notes.refuse('spec.dynamicASN', dynamic, 'internal or external')
    return { localAs, peerAs: number, multihop }
  }
  if ((number === 0) === (dynamic === '')) notes.forbid('spec.peerASN', 'or dynamicASN must be said, and not both')
  if (multihop && (dynamic === 'internal' || number === localAs))
    notes.forbid('spec.ebgpMultiHop', 'is for external neighbors, and this one is internal')
  return { localAs, peerAs: dynamic === '' ? number : dynamic, multihop }
}

type Addresses = Pick<BgpPeer, 'peerAddress' | 'interface' | 'sourceAddress' | 'peerPort' | 'routerId'>

function addressesOf(spec: Fields): Addresses {
  const { notes } = spec
  const peerAddress = spec.address('peerAddress')
  const sourceAddress = spec.address('sourceAddress')
  const routerId = spec.address('routerID')
  const link = spec.text('interface')
  if ((peerAddress === '') === (link === '')) notes.forbid('spec.peerAddress', 'or interface must be said, and not both')
  // Source: linux, dev_valid_name
  if (link !== '' && !/^(?!\.{1,2}$)[^\s/:\p{Cc}]{1,15}$/u.test(link))
    notes.refuse('spec.interface', link, 'the name of an interface')
  for (const [field, address] of [['spec.peerAddress', peerAddress] as const, ['spec.sourceAddress', sourceAddress] as const])
    if (address !== '' && !isUnicast(address)) notes.refuse(field, address, 'the address of a host')
  if (isLinkLocal(peerAddress)) notes.forbid('spec.peerAddress', 'is an address of one link, which only interface can say')
  if (peerAddress !== '' && sourceAddress !== '' && familyOf(peerAddress) !== familyOf(sourceAddress))
    notes.forbid('spec.sourceAddress', 'and peerAddress must be of one family')
  if (routerId !== '' && (familyOf(routerId) === 'ipv6' || routerId === '0.0.0.0'))
    notes.refuse('spec.routerID', routerId, 'an identifier written as an IPv4 address')
  const port = spec.whole('peerPort', { least: 0, most: 65_535, unset: BGP_PORT })
  return { peerAddress, interface: link, sourceAddress, peerPort: port || BGP_PORT, routerId }
}

function isUnicast(address: string): boolean {
  return !['unspecified', 'multicast', 'broadcast'].includes(ipaddr.parse(address).range())
}

function isLinkLocal(address: string): boolean {
  return familyOf(address) === 'ipv6' && ipaddr.parse(address).range() === 'linkLocal'
}

type Times = Pick<BgpPeer, 'holdTimeInS' | 'keepaliveInS' | 'connectInS'>

/** Whole seconds, which is all that the protocol has. Source: RFC 4271 sections 4.2 and 4.4. */
function timesOf(spec: Fields): Times {
  const hold = spec.duration('holdTime', HOLD_IN_S, [
    '0s, or a duration from 3s to 65535s',
    (inS) => inS === 0 || (inS >= 3 && inS <= LONGEST_IN_S),
  ])
  const holdTimeInS = Math.trunc(hold)
  const third = Math.trunc(holdTimeInS / 3)
  const keepaliveInS = spec.duration('keepaliveTime', third, [
    `a duration from 1s to holdTime (${holdTimeInS}s)`,
    (inS) => inS <= hold && (inS >= 1 || hold === 0),
  ])
  const connectInS = spec.duration('connectTime', CONNECT_IN_S, [
    'a duration of whole seconds from 1s to 65535s',
    (inS) => Number.isInteger(inS) && inS >= 1 && inS <= LONGEST_IN_S,
  ])
  return { holdTimeInS, keepaliveInS: Math.trunc(keepaliveInS), connectInS }
}

/** What was in the field is never repeated: findings are read by others than Secrets are. */
function passwordOf(spec: Fields, namespace: string): Password | undefined {
  const text = spec.raw('password') ?? ''
  const name = spec.child('passwordSecret')?.text('name') ?? ''
  if (typeof text !== 'string') spec.notes.forbid('spec.password', 'is not a text')
  else if (Buffer.byteLength(text) > PASSWORD_OCTETS)
    spec.notes.forbid('spec.password', `is longer than ${PASSWORD_OCTETS} octets`)
  else if (text !== '' && name !== '') spec.notes.forbid('spec.password', 'and passwordSecret must not both be said')
  if (name !== '') return { secret: secretKey(spec, namespace, name) }
  return typeof text === 'string' && text !== '' ? { text } : undefined
}

/** Both become parts of a request. Source: RFC 1123 names, as Kubernetes has them. */
function secretKey(spec: Fields, ownNamespace: string, name: string): string {
  const namespace = spec.child('passwordSecret')?.text('namespace') || ownNamespace
  const [named, placed] = [/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/]
  if (!named.test(name)) spec.notes.refuse('spec.passwordSecret.name', name, 'the name of a Secret')
  if (!placed.test(namespace)) spec.notes.refuse('spec.passwordSecret.namespace', namespace, 'the name of a namespace')
  return `${namespace}/${name}`
}

/** What would make another session than was meant if it were passed over. */
function refuseUnsupported(spec: Fields): void {
  if (spec.text('vrf') !== '') spec.notes.forbid('spec.vrf', 'is not supported: sessions are made in the main VRF of the node')
  if (spec.whole('localASN', { ...AS_NUMBERS, least: 0 }) !== 0)
    spec.notes.forbid('spec.localASN', 'is not supported: say the AS number that this neighbor expects in myASN')
  if (spec.flag('disableMP') && spec.flag('dualStackAddressFamily'))
    spec.notes.forbid('spec.disableMP', 'and dualStackAddressFamily contradict each other')
}
