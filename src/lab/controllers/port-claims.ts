/** Which ports of a node a pod asks for, and whether two ask for the same. Source: kube-scheduler, plugins/nodeports and HostPortInfo. */
import type { Pod } from '../../kube/types.ts'

export interface PortClaim {
  /** '0.0.0.0' means every address of the node. */
  readonly hostIP: string
  /** TCP, UDP or SCTP. */
  readonly protocol: string
  readonly port: number
}

const EVERY = '0.0.0.0'

/** The ports that a pod's containers claim on their node. hostNetwork pods claim what they declare: the API server fills in hostPort. */
export function portClaims(pod: Pod): readonly PortClaim[] {
  const hostNetwork = pod.spec?.hostNetwork === true
  return (pod.spec?.containers ?? []).flatMap((container) =>
    (container.ports ?? []).flatMap((port) => {
      const number = port.hostPort || (hostNetwork ? port.containerPort : 0)
      return number > 0 ? [{ hostIP: port.hostIP || EVERY, protocol: port.protocol ?? 'TCP', port: number }] : []
    }),
  )
}

/** Two claims clash when port and protocol are equal and the addresses are, or one is every address. */
export function claimsClash(one: PortClaim, other: PortClaim): boolean {
  if (one.port !== other.port || one.protocol !== other.protocol) return false
  return one.hostIP === other.hostIP || one.hostIP === EVERY || other.hostIP === EVERY
}

/** Whether a pod cannot be on the same node as these, because of their ports. */
export function hostPortsClash(pod: Pod, others: readonly Pod[]): boolean {
  const claims = portClaims(pod)
  return (
    claims.length > 0 &&
    others.some((other) => portClaims(other).some((taken) => claims.some((claim) => claimsClash(claim, taken))))
  )
}
