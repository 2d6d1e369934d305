/** Takes away what a lab has in the machine: its namespaces, and what runs in them. Works without any state, also after crashes. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { netnsPath, withNetns } from '../../linux/netns.ts'
import { endProcesses, type ProcessIdentity, processesInNetns } from '../../linux/process.ts'
import { run } from '../../linux/run.ts'
import { removeGroups } from '../kubelet/limit/sweep.ts'
import { hostNamespace, hostNamespaces, podNamespacePrefix, SWITCH } from '../names.ts'
import type { Topology } from '../topology.ts'

const NETNS_DIR = '/run/netns'

/**
 * The namespaces of a lab that are there now: those of its hosts and of its pods, and no other lab's. Its hosts are those of the
 * topology, and those that the switch has a wire for: so a lab whose record is gone is found too, whatever its topology was.
 */
export function standingNamespaces(lab: string, topology: Topology): readonly string[] {
  if (!existsSync(NETNS_DIR)) return []
  const linked = linksIn(netnsPath(hostNamespace(lab, SWITCH))).map((host) => hostNamespace(lab, host))
  const hosts = new Set([...hostNamespaces(lab, topology), ...linked])
  return readdirSync(NETNS_DIR).filter((name) => hosts.has(name) || name.startsWith(podNamespacePrefix(lab)))
}

/** The processes inside a lab's namespaces: nothing else has a reason to be there. */
export function processesInside(lab: string, topology: Topology): readonly ProcessIdentity[] {
  return processesInNetns(standingNamespaces(lab, topology).map(netnsPath))
}

/**
 * Removes one host as a loss of power would: its processes and those of its pods are killed at once, then their namespaces go. The pods
 * are those whose links are in the host's namespace. A host that is not there succeeds. @throws {FairwayError}
 */
export async function removeHost(lab: string, host: string): Promise<void> {
  const namespace = hostNamespace(lab, host)
  if (!existsSync(netnsPath(namespace))) return
  const pods = linksIn(netnsPath(namespace)).flatMap((link) => (POD_LINK.test(link) ? [link.slice('pod'.length)] : []))
  const names = [namespace, ...pods.map((id) => `${podNamespacePrefix(lab)}${id}`)].filter((name) => existsSync(netnsPath(name)))
  await endProcesses(processesInNetns(names.map(netnsPath)), 0)
  await deleteNamespaces(names)
  await removeGroups(lab, host)
}

/** The kubelet's name for the node's end of a pod's wire. */
const POD_LINK = /^pod[0-9a-f]{10}$/

/** The links in a namespace; /sys would show those of the mount's namespace, /proc/net those of the reader's. */
function linksIn(path: string): readonly string[] {
  try {
    return withNetns(path, () => readFileSync('/proc/thread-self/net/dev', 'utf8'))
      .split('\n')
      .flatMap((line) => /^\s*([^\s:]+):/.exec(line)?.[1] ?? [])
  } catch {
    return [] // the namespace is gone, or a file that never was one
  }
}

async function deleteNamespaces(names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await run(['ip', '-force', '-batch', '-'], { input: names.map((name) => `netns del ${name}\n`).join('') })
}

/** Ends what runs in the lab's namespaces, then removes them; removing what is not there succeeds. @throws {FairwayError} */
export async function sweepNamespaces(lab: string, topology: Topology): Promise<void> {
  await endProcesses(processesInside(lab, topology), 300)
  await deleteNamespaces(standingNamespaces(lab, topology))
}

/** What /run/netns was before the first lab: `ip netns add` makes it, and turns it into a mount of its own. */
export type NetnsDirState = 'absent' | 'plain' | 'mounted'

export function netnsDirState(): NetnsDirState {
  if (!existsSync(NETNS_DIR)) return 'absent'
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
  return mounts.split('\n').some((line) => line.split(' ')[1] === NETNS_DIR) ? 'mounted' : 'plain'
}

/** Puts /run/netns back to what it was, unless somebody else has namespaces in it by now. */
export async function restoreNetnsDir(before: NetnsDirState): Promise<void> {
  if (before === 'mounted' || !existsSync(NETNS_DIR) || readdirSync(NETNS_DIR).length > 0) return
  // -n: util-linux would note it in /run/mount, and make that for it
  if (netnsDirState() === 'mounted') await run(['umount', '-n', NETNS_DIR])
  if (before === 'absent') rmdirSync(NETNS_DIR)
}
