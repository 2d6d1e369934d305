import type { Code } from '../code.ts'

/** FW03xx: the node's packet path. */
export const DATAPATH_LIBRARY_MISSING: Code = {
  code: 'FW0301',
  name: 'DATAPATH_LIBRARY_MISSING',
  severity: 'error',
  title: 'libnftables cannot be loaded',
  cause: 'The library libnftables.so.1, by which rules are put into the kernel, is not on this machine or cannot be opened.',
  fix: 'Install it: `apt-get install nftables` brings it on Debian and Ubuntu.',
}

export const DATAPATH_APPLY_FAILED: Code = {
  code: 'FW0302',
  name: 'DATAPATH_APPLY_FAILED',
  severity: 'error',
  title: 'The kernel refused a change of the rules',
  cause:
    'A transaction on the fairway tables failed as a whole; what was installed before is still in force, and the change is tried again after the tables were read anew.',
  fix: 'The message has what nftables said; when it does not go away, look at `nft list table ip fairway` and at the kernel log.',
}

export const DATAPATH_LOOPBACK_REFUSED: Code = {
  code: 'FW0304',
  name: 'DATAPATH_LOOPBACK_REFUSED',
  severity: 'warning',
  title: 'hostPorts do not answer on 127.0.0.1',
  cause:
    "The sysctl route_localnet of a pod's interface cannot be written, as in a container whose /proc/sys is read-only, so the kernel does not route flows from 127.0.0.1 to that pod. All other ways to the hostPort work.",
  fix: "Run the agent in a container that may write /proc/sys/net (a privileged one), or use the node's own address instead of 127.0.0.1.",
}

export const DATAPATH_READ_FAILED: Code = {
  code: 'FW0303',
  name: 'DATAPATH_READ_FAILED',
  severity: 'error',
  title: 'The rules in the kernel cannot be read',
  cause: 'Listing the fairway tables failed, so that it is not known what is installed; what is installed goes on working.',
  fix: 'Check that `nft -j list tables` works as root on the node.',
}

export const CONNTRACK_FAILED: Code = {
  code: 'FW0305',
  name: 'CONNTRACK_FAILED',
  severity: 'warning',
  title: 'Stale UDP flows cannot be forgotten',
  cause:
    'The kernel did not delete its records of UDP flows to endpoints that have left, so clients that go on sending from the same port lose their datagrams until they pause for two minutes.',
  fix: 'Check that the agent has CAP_NET_ADMIN and that the kernel module nf_conntrack_netlink is there: `conntrack -L -p udp` must work on the node.',
}
