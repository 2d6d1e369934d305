import type { Finding } from '../model/code.ts'
import { HOST_PORT_IPV6_LOOPBACK } from '../model/codes/ports.ts'
import { type DataPathEntry, type Frontend, familyOf, frontendKey } from '../model/datapath.ts'
import type { Plan } from '../model/plan.ts'
import type { Family, HostPort, NodeName, Pod } from '../model/world.ts'
import { groupKey, PLAIN } from './backends.ts'
import { beatenBy, type Claim, type ClaimsOn, clash, portSlot } from './claim.ts'

const EVERY_ADDRESS: Readonly<Record<string, readonly Family[]>> = { '': ['ipv4', 'ipv6'], '0.0.0.0': ['ipv4'], '::': ['ipv6'] }

/** One hostPort in one family of the pod. `hostAddress` is '' for every address of the node. */
interface Wish {
  readonly port: HostPort
  readonly hostAddress: string
  readonly podAddress: string
  readonly family: Family
}

function wishesOf(pod: Pod): readonly Wish[] {
  if (pod.finished) return []
  return pod.hostPorts.flatMap((port) => {
    const every = EVERY_ADDRESS[port.hostIP]
    const families = every ?? [familyOf(port.hostIP)]
    const hostAddress = every === undefined ? port.hostIP : ''
    return families.flatMap((family) => {
      const podAddress = pod.addresses.find((address) => familyOf(address) === family)
      return podAddress === undefined ? [] : [{ port, hostAddress, podAddress, family }]
    })
  })
}

function claimOf(pod: Pod, { port, hostAddress, family }: Wish): Claim {
  return {
    slot: portSlot(family, port.protocol, port.hostPort),
    addresses: hostAddress === '' ? [] : [hostAddress],
    subject: `pod/${pod.key}`,
    claimedAtInMs: pod.createdAtInMs,
    text: `hostPort ${port.hostPort}/${port.protocol}${hostAddress === '' ? '' : ` on ${hostAddress}`}`,
  }
}

/** The ports of the node that a pod holds: its hostPorts; with hostNetwork those are its own sockets. */
export function hostPortClaims(pod: Pod): readonly Claim[] {
  return wishesOf(pod).map((wish) => claimOf(pod, wish))
}

/**
 * Plans the hostPorts of one pod on its node: from outside, from the node itself (127.0.0.1 included), from pods.
 *
 * Shape:  a frontend and a group of one backend each port and family that the pod has an address of; none with hostNetwork.
 * Errors: never throws; a port that an older claim has, and hostIP `::1`, become findings.
 * Source: Kubernetes Pod API, ports[].hostPort and hostIP; CNI portmap plugin.
 */
export function planHostPorts(pod: Pod, claimsOn: ClaimsOn, node: NodeName): Plan<DataPathEntry> {
  const entries: DataPathEntry[] = []
  const findings: Finding[] = []
  if (pod.node !== node) return { entries, findings }
  for (const wish of wishesOf(pod)) {
    const claim = claimOf(pod, wish)
    const winner = beatenBy(claim, claimsOn)
    if (winner !== undefined) findings.push(clash(claim, winner))
    if (pod.hostNetwork || winner !== undefined) continue
    if (wish.hostAddress === '::1') findings.push(ipv6Loopback(pod, wish))
    else entries.push(...forward(pod, wish))
  }
  return { entries, findings }
}

function forward(pod: Pod, { port, hostAddress, podAddress, family }: Wish): readonly DataPathEntry[] {
  const at = hostAddress === '' ? 'host-port' : 'host-address'
  const place = { at, from: 'anywhere', family, address: hostAddress, protocol: port.protocol, port: port.hostPort } as const
  const owner = `pod:${pod.key}:${port.protocol}:${port.hostPort}:${hostAddress === '' ? '*' : hostAddress}`
  const group = groupKey(owner, 'host', family)
  const backends = [{ address: podAddress, port: port.containerPort }]
  const frontend: Frontend = { kind: 'frontend', key: frontendKey(place), ...place, group }
  return [{ kind: 'group', key: group, family, masquerade: 'none', ...PLAIN, backends }, frontend]
}

function ipv6Loopback(pod: Pod, { port }: Wish): Finding {
  const message = `pod/${pod.key} asks for hostPort ${port.hostPort}/${port.protocol} on ::1, which cannot be translated.`
  return { code: HOST_PORT_IPV6_LOOPBACK, subjects: [`pod/${pod.key}`], message, fix: HOST_PORT_IPV6_LOOPBACK.fix }
}
