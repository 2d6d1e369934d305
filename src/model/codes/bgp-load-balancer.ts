import type { Code } from '../code.ts'

/** FW065x: load-balancer addresses announced by BGP. */
export const BGP_POOL_AGGREGATE_TOO_WIDE: Code = {
  code: 'FW0650',
  name: 'BGP_POOL_AGGREGATE_TOO_WIDE',
  severity: 'warning',
  title: 'A prefix that is asked for is wider than the pool',
  cause:
    'A BGPAdvertisement asks for prefixes that would hold addresses outside of the pool. The widest prefixes within the pool are announced instead.',
  fix: 'Make aggregationLength longer, or let the ranges of the IPAddressPool begin and end where such prefixes do.',
}
