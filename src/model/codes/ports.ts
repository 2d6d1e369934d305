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

export const EXTERNAL_IP_NOT_ALLOWED: Code = {
  code: 'FW0204',
  name: 'EXTERNAL_IP_NOT_ALLOWED',
  severity: 'warning',
  title: 'An externalIP is not allowed',
  cause:
    'A Service names an address in spec.externalIPs that is in none of the ranges that agents were told to allow. Whoever may write a Service could else take over what the cluster sends to any address (CVE-2020-8554).',
  fix: 'Use a Service of type LoadBalancer, or let the agents allow the range with `--external-ips CIDR`.',
}

export const SERVICE_RANGES_ONE_FAMILY: Code = {
  code: 'FW0205',
  name: 'SERVICE_RANGES_ONE_FAMILY',
  severity: 'warning',
  title: 'Source ranges leave out a whole family',
  cause:
    'spec.loadBalancerSourceRanges has ranges, but none of the family of one of the load-balancer addresses; what is not listed is not let in, so that nobody reaches that address.',
  fix: 'Add a range of that family, such as ::/0 or 0.0.0.0/0 for everybody.',
}

export const SERVICE_FAMILY_MISSING: Code = {
  code: 'FW0206',
  name: 'SERVICE_FAMILY_MISSING',
  severity: 'warning',
  title: 'A Service has an address of a family that it does not serve',
  cause: 'An external or load-balancer address is IPv6 and the Service has only IPv4 cluster addresses, or the other way round.',
  fix: 'Set spec.ipFamilyPolicy to PreferDualStack, or use an address of the family that the Service has.',
}

export const HOST_PORT_SERVED_BY_CNI: Code = {
  code: 'FW0207',
  name: 'HOST_PORT_SERVED_BY_CNI',
  severity: 'info',
  title: 'A hostPort is served by a CNI plugin',
  cause:
    'The portmap plugin of the CNI configuration has already forwarded the port to a pod, and two translations of one port could disagree.',
  fix: 'Nothing needs to be done. To have Fairway serve it, take portmap out of the CNI configuration, or run the agents with `--service-proxy fairway`.',
}
