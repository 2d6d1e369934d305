/** What a topology file says, before what it leaves away is chosen. */
import type { LabHost, Times } from '../topology.ts'

export type Family = 'ipv4' | 'ipv6'

/** One value for each family; absent where the file says nothing. */
export type PerFamily = Readonly<Partial<Record<Family, string>>>

export interface HostDraft {
  /** Where it stands in the file, for errors: `nodes[0]`. */
  readonly path: string
  readonly name: string
  readonly role: LabHost['role']
  readonly addresses: PerFamily
  /** Nodes only. */
  readonly pods: PerFamily
  readonly controlPlane?: boolean
  readonly labels: Readonly<Record<string, string>>
}

export interface TopologyDraft {
  readonly families: readonly Family[]
  readonly nodes: readonly HostDraft[]
  readonly clients: readonly HostDraft[]
  readonly routers: readonly HostDraft[]
  /** All of the families that the lab has. */
  readonly switch: PerFamily
  readonly pods: PerFamily
  readonly services: PerFamily
  readonly times: Times
  /** Whether its routers speak BGP. */
  readonly bgp: boolean
}

/** The ranges of the default lab, which are also those of flannel and kubeadm where these have any. */
export const DEFAULT_RANGES = {
  switch: { ipv4: '192.168.0.0/16', ipv6: 'fd00:192:168::/64' },
  pods: { ipv4: '10.244.0.0/16', ipv6: 'fd00:10:244::/56' },
  services: { ipv4: '10.96.0.0/12', ipv6: 'fd00:10:96::/112' },
} as const satisfies Record<string, Record<Family, string>>
