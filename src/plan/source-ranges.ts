/** loadBalancerSourceRanges: who may come to the load-balancer addresses of a Service. */
import type { Finding } from '../model/code.ts'
import { SERVICE_RANGES_ONE_FAMILY } from '../model/codes/ports.ts'
import { familyOf } from '../model/datapath.ts'
import type { Family, Service } from '../model/world.ts'
import { outermost, RangeSet } from './ranges.ts'

/**
 * The ranges of one family that a Service's clients must be in: undefined for everybody, empty for nobody.
 *
 * A list that names ranges of the other family only lets nobody of this family in: what is not listed is not meant to come
 * (kube-proxy lets everybody in then). A node that may come may have a load-balancer address on an interface of its own and then sends
 * from it: so these are among the ranges where one of `nodeAddresses` is.
 * Shape:  sorted CIDR text, no two overlapping.
 * Source: Kubernetes Service API, spec.loadBalancerSourceRanges; kube-proxy, pkg/proxy/nftables/proxier.go, `allowFromNode`.
 */
export function sourceRangesOf(
  service: Service,
  family: Family,
  nodeAddresses: readonly string[],
): readonly string[] | undefined {
  if (service.sourceRanges.length === 0) return undefined
  const ranges = outermost(service.sourceRanges.filter((cidr) => familyOf(cidr) === family))
  if (ranges[0]?.endsWith('/0')) return undefined
  const set = new RangeSet(ranges)
  if (!nodeAddresses.some((address) => familyOf(address) === family && set.has(address))) return ranges
  const own = service.loadBalancerIPs.filter((address) => familyOf(address) === family)
  return outermost([...ranges, ...own.map((address) => `${address}/${family === 'ipv4' ? 32 : 128}`)])
}

/** The finding about load-balancer addresses of a family that the ranges leave out. */
export function closedFamilies(service: Service): readonly Finding[] {
  const closed = service.loadBalancerIPs.filter((address) => sourceRangesOf(service, familyOf(address), [])?.length === 0)
  if (closed.length === 0) return []
  const subject = `service/${service.key}`
  const message = `${subject} has loadBalancerSourceRanges that name no range of the family of ${closed.join(', ')}, so that nobody can reach it there.`
  return [{ code: SERVICE_RANGES_ONE_FAMILY, subjects: [subject], message, fix: SERVICE_RANGES_ONE_FAMILY.fix }]
}
