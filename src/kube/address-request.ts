/** Services of type LoadBalancer as requests for addresses. */
import type { AddressRequest, SharedPort } from '../model/load-balancer.ts'
import type { Family } from '../model/world.ts'
import { canonicalAddress, familyOf } from './address.ts'
import { type Converted, FieldReader } from './converted.ts'
import { keyOf } from './resource.ts'
import type { Service } from './types.ts'

/** Source: MetalLB; the second prefix is its older one. */
const PREFIXES = ['metallb.io/', 'metallb.universe.tf/']

/**
 * Whether the Service is to have an address of ours: of type LoadBalancer, and of our class. '' is the class of those that name none.
 * Source: MetalLB, flag --lb-class.
 */
export function isOurs(raw: Service, loadBalancerClass: string): boolean {
  return raw.spec?.type === 'LoadBalancer' && (raw.spec.loadBalancerClass ?? '') === loadBalancerClass
}

/** Without a value: it asks for no address of ours. `loadBalancerClass`: as in `isOurs`. */
export function convertAddressRequest(raw: Service, loadBalancerClass: string): Converted<AddressRequest> {
  const read = new FieldReader('Service', raw)
  const spec = raw.spec ?? {}
  const families = familiesOf(raw)
  if (!isOurs(raw, loadBalancerClass) || families.length === 0) return { findings: [] }
  const asked = askedAddresses(raw, read)
  const value: AddressRequest = {
    key: keyOf(raw),
    labels: raw.metadata.labels ?? {},
    families,
    needsAll: spec.ipFamilyPolicy !== 'PreferDualStack',
    addresses: asked ?? [],
    ...(asked === undefined ? { isUnreadable: true } : {}),
    mayBeOutside: false,
    pool: annotation(raw, 'address-pool'),
    sharingKey: annotation(raw, 'allow-shared-ip'),
    ports: portsOf(raw, read),
    localBackends: spec.externalTrafficPolicy === 'Local' ? JSON.stringify(Object.entries(spec.selector ?? {}).toSorted()) : '',
    current: currentAddresses(raw),
    createdAtInMs: Date.parse(raw.metadata.creationTimestamp ?? '') || 0,
  }
  return { value, findings: read.findings }
}

/** Addresses in the status of the Service, canonical; what is none is not ours. */
export function currentAddresses(raw: Service): readonly string[] {
  return (raw.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => canonicalAddress(ip ?? '') ?? [])
}

function familiesOf({ spec = {} }: Service): readonly Family[] {
  const named = (spec.ipFamilies ?? []).map((family): Family => (family === 'IPv6' ? 'ipv6' : 'ipv4'))
  const clusterIPs = (spec.clusterIPs ?? [spec.clusterIP ?? '']).flatMap((ip) => canonicalAddress(ip) ?? [])
  return named.length > 0 ? named : [...new Set(clusterIPs.map(familyOf))]
}

function annotation({ metadata: { annotations = {} } }: Service, name: string): string {
  return PREFIXES.map((prefix) => annotations[prefix + name]).find((value) => value !== undefined) ?? ''
}

/** The annotation, or spec.loadBalancerIP. Undefined where one of them is no address: any other one would be a surprise. */
function askedAddresses(raw: Service, read: FieldReader): readonly string[] | undefined {
  const list = annotation(raw, 'loadBalancerIPs')
  const field = list === '' ? 'spec.loadBalancerIP' : 'metadata.annotations[metallb.io/loadBalancerIPs]'
  const texts = (list === '' ? (raw.spec?.loadBalancerIP ?? '') : list).split(',').map((text) => text.trim())
  if (list === '' && texts[0] === '') return []
  const addresses = texts.map((text) => read.address(text, field))
  return addresses.includes(undefined) ? undefined : [...new Set(addresses.filter((address) => address !== undefined))]
}

function portsOf(raw: Service, read: FieldReader): readonly SharedPort[] {
  return (raw.spec?.ports ?? []).flatMap((entry, index) => {
    const protocol = read.protocol(entry.protocol, `spec.ports[${index}].protocol`)
    const port = read.port(entry.port, `spec.ports[${index}].port`)
    return protocol === undefined || port === undefined ? [] : { protocol, port }
  })
}
