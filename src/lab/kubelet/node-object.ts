/** This node as an object of the API. */
import { readFile } from 'node:fs/promises'
import { availableParallelism, hostname, machine, release, totalmem } from 'node:os'
import type { Node } from '../../kube/types.ts'
import type { NodeAmounts } from './limit/resource-field.ts'
import { apiTime } from './pod-status.ts'
import { canonicalAddress, parseCidr } from './range.ts'

/** What is read of the machine. */
export interface MachineFacts {
  readonly osImage: string
  readonly kernelVersion: string
  readonly architecture: string
  readonly machineID: string
  readonly bootID: string
  readonly cpus: number
  readonly memoryInKiB: number
}

export interface NodeWish {
  readonly name: string
  readonly addresses: readonly string[]
  readonly podRanges: readonly string[]
  readonly controlPlane: boolean
  readonly labels?: Readonly<Record<string, string>>
}

/** The kubelet that the lab behaves like, and our own version as the runtime's. */
const KUBELET_VERSION = 'v1.36.2'
const RUNTIME_VERSION = 'fairway://0.1.0'
export const KUBELET_PORT = 10250

/** Facts that cannot be read are ''. */
export async function readMachine(): Promise<MachineFacts> {
  const text = async (path: string) => (await readFile(path, 'utf8').catch(() => '')).trim()
  const osRelease = await text('/etc/os-release')
  const pretty = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)
  return {
    osImage: pretty?.[1] ?? 'Linux',
    kernelVersion: release(),
    architecture: goArchitecture(machine()),
    machineID: (await text('/etc/machine-id')) || hostname(),
    bootID: await text('/proc/sys/kernel/random/boot_id'),
    cpus: availableParallelism(),
    memoryInKiB: Math.floor(totalmem() / 1024),
  }
}

function goArchitecture(name: string): string {
  return { x86_64: 'amd64', aarch64: 'arm64' }[name] ?? name
}

/** The node without its status: what is made once, and kept as users change it (labels, taints, cordon). */
export function nodeObject(wish: NodeWish, facts: MachineFacts): Node {
  const labels: Record<string, string> = {
    ...wish.labels,
    'beta.kubernetes.io/arch': facts.architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': facts.architecture,
    'kubernetes.io/hostname': wish.name,
    'kubernetes.io/os': 'linux',
  }
  if (wish.controlPlane) labels['node-role.kubernetes.io/master'] = ''
  const podCIDRs = wish.podRanges.map((range) => parseCidr(range).cidr)
  return { apiVersion: 'v1', kind: 'Node', metadata: { name: wish.name, labels }, spec: { podCIDR: podCIDRs[0], podCIDRs } }
}

/** What this machine can give to containers. */
export function nodeAmounts(): NodeAmounts {
  return { cpu: availableParallelism(), memory: Math.floor(totalmem() / 1024) * 1024 }
}

type NodeStatus = NonNullable<Node['status']>

/** The status of a healthy node; conditions keep the times of `before` where nothing changed. */
export function nodeStatus(wish: NodeWish, facts: MachineFacts, before: Node, nowInMs: number): NodeStatus {
  const amounts = { cpu: String(facts.cpus), memory: `${facts.memoryInKiB}Ki`, pods: '110', 'ephemeral-storage': '0' }
  return {
    addresses: [
      ...wish.addresses.map((address) => ({ type: 'InternalIP', address: canonicalAddress(address) })),
      { type: 'Hostname', address: wish.name },
    ],
    capacity: amounts,
    allocatable: amounts,
    conditions: [
      condition('MemoryPressure', 'False', ['KubeletHasSufficientMemory', 'kubelet has sufficient memory available']),
      condition('DiskPressure', 'False', ['KubeletHasNoDiskPressure', 'kubelet has no disk pressure']),
      condition('PIDPressure', 'False', ['KubeletHasSufficientPID', 'kubelet has sufficient PID available']),
      condition('Ready', 'True', ['KubeletReady', 'kubelet is posting ready status']),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: KUBELET_PORT } },
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootID,
      containerRuntimeVersion: RUNTIME_VERSION,
      kernelVersion: facts.kernelVersion,
      kubeProxyVersion: '',
      kubeletVersion: KUBELET_VERSION,
      machineID: facts.machineID,
      operatingSystem: 'linux',
      osImage: facts.osImage,
      systemUUID: facts.machineID,
    },
  }

  function condition(type: string, status: string, [reason, message]: readonly [string, string]) {
    const old = before.status?.conditions?.find((each) => each.type === type)
    const now = apiTime(nowInMs)
    const lastTransitionTime = old?.status === status ? (old.lastTransitionTime ?? now) : now
    return { type, status, lastHeartbeatTime: now, lastTransitionTime, reason, message }
  }
}
