import type { Code } from '../code.ts'

/** FW01xx: the machine that Fairway or its lab runs on. */
export const MACHINE_NOT_LINUX: Code = {
  code: 'FW0101',
  name: 'MACHINE_NOT_LINUX',
  severity: 'error',
  title: 'This needs Linux',
  cause: 'The lab is made of Linux network namespaces, and this machine runs another system.',
  fix: 'Run it on a Linux machine or in a Linux virtual machine; Debian 12 is what it is tested on.',
}

export const MACHINE_NOT_ROOT: Code = {
  code: 'FW0102',
  name: 'MACHINE_NOT_ROOT',
  severity: 'error',
  title: 'This needs root',
  cause: 'Network namespaces and nftables rules can be made by root only.',
  fix: 'Run the same command with sudo.',
}

export const MACHINE_COMMAND_FAILED: Code = {
  code: 'FW0103',
  name: 'MACHINE_COMMAND_FAILED',
  severity: 'error',
  title: 'A system command failed',
  cause: 'A program of the system that Fairway needs is missing, or answered with an error.',
  fix: 'Run `make setup` if the program is missing; the message has the command and what it said.',
}

export const MACHINE_FEATURE_MISSING: Code = {
  code: 'FW0104',
  name: 'MACHINE_FEATURE_MISSING',
  severity: 'error',
  title: 'The kernel lacks a feature',
  cause: 'The running kernel has no support for something that the lab is built on.',
  fix: 'Use a kernel with the named feature (Debian 12 has all of them), or load its module with modprobe.',
}

export const MACHINE_PROGRAM_MISSING: Code = {
  code: 'FW0105',
  name: 'MACHINE_PROGRAM_MISSING',
  severity: 'error',
  title: 'A program is not installed',
  cause: 'The lab uses programs of the system (ip, nft, bwrap, ...), and one of them is not on the PATH.',
  fix: 'Run `make setup`, which installs all of them, or install the named package.',
}

export const MACHINE_REGISTRY_UNREACHABLE: Code = {
  code: 'FW0106',
  name: 'MACHINE_REGISTRY_UNREACHABLE',
  severity: 'error',
  title: 'A package registry does not answer',
  cause: 'The set-up takes Node 24, npm packages and Debian packages from their registries, and one of them cannot be reached.',
  fix: 'Check the network and `npm config get registry`, then run the same command again.',
}

export const MACHINE_NODE_MISSING: Code = {
  code: 'FW0107',
  name: 'MACHINE_NODE_MISSING',
  severity: 'error',
  title: 'Node 24 is not set up',
  cause: 'Fairway brings its own Node 24 in toolchain/, and it, or the npm packages, are not there yet.',
  fix: 'Run `make setup` in the checkout.',
}
