/** What a person should know about the addresses of Services. */
import { type HolderKey, holderOf, subjectOf, titleOf } from '../model/address-holder.ts'
import type { Code, Finding } from '../model/code.ts'
import * as codes from '../model/codes/address.ts'
import type { AddressPool, AddressRequest } from '../model/load-balancer.ts'
import type { Family } from '../model/world.ts'
import type { Overlap } from './pool-space.ts'

export const FAMILY_NAMES: Readonly<Record<Family, string>> = { ipv4: 'IPv4', ipv6: 'IPv6' }

/** What those can do who have no annotations for addresses. */
const FLOATING_FIXES: ReadonlyMap<Code, string> = new Map([
  [codes.ADDRESS_IN_USE, 'Write another address into spec.addresses, or take this one from who has it.'],
  [codes.ADDRESS_POOL_UNKNOWN, 'Correct spec.pool, or make the IPAddressPool.'],
  [codes.ADDRESS_FAMILY_MISSING, 'Add a range of the missing family to the pool, or name only the other one in spec.ipFamilies.'],
])

function about({ key }: AddressRequest, code: Code, message: string, fix = fixOf(key, code)): Finding {
  return { code, subjects: [subjectOf(key)], message, fix }
}

function fixOf(key: HolderKey, code: Code): string {
  return (holderOf(key).kind === 'service' ? undefined : FLOATING_FIXES.get(code)) ?? code.fix
}

/** Names as a person reads them; of many the first three. */
function listed(names: readonly string[], noun: string): string {
  const shown = names.slice(0, 3).join(', ')
  const more = names.length > 3 ? ` and ${names.length - 3} more` : ''
  return `${noun}${names.length === 1 ? '' : 's'} ${shown}${more}`
}

function familiesText(families: readonly Family[]): string {
  return families.map((family) => FAMILY_NAMES[family]).join(' and ')
}

export function exhausted(request: AddressRequest, pools: readonly AddressPool[], families: readonly Family[]): Finding {
  const names = pools.map(({ name }) => name)
  const message = `${titleOf(request.key)} has no ${familiesText(families)} address: ${listed(names, 'pool')} ${names.length === 1 ? 'has' : 'have'} none free.`
  const fix = `Add a range to spec.addresses of pool ${names[0]}, or delete a Service that has an address of it.`
  return about(request, codes.ADDRESS_POOL_EXHAUSTED, message, fix)
}

export function inUse(request: AddressRequest, address: string, holders: readonly HolderKey[]): Finding {
  const areServices = holders.every((key) => holderOf(key).kind === 'service')
  const who = areServices ? listed(holders, 'Service') : holders.map(titleOf).join(' and ')
  const message = `${titleOf(request.key)} asks for ${address}, which ${who} ${holders.length === 1 ? 'has' : 'have'}.`
  return about(request, codes.ADDRESS_IN_USE, message)
}

export function unknownPool(request: AddressRequest): Finding {
  const message = `${titleOf(request.key)} asks for pool ${request.pool}, and there is no IPAddressPool of this name that can be used.`
  return about(request, codes.ADDRESS_POOL_UNKNOWN, message)
}

export function notFor(request: AddressRequest, { name }: AddressPool): Finding {
  const message = `${titleOf(request.key)} asks for an address of pool ${name}, whose serviceAllocation is for others.`
  const fix = `Ask for another pool, or let spec.serviceAllocation of pool ${name} choose this one.`
  return about(request, codes.ADDRESS_POOL_NOT_FOR_SERVICE, message, fix)
}

export function familyMissing(request: AddressRequest, pools: readonly AddressPool[], families: readonly Family[]): Finding {
  const names = pools.map(({ name }) => name)
  const needed = familiesText(families)
  const message = `${titleOf(request.key)} needs ${needed}, for which ${listed(names, 'pool')} ${names.length === 1 ? 'has' : 'have'} no range.`
  return about(request, codes.ADDRESS_FAMILY_MISSING, message)
}

export function inNoPool(request: AddressRequest, address: string): Finding {
  const where = request.pool === '' ? 'no pool has' : `pool ${request.pool} does not have`
  return about(request, codes.ADDRESS_IN_NO_POOL, `${titleOf(request.key)} asks for ${address}, which ${where}.`)
}

export function noPool(request: AddressRequest): Finding {
  const message = `${titleOf(request.key)} has no address: there is no pool that gives one without being asked by name, and is for it.`
  return about(request, codes.ADDRESS_NO_POOL, message)
}

export function requestInvalid(request: AddressRequest, why: string): Finding {
  return about(
    request,
    codes.ADDRESS_REQUEST_INVALID,
    `${titleOf(request.key)} asks for ${request.addresses.join(' and ')}, but ${why}.`,
  )
}

/** `pool` is the one that it was given from; it may be gone. */
export function outsidePool(request: AddressRequest, address: string, pool: AddressPool | string): Finding {
  const isGone = typeof pool === 'string'
  const kind = titleOf(request.key).split(' ')[0]
  const name = isGone ? pool : pool.name
  const why = isGone ? `pool ${name} is gone` : `pool ${name} does not have it for this Service any more`
  const fix = isGone
    ? `Make pool ${name} again with ${address} in spec.addresses, or delete the ${kind}.`
    : `Add ${address} to pool ${name} again, or annotate the pool with fairway.dev/move-addresses: "true" to give the ${kind} another one.`
  const subjects = [...(isGone ? [] : [`ipaddresspool/${pool.key}`]), subjectOf(request.key)]
  const message = `${titleOf(request.key)} keeps ${address}, though ${why}.`
  return { code: codes.ADDRESS_OUTSIDE_POOL, subjects, message, fix }
}

export function overlap({ younger, older }: Overlap): Finding {
  const subjects = [`ipaddresspool/${younger.key}`, `ipaddresspool/${older.key}`].sort()
  const message = `Pool ${younger.name} has addresses that pool ${older.name}, which is older, has too; only pool ${older.name} gives them.`
  const fix = `Take the range out of pool ${younger.name}, or out of pool ${older.name}.`
  return { code: codes.ADDRESS_POOLS_OVERLAP, subjects, message, fix }
}
