import { parseAddress } from '../../allocators/address.ts'
import type { FieldError } from '../../kind.ts'
import * as check from '../check.ts'
import { address } from '../check-address.ts'
import { HEADLESS, needsClusterIP, type ServiceSpec } from './types.ts'

const FAMILIES = ['IPv4', 'IPv6']

/** What is wrong with clusterIP, clusterIPs, ipFamilies and ipFamilyPolicy by themselves; what the cluster has is for the allocation. */
export function clusterIPErrors(spec: ServiceSpec): check.FieldErrors {
  if (!needsClusterIP(spec)) return []
  const ips = spec.clusterIPs ?? []
  const families = spec.ipFamilies ?? []
  return [
    ...check.oneOf('spec.ipFamilyPolicy', spec.ipFamilyPolicy, ['PreferDualStack', 'RequireDualStack', 'SingleStack']),
    ...families.flatMap((family, index) => check.requiredOneOf(`spec.ipFamilies[${index}]`, family, FAMILIES)),
    ...check.uniqueBy(
      families,
      (family) => family,
      (family, index) => check.duplicate(`spec.ipFamilies[${index}]`, family),
    ),
    ...listErrors(spec, ips),
    ...ips.flatMap((ip, index) => memberErrors(ip, index, ips, families)),
  ]
}

function listErrors(spec: ServiceSpec, ips: readonly string[]): check.FieldErrors {
  const errors: FieldError[] = []
  if (ips.length > 0 && (spec.clusterIP ?? '') !== ips[0])
    errors.push(check.invalid('spec.clusterIPs', ips, 'first value must match `clusterIP`'))
  if (ips.length > 1 && ips.includes(HEADLESS))
    errors.push(check.invalid('spec.clusterIPs', ips, "'None' must be the first and only value"))
  if (ips.length > 2) errors.push(check.invalid('spec.clusterIPs', ips, 'may only hold up to 2 values'))
  const known = ips.flatMap((ip) => parseAddress(ip)?.family ?? [])
  if (known.length === 2 && known[0] === known[1])
    errors.push(check.invalid('spec.clusterIPs', ips, 'may specify no more than one IP for each IP family'))
  return errors
}

function memberErrors(ip: string, index: number, ips: readonly string[], families: readonly string[]): check.FieldErrors {
  const path = `spec.clusterIPs[${index}]`
  if (ip === HEADLESS) return []
  if (ip === '') return [check.required(path)]
  const wrong = address(path, ip)
  const family = families[index]
  if (wrong.length > 0 || family === undefined || parseAddress(ip)?.family === family) return wrong
  return [check.invalid(path, ips, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``)]
}

/** The first address and family of a Service stay for its life; the second may come and go, but not change. */
export function clusterIPUpdateErrors(spec: ServiceSpec, before: ServiceSpec): check.FieldErrors {
  if (!needsClusterIP(spec) || !needsClusterIP(before)) return []
  const changed = (after: readonly string[] | undefined, old: readonly string[] | undefined, index: number): boolean =>
    old?.[index] !== undefined &&
    (index === 0 ? after?.[0] !== old[0] : after?.[index] !== undefined && after[index] !== old[index])
  return [0, 1].flatMap((index) => [
    ...(changed(spec.clusterIPs, before.clusterIPs, index)
      ? [check.invalid(`spec.clusterIPs[${index}]`, spec.clusterIPs ?? [], 'may not change once set')]
      : []),
    ...(spec.ipFamilies !== undefined && changed(spec.ipFamilies, before.ipFamilies, index)
      ? [check.invalid(`spec.ipFamilies[${index}]`, spec.ipFamilies, 'may not change once set')]
      : []),
  ])
}
