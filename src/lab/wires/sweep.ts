/** Takes away what a lab has in the machine: its namespaces, and what runs in them. Works without any state, also after crashes. */
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { netnsPath } from '../../linux/netns.ts'
import { endProcesses, type ProcessIdentity, processesInNetns } from '../../linux/process.ts'
import { run } from '../../linux/run.ts'
import { hostNamespaces, podNamespacePrefix } from '../names.ts'
import type { Topology } from '../topology.ts'

const NETNS_DIR = '/run/netns'

/** The namespaces of a lab that are there now: those of its hosts and of its pods, and no other lab's. */
export function standingNamespaces(lab: string, topology: Topology): readonly string[] {
  if (!existsSync(NETNS_DIR)) return []
  const hosts = new Set(hostNamespaces(lab, topology))
  return readdirSync(NETNS_DIR).filter((name) => hosts.has(name) || name.startsWith(podNamespacePrefix(lab)))
}

/** The processes inside a lab's namespaces: nothing else has a reason to be there. */
export function processesInside(lab: string, topology: Topology): readonly ProcessIdentity[] {
  return processesInNetns(standingNamespaces(lab, topology).map(netnsPath))
}

/** Ends what runs in the lab's namespaces, then removes them; removing what is not there succeeds. @throws {FairwayError} */
export async function sweepNamespaces(lab: string, topology: Topology): Promise<void> {
  await endProcesses(processesInside(lab, topology), 300)
  const names = standingNamespaces(lab, topology)
  if (names.length === 0) return
  await run(['ip', '-force', '-batch', '-'], { input: names.map((name) => `netns del ${name}\n`).join('') })
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
