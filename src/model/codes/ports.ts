import type { Code } from '../code.ts'

/** FW02xx: what Services, their endpoints and the ports of pods ask for. */
export const PORT_CLASH: Code = {
  code: 'FW0201',
  name: 'PORT_CLASH',
  severity: 'error',
  title: 'Two objects claim one port of a node',
  cause:
    'A hostPort or nodePort, or an address and port of a Service, is claimed twice; the older object has it and the other is not served there.',
  fix: 'Give one of the two another port, another hostIP, or another node.',
}

export const SERVICE_WITHOUT_ENDPOINTS: Code = {
  code: 'FW0202',
  name: 'SERVICE_WITHOUT_ENDPOINTS',
  severity: 'warning',
  title: 'A Service has no ready endpoints',
  cause: 'No pod that the selector chooses is ready, so that new connections to the Service are refused at once.',
  fix: 'Look at `kubectl get endpointslices -l kubernetes.io/service-name=NAME` and at the readiness of the pods that the selector chooses.',
}

export const HOST_PORT_IPV6_LOOPBACK: Code = {
  code: 'FW0203',
  name: 'HOST_PORT_IPV6_LOOPBACK',
  severity: 'warning',
  title: 'A hostPort cannot be served on ::1',
  cause: 'The kernel never forwards what is addressed to the IPv6 loopback address, so that it cannot be translated to a pod.',
  fix: "Leave hostIP empty, or give an address of the node; 127.0.0.1 works for the pod's IPv4 address.",
}
