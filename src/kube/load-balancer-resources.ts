/** Where load-balancer addresses and their settings are in the API. Source: deploy/crds. */
import type { AddressClaimObject } from './address-claim.ts'
import type { FloatingAddressObject } from './floating-address.ts'
import type { Resource } from './resource.ts'
import type { SettingsObject } from './settings.ts'

const metallb = (plural: string, kind: string): Resource<SettingsObject> => ({
  ...{ group: 'metallb.io', version: 'v1beta1', plural, kind, namespaced: true },
})

export const IP_ADDRESS_POOLS = metallb('ipaddresspools', 'IPAddressPool')
export const L2_ADVERTISEMENTS = metallb('l2advertisements', 'L2Advertisement')
export const BGP_ADVERTISEMENTS = metallb('bgpadvertisements', 'BGPAdvertisement')
export const ADDRESS_CLAIMS: Resource<AddressClaimObject> = {
  ...{ group: 'fairway.dev', version: 'v1alpha1', plural: 'addressclaims', kind: 'AddressClaim', namespaced: false },
}
export const FLOATING_ADDRESSES: Resource<FloatingAddressObject> = {
  ...{ group: 'fairway.dev', version: 'v1alpha1', plural: 'floatingaddresses', kind: 'FloatingAddress', namespaced: true },
}
