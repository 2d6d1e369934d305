/** A pod that its node cannot take. Source: kubelet, admission of pods by the scheduler's general predicates. */
import { PODS } from '../../kube/resource.ts'
import type { Pod } from '../../kube/types.ts'
import type { NodeContext } from './node-context.ts'
import { apiTime } from './pod-status.ts'

const PROBLEM = "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"

/** Marks a pod as Failed for its ports, in the kubelet's words. @throws {FairwayError} */
export async function rejectPod(node: NodeContext, pod: Pod): Promise<void> {
  const { namespace, name = '', uid } = pod.metadata
  node.recorder.event({ ...pod, apiVersion: 'v1', kind: 'Pod' }, 'Warning', 'NodePorts', PROBLEM)
  const status = { phase: 'Failed', reason: 'NodePorts', message: `Pod was rejected: ${PROBLEM}`, startTime: apiTime(Date.now()) }
  await node.client.patch(
    PODS,
    { namespace, name },
    { metadata: { uid }, status },
    { type: 'merge', subresource: 'status', signal: node.signal },
  )
}
