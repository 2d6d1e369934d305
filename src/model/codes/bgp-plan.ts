import type { Code } from '../code.ts'

/** FW052x: what is asked of BGP and cannot be as it was asked. */
export const BGP_SECRET_MISSING: Code = {
  code: 'FW0520',
  name: 'BGP_SECRET_MISSING',
  severity: 'error',
  title: 'The password of a BGP peer cannot be read',
  cause:
    'The Secret that a BGPPeer names is not there, has no password in it, or may not be read. The session is not made; others are.',
  fix: 'Create the Secret in the namespace of the BGPPeer, of type kubernetes.io/basic-auth with the key `password`.',
}

export const BGP_BFD_PROFILE_MISSING: Code = {
  code: 'FW0521',
  name: 'BGP_BFD_PROFILE_MISSING',
  severity: 'warning',
  title: 'A BGP peer asks for a BFD profile that is not there',
  cause: 'The session is made without BFD, so that a dead neighbour is missed only after the hold time.',
  fix: 'Create the BFDProfile in the namespace of the BGPPeer, or correct spec.bfdProfile.',
}

export const BGP_PEER_TWICE: Code = {
  code: 'FW0522',
  name: 'BGP_PEER_TWICE',
  severity: 'error',
  title: 'Two BGP peers are one neighbour',
  cause: 'Two BGPPeers name the same address and port for the same node. The first by name is used, the other is not.',
  fix: 'Remove one of them, or give them node selectors that have no node in common.',
}

export const BGP_ROUTER_ID_DIFFERS: Code = {
  code: 'FW0523',
  name: 'BGP_ROUTER_ID_DIFFERS',
  severity: 'warning',
  title: 'BGP peers ask for different router IDs of one node',
  cause: 'A node has one BGP identifier. That of the first peer by name is used.',
  fix: 'Set the same spec.routerID in all BGPPeers of the node, or in one of them.',
}

export const BGP_PEER_UNKNOWN: Code = {
  code: 'FW0524',
  name: 'BGP_PEER_UNKNOWN',
  severity: 'warning',
  title: 'An advertisement names a BGP peer that is not there',
  cause: 'There is no BGPPeer of that name. Peers that are there hear the routes.',
  fix: 'Correct spec.peers, or create the BGPPeer.',
}

export const BGP_COMMUNITY_UNKNOWN: Code = {
  code: 'FW0525',
  name: 'BGP_COMMUNITY_UNKNOWN',
  severity: 'error',
  title: 'An advertisement uses a community that has no meaning',
  cause:
    'A name is used that no Community object explains. Nothing is announced: without its community a route may go where it must not.',
  fix: 'Add the name to a Community, or write the value itself, such as 65000:100.',
}

export const BGP_NO_POD_RANGE: Code = {
  code: 'FW0526',
  name: 'BGP_NO_POD_RANGE',
  severity: 'warning',
  title: 'A node has no pod range to announce',
  cause:
    'An advertisement asks for the pod ranges of nodes, and the Node object has no spec.podCIDRs: the network plugin keeps its own.',
  fix: 'Choose pods one by one with spec.pods instead.',
}

export const BGP_AGGREGATE_TOO_WIDE: Code = {
  code: 'FW0527',
  name: 'BGP_AGGREGATE_TOO_WIDE',
  severity: 'warning',
  title: 'An aggregate would draw packets for other nodes',
  cause:
    'The aggregation length is shorter than the pod range of a node, so that the prefix would hold pods of other nodes. The range is announced instead.',
  fix: 'Set aggregationLength (aggregationLengthV6) to at least the length of the pod range of a node.',
}
