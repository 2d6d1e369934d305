import type { Code } from '../code.ts'

/** FW0601-0619: which addresses Services of type LoadBalancer are given, and why not. */
export const ADDRESS_POOL_EXHAUSTED: Code = {
  code: 'FW0601',
  name: 'ADDRESS_POOL_EXHAUSTED',
  severity: 'warning',
  title: 'No address is free for a Service',
  cause: 'All addresses of the pools that the Service may have one of are given to other Services.',
  fix: 'Add a range to `spec.addresses` of the pool, or delete a Service that has one. The Service gets an address as soon as one is free.',
}

export const ADDRESS_IN_USE: Code = {
  code: 'FW0602',
  name: 'ADDRESS_IN_USE',
  severity: 'warning',
  title: 'The address that a Service asks for is given to another',
  cause:
    'Services share an address only where both have the same annotation metallb.io/allow-shared-ip, no port in common, and both externalTrafficPolicy Cluster, or Local with the same selector.',
  fix: 'Ask for another address, or give both Services the same annotation metallb.io/allow-shared-ip and different ports.',
}

export const ADDRESS_POOL_UNKNOWN: Code = {
  code: 'FW0603',
  name: 'ADDRESS_POOL_UNKNOWN',
  severity: 'warning',
  title: 'A Service asks for a pool that does not exist',
  cause:
    'The annotation metallb.io/address-pool of the Service names an IPAddressPool that is not there, or that cannot be used.',
  fix: 'Correct the annotation metallb.io/address-pool, or make the IPAddressPool.',
}

export const ADDRESS_POOL_NOT_FOR_SERVICE: Code = {
  code: 'FW0604',
  name: 'ADDRESS_POOL_NOT_FOR_SERVICE',
  severity: 'warning',
  title: 'A Service asks for a pool that is for others',
  cause: 'The serviceAllocation of the pool chooses neither the namespace of the Service nor its labels.',
  fix: 'Ask for another pool, or change `spec.serviceAllocation` of the pool.',
}

export const ADDRESS_FAMILY_MISSING: Code = {
  code: 'FW0605',
  name: 'ADDRESS_FAMILY_MISSING',
  severity: 'warning',
  title: 'No pool has addresses of all families that a Service needs',
  cause: 'All addresses of a Service come from one pool, and none that it may use has ranges of each of its families.',
  fix: 'Add a range of the missing family to `spec.addresses` of the pool, or give the Service ipFamilyPolicy PreferDualStack or SingleStack.',
}

export const ADDRESS_IN_NO_POOL: Code = {
  code: 'FW0606',
  name: 'ADDRESS_IN_NO_POOL',
  severity: 'warning',
  title: 'The address that a Service asks for is in no pool',
  cause:
    'No IPAddressPool has the address, or the pool that the Service asks for does not; a pool with avoidBuggyIPs has none that end in .0 or .255.',
  fix: 'Ask for an address of a pool, or add the address to `spec.addresses` of one.',
}

export const ADDRESS_POOLS_OVERLAP: Code = {
  code: 'FW0607',
  name: 'ADDRESS_POOLS_OVERLAP',
  severity: 'warning',
  title: 'Two pools have the same addresses',
  cause:
    'Ranges of two IPAddressPools overlap. The older pool has the addresses that are in both; the younger one only the rest.',
  fix: 'Take the range out of one of the pools.',
}

export const ADDRESS_OUTSIDE_POOL: Code = {
  code: 'FW0608',
  name: 'ADDRESS_OUTSIDE_POOL',
  severity: 'warning',
  title: 'A Service keeps an address that its pool does not have for it any more',
  cause: 'The pool was changed or deleted, and without the word of a person no Service loses an address.',
  fix: 'Add the address to the pool again; or annotate the pool with fairway.dev/move-addresses: "true", and the Service gets another one.',
}

export const ADDRESS_NO_POOL: Code = {
  code: 'FW0609',
  name: 'ADDRESS_NO_POOL',
  severity: 'warning',
  title: 'There is no pool for a Service',
  cause: 'No IPAddressPool gives addresses to every Service (autoAssign) and is for this one.',
  fix: 'Make an IPAddressPool in the namespace metallb-system, or name one in the annotation metallb.io/address-pool of the Service.',
}

export const ADDRESS_REQUEST_INVALID: Code = {
  code: 'FW0610',
  name: 'ADDRESS_REQUEST_INVALID',
  severity: 'warning',
  title: 'The addresses that a Service asks for do not fit it',
  cause: 'A Service may ask for one address of each of its families, and all of them must be of one pool.',
  fix: 'List one address of each family of the Service, all of one pool, in the annotation metallb.io/loadBalancerIPs.',
}

export const ADDRESS_POOL_UNANNOUNCED: Code = {
  code: 'FW0611',
  name: 'ADDRESS_POOL_UNANNOUNCED',
  severity: 'warning',
  title: 'Nobody is to announce the addresses of a pool',
  cause: 'Neither an L2Advertisement nor a BGPAdvertisement chooses the pool: its addresses are given, and no router finds them.',
  fix: 'Make an L2Advertisement or a BGPAdvertisement whose ipAddressPools names the pool; one without ipAddressPools is for all of them.',
}

export const ADDRESS_WOULD_MOVE: Code = {
  code: 'FW0612',
  name: 'ADDRESS_WOULD_MOVE',
  severity: 'warning',
  title: 'A Service would get another address',
  cause:
    'The pools that were tried do not have an address for the Service that it has now, and the annotation fairway.dev/move-addresses lets it go.',
  fix: 'Add the address to a pool, or leave the annotation away: then the Service keeps it.',
}

export const ADDRESS_NOT_INSTALLED: Code = {
  code: 'FW0613',
  name: 'ADDRESS_NOT_INSTALLED',
  severity: 'error',
  title: 'The cluster does not know resources of load-balancer addresses',
  cause: 'The API server has no IPAddressPool or no AddressClaim: their CustomResourceDefinitions are not installed.',
  fix: 'Install them: `kubectl apply -f deploy/crds` in the source of Fairway.',
}
