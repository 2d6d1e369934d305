/** How to run something on a host of the lab: in its network namespace, under its name, with the lab's names resolvable. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inNetns } from '../linux/netns.ts'
import { hostNamed, hostNamespace } from './names.ts'
import { kubeconfigPath, type LabState, labPaths } from './state.ts'

/** A command line, and what it finds around it. */
export interface Entry {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Folders of programs that come before all others. */
  readonly path: readonly string[]
}

/**
 * The hostname and /etc/hosts are set in namespaces of the command's own, which end with it. `slave` lets the lab's unmounts through:
 * else a shell that is left open would keep every namespace of the lab alive.
 */
const SCRIPT = 'printf %s "$1" >/proc/sys/kernel/hostname; mount -n --bind "$2" /etc/hosts; shift 2; exec "$@"'
const MOUNT_FLAGS = ['--mount', '--propagation', 'slave']

/** In a chroot the root may be no mount point, and then no mount can be made private: hosts are found by address alone. */
const SCRIPT_WITHOUT_MOUNTS = 'printf %s "$1" >/proc/sys/kernel/hostname; shift 2; exec "$@"'

/** Whether the root of this process is a mount point, by the fifth field of /proc/self/mountinfo. */
export function rootIsMountPoint(mountInfo = readFileSync('/proc/self/mountinfo', 'utf8')): boolean {
  return mountInfo.split('\n').some((line) => line.split(' ')[4] === '/')
}

/** @throws {FairwayError} LAB_HOST_UNKNOWN */
export function enterHost(
  state: LabState,
  host: string,
  command: readonly string[],
  privateMounts: boolean = rootIsMountPoint(),
): Entry {
  const { name, asn } = hostNamed(state.topology, host)
  const script = privateMounts ? SCRIPT : SCRIPT_WITHOUT_MOUNTS
  const inside = ['sh', '-c', script, 'sh', name, labPaths(state.name).hosts, ...command]
  return {
    // Node ignores these signals, and what is ignored stays so for the program that takes its place.
    command: inNetns(hostNamespace(state.name, name), [
      'env',
      '--default-signal=PIPE,XFSZ',
      'unshare',
      '--uts',
      ...(privateMounts ? MOUNT_FLAGS : []),
      ...inside,
    ]),
    env: {
      KUBECONFIG: kubeconfigPath(state.name, 'client'),
      HOSTNAME: name,
      FAIRWAY_LAB: state.name,
      FAIRWAY_LAB_HOST: name,
    },
    path: asn === undefined ? [] : [join(labPaths(state.name).routers, name, 'bin')],
  }
}
