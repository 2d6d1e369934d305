import type { Code } from '../code.ts'

/** FW0640-0649: addresses that follow pods. */
export const FLOATING_NO_POD: Code = {
  code: 'FW0640',
  name: 'FLOATING_NO_POD',
  severity: 'warning',
  title: 'A floating address has no Ready pod to follow',
  cause:
    'No pod that the selector of the FloatingAddress chooses is Ready on a node that its nodeSelectors choose. The address is announced by nobody, so that clients do not reach a node which has nothing for them.',
  fix: 'Look at the pods (`kubectl describe pod`): at their readiness, their labels, and the nodes that they are on.',
}

export const FLOATING_POD_UNREACHABLE: Code = {
  code: 'FW0641',
  name: 'FLOATING_POD_UNREACHABLE',
  severity: 'warning',
  title: 'A floating address follows pods that do not listen on the node',
  cause:
    'The pods that the selector of the FloatingAddress chooses have neither hostNetwork nor a hostPort: nothing on the node is theirs.',
  fix: 'Give the pods `hostNetwork: true` or a `hostPort`; or use a Service of type LoadBalancer, which reaches pods anywhere.',
}
