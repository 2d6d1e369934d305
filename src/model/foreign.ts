/** What others than Fairway have in this node's kernel, as far as it is the same work. */
import type { Family, Protocol } from './world.ts'

/** A port of the node that a CNI plugin forwards to a pod. */
export interface ForeignHostPort {
  readonly family: Family
  readonly protocol: Protocol
  readonly port: number
  /** Who, in words, as in `CNI portmap (chain CNI-HOSTPORT-DNAT)`. */
  readonly by: string
}

export interface ForeignRules {
  /** Who carries Services on this node, in words, as in `kube-proxy (nftables)`; '' for nobody. */
  readonly serviceProxy: string
  /** By `hostPortKey`. */
  readonly hostPorts: ReadonlyMap<string, ForeignHostPort>
}

export const NOBODY_ELSE: ForeignRules = { serviceProxy: '', hostPorts: new Map() }

export function hostPortKey({ family, protocol, port }: Pick<ForeignHostPort, 'family' | 'protocol' | 'port'>): string {
  return `${family}/${protocol}/${port}`
}
