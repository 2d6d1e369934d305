/** FloatingAddress: an address that follows pods from node to node, as agents see it, and as a request for addresses. */
import { holderKey } from '../model/address-holder.ts'
import { LOAD_BALANCER_SETTING_INVALID } from '../model/codes/controller.ts'
import type { AddressRequest, FloatingAddress, FloatingCandidate } from '../model/load-balancer.ts'
import type { Family } from '../model/world.ts'
import { canonicalAddress, familyOf, isGlobalUnicast } from './address.ts'
import { communitiesOf, LOCAL_PREFERENCES } from './bgp-objects.ts'
import type { Converted } from './converted.ts'
import { selectorOf, selectorsOf } from './label-selector.ts'
import { keyOf } from './resource.ts'
import { Fields, Notes, type SettingsObject } from './settings.ts'
import type { Condition } from './types.ts'

export interface FloatingAddressObject extends SettingsObject {
  /** Fairway's own words: of a shape that can be trusted no more than the spec. */
  readonly status?: {
    readonly addresses?: readonly string[]
    /** Where they are, and the pod that they are for: what the agent there says. */
    readonly node?: string
    readonly pod?: string
    readonly candidates?: readonly { readonly node: string; readonly pod: string }[]
    readonly conditions?: readonly Condition[]
  }
}

const FAMILIES: Readonly<Record<string, Family>> = { IPv4: 'ipv4', IPv6: 'ipv6' }

export function convertFloatingAddress(raw: FloatingAddressObject): Converted<FloatingAddress> {
  const { notes, spec, asked, pool, pods } = read(raw)
  const l2 = spec.child('l2')
  const bgp = spec.child('bgp')
  return notes.result<FloatingAddress>({
    key: keyOf(raw),
    name: raw.metadata.name ?? '',
    labels: raw.metadata.labels ?? {},
    addresses: currentFloating(raw).filter((address) => asked.length === 0 || asked.includes(address)),
    addressPool: pool,
    candidates: candidatesOf(raw),
    ...placeOf(raw),
    pods,
    nodes: selectorsOf(spec, 'nodeSelectors'),
    ...(l2 === undefined ? {} : { l2: { interfaces: l2.texts('interfaces') } }),
    ...(bgp === undefined ? {} : { bgp: announcedBy(bgp) }),
  })
}

function announcedBy(bgp: Fields): FloatingAddress['bgp'] {
  const localPreference = bgp.raw('localPref') === undefined ? undefined : bgp.whole('localPref', LOCAL_PREFERENCES)
  const announced = { peers: bgp.texts('peers'), communities: communitiesOf(bgp) }
  return localPreference === undefined ? announced : { ...announced, localPreference }
}

/** As a request for the addresses that it names, or for some of its pool. */
export function convertFloatingRequest(raw: FloatingAddressObject): Converted<AddressRequest> {
  const { notes, spec, asked, pool } = read(raw)
  const named = spec.texts('ipFamilies').flatMap((family) => {
    const known = FAMILIES[family]
    if (known === undefined) notes.refuse(spec.name('ipFamilies'), family, 'IPv4 or IPv6')
    return known ?? []
  })
  const families: readonly Family[] = asked.length > 0 ? asked.map(familyOf) : named.length > 0 ? named : ['ipv4', 'ipv6']
  return notes.result<AddressRequest>({
    key: holderKey('floatingaddress', keyOf(raw)),
    labels: raw.metadata.labels ?? {},
    families,
    needsAll: asked.length + named.length > 0,
    addresses: asked,
    mayBeOutside: asked.length > 0,
    pool,
    sharingKey: '',
    ports: [],
    localBackends: '',
    current: currentFloating(raw),
    createdAtInMs: Date.parse(raw.metadata.creationTimestamp ?? '') || 0,
  })
}

/** Addresses in its status, canonical. */
export function currentFloating({ status }: FloatingAddressObject): readonly string[] {
  const addresses: unknown = status?.addresses
  return Array.isArray(addresses) ? addresses.flatMap((one) => canonicalAddress(String(one)) ?? []) : []
}

function candidatesOf({ status }: FloatingAddressObject): FloatingAddress['candidates'] {
  const candidates: unknown = status?.candidates
  return Array.isArray(candidates) ? candidates.flatMap((one) => candidateOf(one) ?? []) : []
}

function placeOf({ status }: FloatingAddressObject): Pick<FloatingAddress, 'place'> {
  const place = candidateOf(status)
  return place === undefined ? {} : { place }
}

function candidateOf(one: { readonly node?: unknown; readonly pod?: unknown } | null | undefined): FloatingCandidate | undefined {
  const { node, pod } = one ?? {}
  return typeof node === 'string' && typeof pod === 'string' ? { node, pod } : undefined
}

/** What both readings need. A server without the definition's rules stores anything. */
function read(raw: FloatingAddressObject) {
  const notes = new Notes({ code: LOAD_BALANCER_SETTING_INVALID, kind: 'floatingaddress', noun: 'floating address' }, raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  const asked = spec.list('addresses').flatMap(([value, name]) => {
    const address = typeof value === 'string' ? canonicalAddress(value) : undefined
    if (address === undefined) notes.refuse(name, value, 'an IP address')
    else if (!isGlobalUnicast(address)) notes.refuse(name, value, 'a unicast address that others can reach')
    return address ?? []
  })
  const pool = spec.text('pool')
  if (new Set(asked.map(familyOf)).size < asked.length) notes.forbid('spec.addresses', 'has two of one family')
  if ((asked.length === 0) === (pool === '')) notes.forbid('spec', 'must have either addresses or pool, and not both')
  const selector = spec.child('selector')
  const pods = selector === undefined ? [] : selectorOf(selector)
  if (pods.length === 0) notes.forbid('spec.selector', 'chooses every pod; name labels of those that the address is for')
  return { notes, spec, asked, pool, pods }
}
