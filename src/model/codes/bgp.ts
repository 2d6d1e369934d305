import type { Code } from '../code.ts'

/** FW05xx: BGP and BFD. */
export const BGP_DAEMON_NOT_STARTED: Code = {
  code: 'FW0501',
  name: 'BGP_DAEMON_NOT_STARTED',
  severity: 'error',
  title: 'BIRD cannot be started',
  cause: 'The node speaks BGP through BIRD 2, and it is not installed, or it ended at once; the message has its words.',
  fix: 'Run `make setup` on the machine, or use the image that has BIRD; look at the message if it is there.',
}

export const BGP_DAEMON_DIED: Code = {
  code: 'FW0502',
  name: 'BGP_DAEMON_DIED',
  severity: 'warning',
  title: 'BIRD ended and was started again',
  cause: 'BIRD ended without being told to. Neighbours with graceful restart kept its routes meanwhile, others withdrew them.',
  fix: 'Look for memory pressure or a crash in the log of BIRD, which the message names.',
}

export const BGP_DAEMON_HUNG: Code = {
  code: 'FW0503',
  name: 'BGP_DAEMON_HUNG',
  severity: 'warning',
  title: 'BIRD did not answer and was started again',
  cause: 'BIRD ran but did not answer on its control socket, so it was killed and started anew.',
  fix: 'Look for a starved or stopped process on the node, and in the log of BIRD, which the message names.',
}

export const BGP_CONFIG_REFUSED: Code = {
  code: 'FW0504',
  name: 'BGP_CONFIG_REFUSED',
  severity: 'error',
  title: 'BIRD refused a configuration',
  cause: 'BIRD did not take what Fairway wrote. The last good configuration goes on working.',
  fix: 'Change the object that the message names; if it names none, report it with the message.',
}

export const BGP_ENTRY_INVALID: Code = {
  code: 'FW0505',
  name: 'BGP_ENTRY_INVALID',
  severity: 'error',
  title: 'A BGP setting cannot be used',
  cause: 'A peer or a route has a value that BGP or BIRD has no form for. It is left out; all others work.',
  fix: 'Correct the field that the message names.',
}

export const BGP_PORT_TAKEN: Code = {
  code: 'FW0506',
  name: 'BGP_PORT_TAKEN',
  severity: 'error',
  title: 'Another program has the BGP port',
  cause: 'BIRD cannot listen on TCP port 179 of this node: another BGP speaker (Calico, MetalLB, FRR, kube-router) has it.',
  fix: 'Let one program speak BGP on the node: take the peers out of the other one, or select other nodes.',
}

export const BGP_SESSION_DOWN: Code = {
  code: 'FW0507',
  name: 'BGP_SESSION_DOWN',
  severity: 'warning',
  title: 'A BGP session is not established',
  cause: 'The neighbour does not answer, refuses, or the session was lost; the message has the last error.',
  fix: 'Check the peer address, port and AS numbers on both sides, and that TCP port 179 is open between them.',
}

export const BGP_PASSWORD_SUSPECT: Code = {
  code: 'FW0508',
  name: 'BGP_PASSWORD_SUSPECT',
  severity: 'error',
  title: 'The passwords of a BGP session differ',
  cause:
    'The session is not established, and the kernel drops segments whose TCP MD5 signature is missing, wrong or not expected. It does not say whose: with several such sessions each of them is suspect.',
  fix: 'Set the same password on both sides, or none on both.',
}

export const BGP_AS_MISMATCH: Code = {
  code: 'FW0509',
  name: 'BGP_AS_MISMATCH',
  severity: 'error',
  title: 'The AS numbers of a BGP session differ',
  cause: 'One side announces itself with another AS number than the other side expects.',
  fix: 'Compare myASN and peerASN of the peer with what the router has.',
}

export const BGP_CONTROL_FAILED: Code = {
  code: 'FW0510',
  name: 'BGP_CONTROL_FAILED',
  severity: 'error',
  title: 'BIRD cannot be asked',
  cause: 'The control socket of BIRD is not there, was closed, or did not answer in time.',
  fix: 'Nothing: BIRD is started again when it is gone or hangs. If it stays, look at the log of BIRD.',
}

export const BGP_SESSION_REFUSED: Code = {
  code: 'FW0511',
  name: 'BGP_SESSION_REFUSED',
  severity: 'error',
  title: 'A BGP neighbour refuses the session',
  cause:
    'The neighbour answered, and closed the session with a NOTIFICATION: it is shut down there, does not know this node, or has too many prefixes; the message has its words.',
  fix: 'Look at the neighbour: whether it expects this node by address and AS number, how many prefixes it takes, and what its log says.',
}

export const BGP_SESSION_FLAPS: Code = {
  code: 'FW0512',
  name: 'BGP_SESSION_FLAPS',
  severity: 'warning',
  title: 'A BGP session comes and goes',
  cause:
    'The session came up three times or more within a minute: the neighbour closes it after it heard the routes, the link is bad, or BFD is too sharp for it; the message has what was last heard.',
  fix: 'Look at the log of the neighbour; with BFD, allow it more time in the BFDProfile.',
}
