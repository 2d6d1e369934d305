import type { Code } from '../code.ts'

/** FW0620 to FW0649: addresses announced on the node's own subnets. */
export const L2_ADDRESS_FOREIGN: Code = {
  code: 'FW0620',
  name: 'L2_ADDRESS_FOREIGN',
  severity: 'error',
  title: 'An address to be announced is on the node already',
  cause:
    'Somebody else put the address on an interface of this node. Fairway leaves it as it is, and does not announce it from here.',
  fix: 'Take the address off the interface that the message names (`ip address del`), or take it out of the pool.',
}

export const L2_INTERFACE_MISSING: Code = {
  code: 'FW0621',
  name: 'L2_INTERFACE_MISSING',
  severity: 'warning',
  title: 'An interface to announce on is not there',
  cause: 'An address is to be announced on an interface that this node does not have. It is announced on those that are there.',
  fix: 'Correct spec.interfaces of the L2Advertisement, or wait for the interface: it is used as soon as it is there.',
}

export const L2_ADDRESS_REFUSED: Code = {
  code: 'FW0622',
  name: 'L2_ADDRESS_REFUSED',
  severity: 'error',
  title: 'The kernel refuses an address',
  cause: 'An address cannot be put on an interface; the message has the reason: IPv6 may be switched off there (EACCES).',
  fix: 'Switch the family on for the interface that the message names, or choose another one in the L2Advertisement.',
}

export const L2_CHANGE_FAILED: Code = {
  code: 'FW0623',
  name: 'L2_CHANGE_FAILED',
  severity: 'error',
  title: 'Announced addresses cannot be changed',
  cause:
    'The kernel did not take a change of addresses or of the rules of who answers for them, or the state file cannot be written.',
  fix: 'Look at the reason in the message; the agent needs NET_ADMIN and NET_RAW. It tries again by itself.',
}
