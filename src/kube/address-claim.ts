/** AddressClaim: an address that was given to Services, as the API keeps it. Its name is the address, so that none is given twice. */
import ipaddr from 'ipaddr.js'
import { LOAD_BALANCER_SETTING_INVALID } from '../model/codes/controller.ts'
import type { AddressClaim } from '../model/load-balancer.ts'
import type { Converted } from './converted.ts'
import { Fields, Notes, type SettingsObject, sorted } from './settings.ts'
import type { KubeObject } from './types.ts'

export interface AddressClaimObject extends KubeObject {
  readonly spec?: {
    readonly address: string
    readonly pool: string
    readonly holders: readonly string[]
    /** Those that are giving it up: it is not free before they are seen to be without it. */
    readonly leaving?: readonly string[]
  }
}

/** The name of an address in the API: IPv4 as it is, IPv6 written out in full with dashes. `address` is canonical. */
export function claimName(address: string): string {
  if (!address.includes(':')) return address
  return ipaddr.IPv6.parse(address)
    .parts.map((part) => part.toString(16).padStart(4, '0'))
    .join('-')
}

/** Those that are giving the address up hold it still, until they are seen to be without it. A claim whose name is not that of its address guards nothing, and is no claim. */
export function convertAddressClaim(raw: SettingsObject): Converted<AddressClaim> {
  const notes = new Notes({ code: LOAD_BALANCER_SETTING_INVALID, kind: 'addressclaim', noun: 'claim' }, raw)
  const spec = new Fields(notes, raw.spec, 'spec')
  const address = spec.address('address')
  if (address === '' || claimName(address) !== raw.metadata.name)
    notes.refuse(spec.name('address'), spec.raw('address'), 'the address that the claim is named after')
  return notes.result<AddressClaim>({
    address,
    pool: spec.text('pool'),
    holders: sorted([...spec.texts('holders'), ...spec.texts('leaving')]),
  })
}

/** The object of a claim, without the metadata of one that is stored. */
export function claimObject({ address, pool, holders }: AddressClaim): AddressClaimObject {
  return { metadata: { name: claimName(address) }, spec: { address, pool, holders } }
}
