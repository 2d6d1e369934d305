/** loadBalancerSourceRanges: who may come to the load-balancer addresses of a Service. */
import type { Finding } from '../model/code.ts'
import { SERVICE_RANGES_ONE_FAMILY } from '../model/codes/ports.ts'
import { familyOf } from '../model/datapath.ts'
import type { Family, Service } from '../model/world.ts'
import { outermost } from './ranges.ts'

/**
 * The ranges of one family that a Service's clients must be in: undefined for everybody, empty for nobody.
 *
 * A list that names ranges of the other family only lets nobody of this family in: what is not listed is not meant to come
 * (kube-proxy lets everybody in then).
 * Shape:  sorted CIDR text, no two overlapping.
 * Source: Kubernetes Service API, spec.loadBalancerSourceRanges.
 */
export function sourceRangesOf(service: Service, family: Family): readonly string[] | undefined {
  if (service.sourceRanges.length === 0) return undefined
  const ranges = outermost(service.sourceRanges.filter((cidr) => familyOf(cidr) === family))
  return ranges[0]?.endsWith('/0') ? undefined : ranges
}

/** The finding about load-balancer addresses of a family that the ranges leave out. */
export function closedFamilies(service: Service): readonly Finding[] {
  const closed = service.loadBalancerIPs.filter((address) => sourceRangesOf(service, familyOf(address))?.length === 0)
  if (closed.length === 0) return []
  const subject = `service/${service.key}`
  const message = `${subject} has loadBalancerSourceRanges that name no range of the family of ${closed.join(', ')}, so that nobody can reach it there.`
  return [{ code: SERVICE_RANGES_ONE_FAMILY, subjects: [subject], message, fix: SERVICE_RANGES_ONE_FAMILY.fix }]
}
