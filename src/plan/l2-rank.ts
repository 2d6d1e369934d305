/** Which of several nodes announces an address: rendezvous hashing, so that addresses spread and only a dead node's move. */
import type { NodeName } from '../model/world.ts'

/** More announcers on one segment than this are not watched by one another, and do not announce. */
export const MESH_LIMIT = 32

export interface Candidate {
  readonly node: NodeName
  /** The sum of what preferences give it; 0 without any. */
  readonly weight: number
}

/**
 * Nodes by their rank for an address, the first one first: the heavier before the lighter, of the same weight as `order` has them, and
 * by hash where there is none.
 *
 * Order:  the order of candidates never matters, so that all nodes that know the same ones agree.
 * Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (highest random weight).
 */
export function ranked(address: string, candidates: readonly Candidate[], order: readonly NodeName[] = []): readonly NodeName[] {
  const seed = hash(address)
  const scoreOf = (node: NodeName) => (order.includes(node) ? -order.indexOf(node) : mixed(seed, hash(node)))
  return candidates
    .map(({ node, weight }) => ({ node, weight, score: scoreOf(node) }))
    .sort((one, other) => other.weight - one.weight || other.score - one.score || (one.node < other.node ? -1 : 1))
    .map(({ node }) => node)
}

/** At most `limit` of the nodes: always the same ones, and few of them others when a node comes or goes. */
export function meshOf(nodes: readonly NodeName[], limit = MESH_LIMIT): ReadonlySet<NodeName> {
  if (nodes.length <= limit) return new Set(nodes)
  const candidates = nodes.map((node) => ({ node, weight: 0 }))
  return new Set(ranked('', candidates).slice(0, limit))
}

/** Source: FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}

/** Names differ in few bits; each of them must change half of the result. Source: MurmurHash3, fmix32. */
function mixed(seed: number, value: number): number {
  return finished(finished(seed) ^ Math.imul(value, 0x9e3779b1))
}

function finished(start: number): number {
  let value = start
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}
