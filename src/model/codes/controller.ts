import type { Code } from '../code.ts'

/** FW0660-0669: the controller of load-balancer addresses, and the settings that it reads. */
export const LOAD_BALANCER_SETTING_INVALID: Code = {
  code: 'FW0660',
  name: 'LOAD_BALANCER_SETTING_INVALID',
  severity: 'error',
  title: 'A load-balancer setting cannot be used',
  cause:
    'A pool or an advertisement has a value that has no meaning. The object is left out, or, where the message says so, only that entry.',
  fix: 'Correct the field that the message names.',
}

export const CONTROLLER_METALLB_ALIVE: Code = {
  code: 'FW0661',
  name: 'CONTROLLER_METALLB_ALIVE',
  severity: 'error',
  title: 'A MetalLB controller is alive in the cluster',
  cause:
    'A Ready pod of the MetalLB controller gives addresses of the same pools. Two that do so would give one address twice, so Fairway gives none.',
  fix: 'Remove MetalLB (its resources and the addresses of Services stay, and Fairway goes on with them), or do not run the controller of Fairway.',
}
