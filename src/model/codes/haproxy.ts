import type { Code } from '../code.ts'

/** FW0730-0749: the gateway's HAProxy. */
export const HAPROXY_ENTRY_INVALID: Code = {
  code: 'FW0730',
  name: 'HAPROXY_ENTRY_INVALID',
  severity: 'error',
  title: 'HAProxy cannot be given a rule or a server',
  cause:
    'A host, a path or an address has characters that HAProxy has no form for. It is left out, and everything else is served.',
  fix: 'Correct the object that the message names.',
}
