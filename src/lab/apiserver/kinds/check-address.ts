/** Checks of addresses and address ranges. */
import { parseAddress, parseRange } from '../allocators/address.ts'
import { type FieldErrors, invalid, unset } from './check.ts'

const NOT_AN_ADDRESS = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'

/** An IPv4 or IPv6 address. */
export function address(field: string, text: unknown): FieldErrors {
  return typeof text === 'string' && parseAddress(text) !== undefined ? [] : [invalid(field, text, NOT_AN_ADDRESS)]
}

const SPECIAL: readonly (readonly [string, string])[] = [
  ['0.0.0.0/32', 'may not be unspecified (0.0.0.0 or ::)'],
  ['::/128', 'may not be unspecified (0.0.0.0 or ::)'],
  ['127.0.0.0/8', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ['::1/128', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ['169.254.0.0/16', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  ['fe80::/10', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  ['224.0.0.0/24', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
  ['ff02::/16', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
]

/** An address that a packet from elsewhere can be sent to: not unspecified, loopback or link-local. */
export function publicAddress(field: string, text: unknown): FieldErrors {
  const errors = address(field, text)
  const parsed = errors.length === 0 ? parseAddress(String(text)) : undefined
  if (parsed === undefined) return errors
  return SPECIAL.filter(([range]) => {
    const of = parseRange(range)
    return of?.family === parsed.family && parsed.value >= of.first && parsed.value <= of.last
  }).map(([, detail]) => invalid(field, text, detail))
}

/** An address range without bits set beyond its prefix. */
export function range(field: string, text: unknown): FieldErrors {
  const parsed = unset(text) ? undefined : parseRange(String(text))
  if (parsed === undefined) return [invalid(field, text, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')]
  return parsed.exact ? [] : [invalid(field, text, 'must not have bits set beyond the prefix length')]
}
