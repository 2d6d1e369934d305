/** The kinds that the lab's API server serves. */
import { ServiceAddresses } from '../allocators/service-addresses.ts'
import type { KindRecord } from '../kind.ts'
import { configMap } from './config-map.ts'
import { customResourceDefinition } from './custom-resource-definition/definition.ts'
import { makeDisruptionBudget } from './disruption-budget.ts'
import { endpointSlice } from './endpoint-slice.ts'
import { endpoints } from './endpoints.ts'
import { event } from './event.ts'
import { eventsEvent } from './events-event.ts'
import { makeIngress } from './ingress/ingress.ts'
import { ingressClass } from './ingress/ingress-class.ts'
import { olderIngresses } from './ingress/older.ts'
import { lease } from './lease.ts'
import { namespace } from './namespace.ts'
import { networkPolicy } from './network-policy.ts'
import { node } from './node.ts'
import { makePod } from './pod/pod.ts'
import { priorityClass } from './priority-class.ts'
import { RBAC } from './rbac.ts'
import { resourceSlice } from './resource-slice.ts'
import { secret } from './secret.ts'
import { makeService } from './service/service.ts'
import { makeServiceAccount } from './service-account.ts'
import { ipAddress, serviceCidr } from './service-cidr.ts'
import { STORAGE } from './storage.ts'
import { TokenSigner } from './token-signer.ts'
import { NOTHING, type View } from './view.ts'
import { controllerRevision } from './workload/controller-revision.ts'
import { daemonSet } from './workload/daemon-set.ts'
import { deployment } from './workload/deployment.ts'
import { LIST_ONLY } from './workload/list-only.ts'
import { replicaSet } from './workload/replica-set.ts'

export interface KindOptions {
  /** Ranges of cluster addresses, one a family, the primary family first: `10.96.0.0/12`. */
  readonly serviceRanges: readonly string[]
  /** First and last node port. */
  readonly nodePortRange: readonly [number, number]
  /** The addresses of those ranges, for who is to widen them; by default nobody. */
  readonly addresses?: ServiceAddresses
  /** What rules that span kinds look at; nothing by default. */
  readonly view?: View
  /** Who signs tokens of service accounts; by default a signer with a key of its own. */
  readonly tokens?: TokenSigner
}

/**
 * Every served kind of one server; allocations are its own.
 *
 * Order: a kind's stored version comes before those that are converted to it, which clients then prefer.
 * @throws {RangeError} when a service range is not `ADDRESS/LENGTH` or two are of one family
 */
export function makeKinds(options: KindOptions): readonly KindRecord[] {
  const { view = NOTHING, tokens = new TokenSigner(), addresses = new ServiceAddresses(options.serviceRanges) } = options
  const ingress = makeIngress(view)
  return [
    ...[configMap, endpoints, event, namespace, node, makePod(view), secret],
    makeServiceAccount(tokens),
    makeService(addresses, options.nodePortRange),
    ...[eventsEvent(event), endpointSlice, lease],
    ...[ingress, ingressClass, networkPolicy, serviceCidr, ipAddress],
    ...[makeDisruptionBudget(view), priorityClass, ...RBAC],
    ...[controllerRevision, deployment, replicaSet, daemonSet, ...LIST_ONLY],
    ...[...STORAGE, resourceSlice, customResourceDefinition],
    ...olderIngresses(ingress),
  ]
}
