/** What nodePorts, external and load-balancer addresses have in common: flows from outside the cluster, under externalTrafficPolicy. */
import { type BackendGroup, type DataPathEntry, type Frontend, frontendKey } from '../model/datapath.ts'
import type { Service } from '../model/world.ts'
import { externalScope, type Scope } from './backends.ts'

/** Where flows come to. */
export type Destination = Pick<Frontend, 'at' | 'family' | 'address' | 'protocol' | 'port'>

/**
 * The entries of one destination: under policy Cluster one frontend; under Local also one for the flows of this node and its pods,
 * which draw from all endpoints, as if they had gone out and come back by a load balancer.
 *
 * Source: Kubernetes pkg/proxy/nftables/proxier.go, the external chain of a Service port.
 */
export function externalEntries(
  service: Service,
  to: Destination,
  groupOf: (scope: Scope) => BackendGroup,
): readonly DataPathEntry[] {
  const scope = externalScope(service)
  const outside = groupOf(scope)
  const entries = [outside, frontend(to, 'anywhere', outside)]
  if (scope === 'cluster') return entries
  const inside = groupOf('cluster')
  return [...entries, inside, frontend(to, 'inside', inside)]
}

function frontend(to: Destination, from: Frontend['from'], group: BackendGroup): Frontend {
  const at = { ...to, from }
  return { kind: 'frontend', key: frontendKey(at), ...at, group: group.key }
}
