/** How to run something on a host of the lab: in its network namespace, under its name, with the lab's names resolvable. */
import { inNetns } from '../linux/netns.ts'
import { hostNamed, hostNamespace } from './names.ts'
import { kubeconfigPath, type LabState, labPaths } from './state.ts'

/** A command line and the environment to add for it. */
export interface Entry {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * The hostname and /etc/hosts are set in namespaces of the command's own, which end with it. `slave` lets the lab's unmounts through:
 * else a shell that is left open would keep every namespace of the lab alive.
 */
const SCRIPT = 'printf %s "$1" >/proc/sys/kernel/hostname; mount -n --bind "$2" /etc/hosts; shift 2; exec "$@"'

/** @throws {FairwayError} LAB_HOST_UNKNOWN */
export function enterHost(state: LabState, host: string, command: readonly string[]): Entry {
  const { name } = hostNamed(state.topology, host)
  const inside = ['sh', '-c', SCRIPT, 'sh', name, labPaths(state.name).hosts, ...command]
  return {
    // Node ignores these signals, and what is ignored stays so for the program that takes its place.
    command: inNetns(hostNamespace(state.name, name), [
      'env',
      '--default-signal=PIPE,XFSZ',
      'unshare',
      '--uts',
      '--mount',
      '--propagation',
      'slave',
      ...inside,
    ]),
    env: {
      KUBECONFIG: kubeconfigPath(state.name, 'client'),
      HOSTNAME: name,
      FAIRWAY_LAB: state.name,
      FAIRWAY_LAB_HOST: name,
    },
  }
}
