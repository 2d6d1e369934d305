/** What the data path installs on a node, free of any engine's words: the entries that planners make and the nftables engine carries. */
import type { Family, Protocol } from './world.ts'

/** Where a translated flow goes. `address` is canonical text. */
export interface Backend {
  readonly address: string
  readonly port: number
}

/**
 * Whose source address is replaced by the node's, beside hairpins, which always are: `outsiders` every source but this node's
 * pods (the reply must come back through this node); `none` nobody's.
 */
export type Masquerade = 'outsiders' | 'none'

/**
 * The backends of one service port in one family and for one kind of source, or of one hostPort.
 *
 * Shape: `backends` sorted by address and port, without doubles; `sourceRanges` sorted CIDR text of the family, no two overlapping.
 * `masquerade` is part of the key: a group never changes it; all else may change. A group is in its normal form (`normalGroup`).
 */
export interface BackendGroup {
  readonly kind: 'group'
  readonly key: string
  readonly family: Family
  readonly masquerade: Masquerade
  /** What new flows meet when there is no backend: a refusal at once, or silence (another node may have one). */
  readonly whenEmpty: 'refuse' | 'drop'
  /** A client stays with its backend for so long after its last new flow, while the backend is in the group; 0 for no affinity. */
  readonly affinityInSeconds: number
  /** Who may come; others are dropped. Empty: everybody. */
  readonly sourceRanges: readonly string[]
  readonly backends: readonly Backend[]
}

/** A destination of new flows that a group answers: `group` is its key, of the same family. */
export interface Frontend {
  readonly kind: 'frontend'
  readonly key: string
  readonly family: Family
  /**
   * `address` one address; `node-port` every address that answers nodePorts (entries `node-address` and `node-range`);
   * `host-port` every local address, 127.0.0.0/8 included, `::1` and service addresses not; `host-address` one such local
   * address, and nothing when the node does not have it: a pod may write any address as its hostIP.
   */
  readonly at: 'address' | 'node-port' | 'host-port' | 'host-address'
  /**
   * Whose flows: `inside` those of this node and its pods alone, for which it goes before `anywhere`. Only `address` and
   * `node-port` have it; a policy Local is why.
   */
  readonly from: 'anywhere' | 'inside'
  /** '' unless `at` is `address` or `host-address`. */
  readonly address: string
  readonly protocol: Protocol
  readonly port: number
  readonly group: string
}

/**
 * An address with a part to play in the data path of this node.
 *
 * `node-address` answers NodePorts. `service-address` belongs to Services only: what is sent to it and not translated is refused,
 * so that it never travels on.
 * `local-pod` is a pod here: a flow from it that is translated back to it (hairpin) needs another source address.
 */
export interface AddressEntry {
  readonly kind: 'node-address' | 'service-address' | 'local-pod'
  readonly key: string
  readonly family: Family
  readonly address: string
}

/**
 * A range of addresses, as CIDR text; no two of one kind overlap. `local-source` is what this node's pods send from: their flows to
 * Services keep their source address. `service-range` is kept for cluster addresses: one that no Service has is refused.
 * `node-range` holds addresses that answer nodePorts while the machine has them: service addresses, 127.0.0.0/8, `::1` and
 * fe80::/10 (which cannot be forwarded for) never do. `keep-source` is where packets of this node's pods keep their source address, whatever
 * the network plugin does elsewhere.
 */
export interface AddressRange {
  readonly kind: 'local-source' | 'service-range' | 'node-range' | 'keep-source'
  readonly key: string
  readonly family: Family
  readonly cidr: string
}

/** Something that an engine found in its slice and no entry explains. Planners never make one; removing it repairs the slice. */
export interface Stray {
  readonly kind: 'stray'
  readonly key: string
}

export type DataPathEntry = BackendGroup | Frontend | AddressEntry | AddressRange | Stray

/** The longest key of a group in bytes: engines keep it beside the kernel's object (an nft comment holds 128). */
export const GROUP_KEY_LIMIT = 120

/** Says nothing that does not matter: how an empty group answers while it is not, whom clients stay with while there is nobody. */
export function normalGroup(group: BackendGroup): BackendGroup {
  return group.backends.length === 0 ? { ...group, affinityInSeconds: 0 } : { ...group, whenEmpty: 'refuse' }
}

/** The order of backends in a group. */
export function byAddress(one: Backend, other: Backend): number {
  if (one.address !== other.address) return one.address < other.address ? -1 : 1
  return one.port - other.port
}

export function frontendKey(at: Pick<Frontend, 'at' | 'from' | 'family' | 'address' | 'protocol' | 'port'>): string {
  return `${at.at}${at.from === 'inside' ? '-inside' : ''}/${at.family}/${at.address === '' ? '*' : at.address}/${at.protocol}/${at.port}`
}

export function addressKey(kind: AddressEntry['kind'], address: string): string {
  return `${kind}/${address}`
}

export function rangeKey(kind: AddressRange['kind'], cidr: string): string {
  return `${kind}/${cidr}`
}

export function familyOf(address: string): Family {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}

/** Whether two entries of one key ask for the same thing. */
export function sameEntry(one: DataPathEntry, other: DataPathEntry): boolean {
  if (one.kind === 'group') return other.kind === 'group' && sameGroup(one, other)
  if (one.kind === 'frontend') return other.kind === 'frontend' && one.group === other.group
  return one.kind === other.kind // all of these is in the key
}

function sameGroup(one: BackendGroup, other: BackendGroup): boolean {
  return (
    one.whenEmpty === other.whenEmpty &&
    one.affinityInSeconds === other.affinityInSeconds &&
    one.sourceRanges.join() === other.sourceRanges.join() &&
    sameBackends(one.backends, other.backends)
  )
}

function sameBackends(one: readonly Backend[], other: readonly Backend[]): boolean {
  if (one.length !== other.length) return false
  return one.every((backend, index) => backend.address === other[index]?.address && backend.port === other[index]?.port)
}
