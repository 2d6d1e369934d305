import type { Code } from '../code.ts'

/** FW055x: what is missing between what is asked of BGP and what the nodes report. */
export const BGP_SESSION_UNREPORTED: Code = {
  code: 'FW0550',
  name: 'BGP_SESSION_UNREPORTED',
  severity: 'error',
  title: 'A node does not report a BGP session that it is to have',
  cause:
    'A BGPPeer chooses the node, and there is no BGPSessionStatus of the two: no agent runs there, or it cannot use the peer.',
  fix: 'See whether the agent runs on the node and what its log says of the peer.',
}

export const BGP_REPORT_STALE: Code = {
  code: 'FW0551',
  name: 'BGP_REPORT_STALE',
  severity: 'warning',
  title: 'What is known of a BGP session may be old',
  cause: 'The node that reported the session is not Ready or is gone, so that what it last said may no longer be true.',
  fix: 'Ask the router, or bring the node back: `kubectl describe node NODE` says what is wrong with it.',
}

export const BGP_PEER_WITHOUT_NODE: Code = {
  code: 'FW0552',
  name: 'BGP_PEER_WITHOUT_NODE',
  severity: 'warning',
  title: 'A BGP peer that no node speaks with',
  cause: 'The nodeSelectors of the BGPPeer choose no node of the cluster.',
  fix: 'Correct its nodeSelectors; `kubectl get nodes --show-labels` lists the labels that there are.',
}

export const BGP_SESSION_ORPHANED: Code = {
  code: 'FW0553',
  name: 'BGP_SESSION_ORPHANED',
  severity: 'warning',
  title: 'A BGP session that nothing asks for any more',
  cause: 'A node reports a session although its BGPPeer is gone or no longer chooses the node: its agent does not hear of it.',
  fix: 'See whether the agent runs on the node; it ends the session and removes the report as soon as it does.',
}

export const BGP_NOT_INSTALLED: Code = {
  code: 'FW0554',
  name: 'BGP_NOT_INSTALLED',
  severity: 'error',
  title: 'The cluster does not know resources of BGP',
  cause: 'The API server has no BGPPeer or no BGPSessionStatus: their CustomResourceDefinitions are not installed.',
  fix: 'Install them: `kubectl apply -f deploy/crds` in the source of Fairway.',
}

export const BGP_NO_SUCH_PEER: Code = {
  code: 'FW0555',
  name: 'BGP_NO_SUCH_PEER',
  severity: 'error',
  title: 'No such BGP peer',
  cause: 'A command was asked about a BGPPeer that the cluster does not have in any namespace.',
  fix: 'Run `fairway bgp peers` without a name to list all of them.',
}

export const BGP_ROUTE_UNHEARD: Code = {
  code: 'FW0556',
  name: 'BGP_ROUTE_UNHEARD',
  severity: 'error',
  title: 'Routes that nobody hears of',
  cause:
    'A PodRouteAdvertisement is to be announced by a node none of whose sessions with the peers that it names is established.',
  fix: 'Run `fairway bgp peers`, which says what stands in the way of each session.',
}

export const BGP_ADVERTISEMENT_IDLE: Code = {
  code: 'FW0557',
  name: 'BGP_ADVERTISEMENT_IDLE',
  severity: 'warning',
  title: 'A PodRouteAdvertisement that announces nothing',
  cause: 'No node has both something that it chooses (a Ready pod, a pod range) and a session with a peer that it names.',
  fix: 'Compare its selectors with the labels of pods, namespaces and nodes, and its peers with `fairway bgp peers`.',
}

export const BGP_NOT_ANNOUNCED: Code = {
  code: 'FW0558',
  name: 'BGP_NOT_ANNOUNCED',
  severity: 'error',
  title: 'An address that no node announces',
  cause: 'It was asked who announces an address, a prefix or a pod, and no PodRouteAdvertisement makes any node do so.',
  fix: 'See that the pod is Ready, and that a PodRouteAdvertisement chooses it: `kubectl get podrouteadvertisements -o yaml`.',
}

export const BGP_FAMILY_UNCARRIED: Code = {
  code: 'FW0559',
  name: 'BGP_FAMILY_UNCARRIED',
  severity: 'info',
  title: 'Routes of a family that no session carries',
  cause:
    "A session carries the family of its peer's address, and the other where the BGPPeer says dualStackAddressFamily and the node has an address of it.",
  fix: 'If they are wanted, set dualStackAddressFamily, add a peer with an address of that family, or give the node one.',
}

export const BGP_BFD_NOT_UP: Code = {
  code: 'FW0560',
  name: 'BGP_BFD_NOT_UP',
  severity: 'warning',
  title: 'BFD does not see the neighbour of an established session',
  cause: 'The peer has a BFDProfile, and its BFD session is not up: the neighbour may have none, or its packets are lost.',
  fix: 'Turn BFD on at the router for this neighbour, and let UDP ports 3784 and 4784 through; or take bfdProfile out of the BGPPeer.',
}
