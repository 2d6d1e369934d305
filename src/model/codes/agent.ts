import type { Code } from '../code.ts'

/** FW085x: the agent on a node. */
export const AGENT_NO_DEFAULT_ROUTE: Code = {
  code: 'FW0851',
  name: 'AGENT_NO_DEFAULT_ROUTE',
  severity: 'warning',
  title: 'The node has no default route',
  cause:
    'The kernel looks for a route before it translates an address, so without a route this node cannot reach cluster addresses itself.',
  fix: 'Add a default route to the node, for example `ip route add default via GATEWAY`; it need not lead anywhere.',
}

export const AGENT_NODE_UNKNOWN: Code = {
  code: 'FW0852',
  name: 'AGENT_NODE_UNKNOWN',
  severity: 'warning',
  title: 'The node is not in the cluster',
  cause: "No Node object has the name that the agent was given, so it does not know which addresses are the node's.",
  fix: 'Set NODE_NAME or --node to a name that `kubectl get nodes` lists; a node that joins later is taken up by itself.',
}

export const AGENT_ALREADY_RUNS: Code = {
  code: 'FW0854',
  name: 'AGENT_ALREADY_RUNS',
  severity: 'error',
  title: 'Another agent runs on this node',
  cause:
    "Two agents on one node would take each other's rules for somebody else's damage and repair them for ever, so the second one ends before it touches anything.",
  fix: 'Stop the other one first; `ss -xlp | grep fairway-agent`, run on the node as root, shows it.',
}

export const AGENT_PROGRAM_FAILED: Code = {
  code: 'FW0853',
  name: 'AGENT_PROGRAM_FAILED',
  severity: 'error',
  title: 'Rules could not be programmed',
  cause: 'The kernel refused a change of the rules, so the node still forwards by the last rules that it took.',
  fix: 'The agent tries again by itself; if it goes on, the log line has what the kernel said.',
}

export const AGENT_OTHER_PROXY: Code = {
  code: 'FW0855',
  name: 'AGENT_OTHER_PROXY',
  severity: 'info',
  title: 'Another service proxy serves Services on the node',
  cause:
    'The node has live rules of kube-proxy, Cilium or another proxy for Services, so Fairway leaves cluster addresses, nodePorts, external and load-balancer addresses to it, as `--service-proxy auto` asks.',
  fix: 'Nothing needs to be done. To have Fairway serve them, remove the other proxy and its rules (`kube-proxy --cleanup`), or run the agents with `--service-proxy fairway`.',
}

export const AGENT_HEALTH_PORT_TAKEN: Code = {
  code: 'FW0856',
  name: 'AGENT_HEALTH_PORT_TAKEN',
  severity: 'error',
  title: 'A port for health checks cannot be opened',
  cause:
    "Another program listens on the port, or the address is not the node's, so load balancers that ask there take the node for a bad one.",
  fix: 'Look with `ss -ltnp` at who listens there; the agent tries again every five seconds. Its own port can be moved with `--health-address ADDRESS:PORT`.',
}
