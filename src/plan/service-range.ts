/** The ranges that cluster addresses are given out of: what no Service has in them leads nowhere, and must not be routed away. */
import { type DataPathEntry, familyOf, rangeKey } from '../model/datapath.ts'
import type { ServiceCIDR } from '../model/world.ts'
import { outermost } from './ranges.ts'

/**
 * Plans a `service-range` each range, without those that lie in another.
 *
 * Source: Kubernetes ServiceCIDR API.
 */
export function planServiceRanges(ranges: Iterable<ServiceCIDR>): readonly DataPathEntry[] {
  const cidrs = [...ranges].flatMap((one) => one.cidrs)
  return (['ipv4', 'ipv6'] as const).flatMap((family) =>
    outermost(cidrs.filter((cidr) => familyOf(cidr) === family)).map((cidr): DataPathEntry => {
      return { kind: 'service-range', key: rangeKey('service-range', cidr), family, cidr }
    }),
  )
}
