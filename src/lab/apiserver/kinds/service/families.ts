import { type IPFamily, parseAddress } from '../../allocators/address.ts'
import type { FieldError } from '../../kind.ts'
import { invalid, sameJson } from '../check.ts'
import { HEADLESS, isHeadless, needsClusterIP, type ServiceSpec } from './types.ts'

/**
 * Settles ipFamilyPolicy and ipFamilies, in place, from what the writer said, the stored Service, and what the cluster has.
 *
 * Shape: `cluster` has one or two families, the primary one first. Errors: why the wish cannot be granted.
 * Source: kubernetes pkg/registry/core/service/storage/alloc.go, initIPFamilyFields.
 */
export function settleFamilies(
  spec: ServiceSpec,
  before: ServiceSpec | undefined,
  cluster: readonly IPFamily[],
): readonly FieldError[] {
  if (!needsClusterIP(spec) || keepsDualStack(spec, before)) return []
  const selectorless = isHeadless(spec) && Object.keys(spec.selector ?? {}).length === 0
  spec.ipFamilyPolicy ??= before?.ipFamilyPolicy ?? (selectorless && before === undefined ? 'RequireDualStack' : 'SingleStack')
  const errors = [
    ...(before === undefined ? [] : downgrade(spec, before)),
    ...singleStackErrors(spec),
    ...inferFamilies(spec, cluster),
  ]
  if (errors.length > 0) return errors
  if (!selectorless) {
    const unmet = clusterErrors(spec, cluster)
    if (unmet.length > 0) return unmet
  }
  spec.ipFamilies ??= cluster.slice(0, 1)
  const [first] = spec.ipFamilies
  const dual = spec.ipFamilyPolicy !== 'SingleStack' && (selectorless || cluster.length === 2)
  if (dual && spec.ipFamilies.length === 1) spec.ipFamilies = [first ?? 'IPv4', first === 'IPv4' ? 'IPv6' : 'IPv4']
  return []
}

/** A PreferDualStack Service that did not change keeps what it has, also when the cluster gained or lost a family. */
function keepsDualStack(spec: ServiceSpec, before: ServiceSpec | undefined): boolean {
  return (
    before !== undefined &&
    needsClusterIP(before) &&
    before.ipFamilyPolicy === 'PreferDualStack' &&
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    sameJson(spec.clusterIPs, before.clusterIPs) &&
    sameJson(spec.ipFamilies, before.ipFamilies)
  )
}

function downgrade(spec: ServiceSpec, before: ServiceSpec): readonly FieldError[] {
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if (sameJson(spec.clusterIPs, before.clusterIPs)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1)
    if (sameJson(spec.ipFamilies, before.ipFamilies)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1)
    for (const field of ['clusterIPs', 'ipFamilies'] as const) if (spec[field] === undefined) delete spec[field]
    return []
  }
  const reduced = (after: readonly string[] | undefined, old: readonly string[] | undefined): boolean =>
    old?.length === 2 && after?.length === 1
  return [
    ...(reduced(spec.clusterIPs, before.clusterIPs)
      ? [policyError(spec, "must be 'SingleStack' to release the secondary cluster IP")]
      : []),
    ...(reduced(spec.ipFamilies, before.ipFamilies)
      ? [policyError(spec, "must be 'SingleStack' to release the secondary IP family")]
      : []),
  ]
}

const policyError = (spec: ServiceSpec, detail: string): FieldError => invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, detail)

function singleStackErrors(spec: ServiceSpec): readonly FieldError[] {
  if (spec.ipFamilyPolicy !== 'SingleStack') return []
  const advice = "must be 'RequireDualStack' or 'PreferDualStack' when multiple"
  return [
    ...(spec.clusterIPs?.length === 2 ? [policyError(spec, `${advice} cluster IPs are specified`)] : []),
    ...(spec.ipFamilies?.length === 2 ? [policyError(spec, `${advice} IP families are specified`)] : []),
  ]
}

function inferFamilies(spec: ServiceSpec, cluster: readonly IPFamily[]): readonly FieldError[] {
  const errors: FieldError[] = []
  for (const [index, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === HEADLESS) break
    const family = parseAddress(ip)?.family
    if (family === undefined || spec.ipFamilies?.[index] !== undefined) continue
    if (cluster.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family]
    else errors.push(invalid(`spec.clusterIPs[${index}]`, spec.clusterIPs, `${family} is not configured on this cluster`))
  }
  return errors
}

function clusterErrors(spec: ServiceSpec, cluster: readonly IPFamily[]): readonly FieldError[] {
  const dual =
    spec.ipFamilyPolicy === 'RequireDualStack' && cluster.length < 2
      ? [policyError(spec, 'this cluster is not configured for dual-stack services')]
      : []
  const missing = (spec.ipFamilies ?? []).flatMap((family, index) =>
    cluster.includes(family as IPFamily) ? [] : [invalid(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster')],
  )
  return [...dual, ...missing]
}
