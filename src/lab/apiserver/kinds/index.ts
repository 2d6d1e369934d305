/** The kinds that the lab's API server serves. */
import type { KindRecord } from '../kind.ts'
import { configMap } from './config-map.ts'
import { endpointSlice } from './endpoint-slice.ts'
import { endpoints } from './endpoints.ts'
import { event } from './event.ts'
import { lease } from './lease.ts'
import { namespace } from './namespace.ts'
import { node } from './node.ts'
import { pod } from './pod/pod.ts'
import { secret } from './secret.ts'
import { makeService } from './service/service.ts'
import { serviceAccount } from './service-account.ts'
import { WORKLOADS } from './workloads.ts'

export interface KindOptions {
  /** Ranges of cluster addresses, one a family, the primary family first: `10.96.0.0/12`. */
  readonly serviceRanges: readonly string[]
  /** First and last node port. */
  readonly nodePortRange: readonly [number, number]
}

/**
 * Every served kind of one server; allocations are its own.
 * @throws {RangeError} when a service range is not `ADDRESS/LENGTH` or two are of one family
 */
export function makeKinds(options: KindOptions): readonly KindRecord[] {
  return [
    ...[configMap, endpoints, event, namespace, node, pod, secret, serviceAccount],
    makeService(options.serviceRanges, options.nodePortRange),
    ...[endpointSlice, lease],
    ...WORKLOADS,
  ]
}
