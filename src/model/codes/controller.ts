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
