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

export const HAPROXY_AWAY: Code = {
  code: 'FW0731',
  name: 'HAPROXY_AWAY',
  severity: 'error',
  title: 'HAProxy does not answer',
  cause:
    'The gateway’s HAProxy is not running, or its socket in the shared folder does not answer. What it serves it serves as before; changes wait.',
  fix: 'Look at the container `proxy` of the gateway’s pod: `kubectl logs` and `kubectl describe` say why it is not running.',
}

export const HAPROXY_REFUSED: Code = {
  code: 'FW0732',
  name: 'HAPROXY_REFUSED',
  severity: 'warning',
  title: 'HAProxy did not do what it was told',
  cause:
    'A change of the running HAProxy was refused, because it is not in the state that was expected. Its state is read anew, and what differs is changed.',
  fix: 'Nothing, if it goes away by itself; else report it with the message.',
}

export const HAPROXY_CONFIG_REFUSED: Code = {
  code: 'FW0733',
  name: 'HAPROXY_CONFIG_REFUSED',
  severity: 'error',
  title: 'HAProxy refuses a configuration',
  cause: '`haproxy -c` refused what was written for a rule. The rule is answered with 503, and everything else is served.',
  fix: 'Change the object that the message names; report it with the message, since it should have been refused before.',
}

export const HAPROXY_RELOAD_FAILED: Code = {
  code: 'FW0734',
  name: 'HAPROXY_RELOAD_FAILED',
  severity: 'error',
  title: 'HAProxy did not take a configuration',
  cause: 'HAProxy was asked to reload, and no new process took over in time. The old one goes on as before; it is asked again.',
  fix: 'Look at the log of the container `proxy`: memory, or a port that another process has.',
}

export const HAPROXY_CERTIFICATE_REFUSED: Code = {
  code: 'FW0735',
  name: 'HAPROXY_CERTIFICATE_REFUSED',
  severity: 'error',
  title: 'HAProxy refuses a certificate',
  cause:
    'The certificate or its key is not one that HAProxy takes: too weak, of another key, or broken. The one that was shown before is still shown.',
  fix: 'Put a certificate with its own key, of at least 2,048 bits (RSA) or 256 bits (ECDSA), into the Secret that the message names.',
}
