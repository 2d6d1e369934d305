/** Pools of addresses and their advertisements in Fairway's words. Every function takes any JSON of the kind. */

import { LOAD_BALANCER_SETTING_INVALID } from '../model/codes/controller.ts'
import type * as balancer from '../model/load-balancer.ts'
import { isGlobalUnicast } from './address.ts'
import { spanOf } from './address-span.ts'
import { communitiesOf, LOCAL_PREFERENCES } from './bgp-objects.ts'
import type { Converted } from './converted.ts'
import { selectorOf, selectorsOf } from './label-selector.ts'
import { keyOf } from './resource.ts'
import { Fields, Notes, type SettingsObject } from './settings.ts'

/** The explicit word that addresses which an edit takes out of the pool may be taken from those who have them. */
const MOVE_ADDRESSES = 'fairway.dev/move-addresses'
const SPAN_FORM =
  'a prefix such as 192.168.9.0/24, or the first and the last address of one family such as 192.168.9.1-192.168.9.9'

function about(kind: string, noun: string) {
  return { code: LOAD_BALANCER_SETTING_INVALID, kind, noun }
}

/** An entry of `addresses` that is no range is left out. */
export function convertAddressPool(raw: SettingsObject): Converted<balancer.AddressPool> {
  const notes = new Notes(about('ipaddresspool', 'pool'), raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  const allocation = spec.child('serviceAllocation')
  const priority = allocation?.whole('priority', { least: 0, most: Number.MAX_SAFE_INTEGER, unset: 0 }) ?? 0
  const reserved = allocation === undefined ? undefined : reservedOf(allocation)
  return notes.result<balancer.AddressPool>({
    key: keyOf(raw),
    name: raw.metadata.name ?? '',
    labels: raw.metadata.labels ?? {},
    spans: spansOf(spec),
    autoAssign: spec.raw('autoAssign') === undefined || spec.flag('autoAssign'),
    avoidsBuggyAddresses: spec.flag('avoidBuggyIPs'),
    priority,
    ...(reserved === undefined ? {} : { reserved }),
    mayMove: raw.metadata.annotations?.[MOVE_ADDRESSES] === 'true',
    createdAtInMs: Date.parse(raw.metadata.creationTimestamp ?? '') || 0,
  })
}

function spansOf(spec: Fields): readonly balancer.AddressSpan[] {
  return spec.list('addresses').flatMap(([value, name]) => {
    const span = typeof value === 'string' ? spanOf(value) : undefined
    if (span === undefined) spec.notes.skip(name, value, SPAN_FORM)
    if (span === undefined || (isGlobalUnicast(span.first) && isGlobalUnicast(span.last))) return span ?? []
    spec.notes.skip(
      name,
      value,
      'a range of unicast addresses: no multicast, broadcast, loopback, link-local or unspecified ones',
    )
    return []
  })
}

/** Undefined when it names nobody: then the pool is for everybody. */
function reservedOf(allocation: Fields): balancer.AddressPool['reserved'] {
  const namespaces = allocation.texts('namespaces')
  const namespaceSelectors = selectorsOf(allocation, 'namespaceSelectors')
  const services = selectorsOf(allocation, 'serviceSelectors')
  const isForAll = namespaces.length + namespaceSelectors.length + services.length === 0
  return isForAll ? undefined : { namespaces, namespaceSelectors, services }
}

export function convertL2Advertisement(raw: SettingsObject): Converted<balancer.L2Advertisement> {
  const notes = new Notes(about('l2advertisement', 'advertisement'), raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  return notes.result<balancer.L2Advertisement>({
    ...advertisementOf(raw, spec),
    interfaces: spec.texts('interfaces'),
    preferredNodes: spec.children('preferredNodeSelectors').map((entry) => {
      const preference = entry.child('preference')
      return {
        weight: entry.whole('weight', { least: 1, most: 100, unset: 1 }),
        selector: preference === undefined ? [] : selectorOf(preference),
      }
    }),
  })
}

export function convertBgpAdvertisement(raw: SettingsObject): Converted<balancer.BgpAdvertisement> {
  const notes = new Notes(about('bgpadvertisement', 'advertisement'), raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  const localPreference = spec.raw('localPref') === undefined ? undefined : spec.whole('localPref', LOCAL_PREFERENCES)
  return notes.result<balancer.BgpAdvertisement>({
    ...advertisementOf(raw, spec),
    peers: spec.texts('peers'),
    communities: communitiesOf(spec),
    ...(localPreference === undefined ? {} : { localPreference }),
    lengths: {
      ipv4: spec.whole('aggregationLength', { least: 1, most: 32, unset: 32 }),
      ipv6: spec.whole('aggregationLengthV6', { least: 1, most: 128, unset: 128 }),
    },
  })
}

function advertisementOf(raw: SettingsObject, spec: Fields): balancer.Advertisement {
  return {
    key: keyOf(raw),
    name: raw.metadata.name ?? '',
    pools: spec.texts('ipAddressPools'),
    poolSelectors: selectorsOf(spec, 'ipAddressPoolSelectors'),
    services: selectorsOf(spec, 'serviceSelectors'),
    nodes: selectorsOf(spec, 'nodeSelectors'),
  }
}
