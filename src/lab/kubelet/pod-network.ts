/**
 * A pod's wires, as CNI's ptp plugin lays them: a veth pair, host routes instead of a bridge, and static neighbours, so that no
 * packet waits for ARP or duplicate address detection.
 */
import { createHash } from 'node:crypto'
import { readdir, readlink, stat } from 'node:fs/promises'
import { ipBatch } from '../../linux/netns.ts'
import { run, tryRun } from '../../linux/run.ts'
import { isIPv6 } from './range.ts'

const MTU = 1450
const NETNS_DIR = '/run/netns'

export interface PodWires {
  /** `fw-LAB-pod-ID`. */
  readonly netns: string
  /** The node's end of the pair; in the pod it is `eth0`. */
  readonly hostLink: string
  readonly addresses: readonly string[]
  /** In the order of the addresses. */
  readonly gateways: readonly string[]
}

/** The namespace and link names of a pod: ten hexadecimal digits that follow from its uid, as a link's name has 15 characters. */
export function podWireNames(lab: string, uid: string): { readonly netns: string; readonly hostLink: string } {
  const id = createHash('sha256').update(uid).digest('hex').slice(0, 10)
  return { netns: `fw-${lab}-pod-${id}`, hostLink: `pod${id}` }
}

/** The node's end always has this address, so that the pod's static neighbour is known before the link is made. */
const HOST_MAC = '02:fa:1a:00:00:01'

/** The pod's hardware address: locally administered, from its IPv4 address as CNI does, or else from its first address. */
export function podMac(addresses: readonly string[]): string {
  const digest = createHash('sha256')
    .update(addresses[0] ?? '')
    .digest('hex')
  return `02:fb:${digest.slice(0, 2)}:${digest.slice(2, 4)}:${digest.slice(4, 6)}:${digest.slice(6, 8)}`
}

/** `ip -batch` lines for the pod's namespace, where the pair is made, its other end given to the node (`process id` of the runner). */
export function podSideLines(wires: PodWires, nodePid: number): readonly string[] {
  const mac = podMac(wires.addresses)
  const lines = [
    'link set lo up',
    `link add eth0 mtu ${MTU} address ${mac} type veth peer name ${wires.hostLink} mtu ${MTU} address ${HOST_MAC} netns ${nodePid}`,
    'link set eth0 up',
  ]
  for (const [index, address] of wires.addresses.entries()) {
    const gateway = wires.gateways[index] ?? ''
    const six = isIPv6(address)
    lines.push(six ? `addr add ${address}/128 dev eth0 nodad` : `addr add ${address}/32 dev eth0`)
    lines.push(`route add ${gateway}/${six ? 128 : 32} dev eth0 scope link`)
    lines.push(`neigh replace ${gateway} lladdr ${HOST_MAC} dev eth0 nud permanent`)
    lines.push(`route add default via ${gateway} dev eth0`)
  }
  return lines
}

/** `ip -batch` lines for the node's namespace, once the pair is there. */
export function nodeSideLines(wires: PodWires): readonly string[] {
  const mac = podMac(wires.addresses)
  const lines: string[] = []
  for (const [index, address] of wires.addresses.entries()) {
    const gateway = wires.gateways[index] ?? ''
    const bits = isIPv6(address) ? 128 : 32
    lines.push(`addr add ${gateway}/${bits} dev ${wires.hostLink}${bits === 128 ? ' nodad' : ''}`)
    lines.push(`route replace ${address}/${bits} dev ${wires.hostLink}`)
    lines.push(`neigh replace ${address} lladdr ${mac} dev ${wires.hostLink} nud permanent`)
  }
  return [`link set ${wires.hostLink} up`, ...lines]
}

/** Makes the namespace and the wires; on failure nothing of it is left. @throws {FairwayError} */
export async function layPodWires(wires: PodWires): Promise<void> {
  await run(['ip', 'netns', 'add', wires.netns])
  try {
    await ipBatch(wires.netns, podSideLines(wires, process.pid))
    await run(['ip', '-batch', '-'], { input: `${nodeSideLines(wires).join('\n')}\n` })
  } catch (error) {
    await removePodWires(wires.netns, wires.hostLink)
    throw error
  }
}

/** Takes a pod's wires away, whatever there is of them; the link at once, as a namespace's own end lingers in the kernel. */
export async function removePodWires(netns: string, hostLink: string): Promise<void> {
  await tryRun(['ip', 'link', 'delete', hostLink])
  await tryRun(['ip', 'netns', 'delete', netns])
}

/** Kills every process inside a namespace (a crashed runner's leftovers). Never called for a node's own namespace. */
export async function killInside(netns: string): Promise<void> {
  const { stdout } = await tryRun(['ip', 'netns', 'pids', netns])
  for (const pid of stdout.split('\n').filter((line) => line !== '')) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // it ended on its own
    }
  }
}

/** What is left of this lab's pods whose other end is in this namespace: their links name them. */
export async function listPodLinks(): Promise<readonly string[]> {
  const links = JSON.parse((await run(['ip', '-json', 'link', 'show', 'type', 'veth'])) || '[]') as readonly { ifname?: string }[]
  return links.flatMap(({ ifname = '' }) => (/^pod[0-9a-f]{10}$/.test(ifname) ? [ifname] : []))
}

/**
 * Kills containers that outlived a runner in the namespace where this runs: a runner that dies in the few milliseconds before
 * bubblewrap has tied the container to it leaves one. They are known by their process namespace, which is not ours.
 */
export async function killStrangersHere(): Promise<void> {
  const here = await Promise.all(['net', 'pid'].map((kind) => readlink(`/proc/self/ns/${kind}`)))
  // in the machine's own namespace, which has no name, strangers are other people's containers
  if (!(await isNamedNamespace())) return
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  await Promise.all(
    pids.map(async (pid) => {
      try {
        const [net, own] = await Promise.all(['net', 'pid'].map((kind) => readlink(`/proc/${pid}/ns/${kind}`)))
        if (net === here[0] && own !== here[1]) process.kill(Number(pid), 'SIGKILL')
      } catch {
        // it ended meanwhile
      }
    }),
  )
}

/** Whether this runs in a namespace that `ip netns` lists. */
async function isNamedNamespace(): Promise<boolean> {
  const { ino } = await stat('/proc/self/ns/net')
  const names = await readdir(NETNS_DIR).catch(() => [])
  const named = await Promise.all(names.map((name) => stat(`${NETNS_DIR}/${name}`).catch(() => undefined)))
  return named.some((entry) => entry?.ino === ino)
}
