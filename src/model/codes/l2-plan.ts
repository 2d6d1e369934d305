import type { Code } from '../code.ts'

/** FW063x: who announces addresses on the nodes' subnets, and why nobody does. */
export const L2_NOBODY_ANNOUNCES: Code = {
  code: 'FW0630',
  name: 'L2_NOBODY_ANNOUNCES',
  severity: 'warning',
  title: 'An address of a Service is announced by no node',
  cause:
    'No L2Advertisement or BGPAdvertisement chooses the address, or no node that one chooses may announce it: none has a ready endpoint under externalTrafficPolicy Local, all are taken out of use, or none is on a subnet that holds the address.',
  fix: 'Make an L2Advertisement whose ipAddressPools, serviceSelectors and nodeSelectors choose the pool, the Service and a node.',
}

export const L2_NO_NAMED_INTERFACE: Code = {
  code: 'FW0631',
  name: 'L2_NO_NAMED_INTERFACE',
  severity: 'warning',
  title: 'A node has no interface of the name that an L2Advertisement gives',
  cause:
    'The advertisement chooses the node, and names interfaces of which the node has none that is up and has an address of its own.',
  fix: "Name an interface of the node in the advertisement's `interfaces`, or leave the node out by its `nodeSelectors`.",
}

export const L2_ADDRESS_CLAIMED: Code = {
  code: 'FW0632',
  name: 'L2_ADDRESS_CLAIMED',
  severity: 'error',
  title: 'Another machine says that an address of a Service is its own',
  cause:
    'ARP or neighbour advertisements for the address come from a hardware address that is no announcer of Fairway, also after the owner told the subnet again. Clients reach now the one, now the other.',
  fix: 'Take the address off that machine, or out of the IPAddressPool.',
}

export const L2_BFD_SILENT: Code = {
  code: 'FW0633',
  name: 'L2_BFD_SILENT',
  severity: 'warning',
  title: 'Two nodes hear each other, but not by BFD',
  cause:
    'The node answers ARP or neighbour discovery, and no BFD packet of it arrives: a firewall is between them, or its BIRD does not run. A Lease stands in, so that its death is noticed by unanswered questions alone, and that of its agent only after ten seconds.',
  fix: 'Let UDP port 3784 pass between the nodes. If it does, look at FW05 findings of that node.',
}
