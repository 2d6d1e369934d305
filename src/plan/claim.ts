/** Claims on ports: every frontend is one, so that two objects that ask for the same port are settled in one way. */
import type { Finding } from '../model/code.ts'
import { PORT_CLASH } from '../model/codes/ports.ts'
import type { Family, Protocol } from '../model/world.ts'
import { NEVER_NODE_PORT } from './options.ts'
import { RangeSet } from './ranges.ts'

/**
 * One object's wish for one port.
 *
 * Shape: `slot` is where rivals meet; `addresses` and `ranges` (CIDR text, of a `node-range`) are for which addresses, without any for
 * every one of the node, loopback included; `subject` is `kind/namespace/name`; `text` says it in the user's words, as in `hostPort 80/tcp`.
 */
export interface Claim {
  readonly slot: string
  readonly addresses: readonly string[]
  readonly ranges?: readonly string[]
  readonly subject: string
  readonly claimedAtInMs: number
  readonly text: string
}

/** All claims on one slot, the claimant's own included; in any order. */
export type ClaimsOn = (slot: string) => readonly Claim[]

/** Slot of a port of the node itself: hostPorts and nodePorts meet there. */
export function portSlot(family: Family, protocol: Protocol, port: number): string {
  return `port/${family}/${protocol}/${port}`
}

/** Slot of a port of one address. */
export function addressSlot(address: string, protocol: Protocol, port: number): string {
  return `address/${address}/${protocol}/${port}`
}

function overlap(one: Claim, other: Claim): boolean {
  if (isForEvery(one) || isForEvery(other)) return true
  if (one.addresses.some((address) => other.addresses.includes(address))) return true
  return reaches(one, other) || reaches(other, one) || rangesOf(one).some((cidr) => rangesOf(other).includes(cidr))
}

function isForEvery(claim: Claim): boolean {
  return claim.addresses.length + rangesOf(claim).length === 0
}

function reaches(claim: Claim, { addresses }: Claim): boolean {
  const ranges = rangesOf(claim)
  if (ranges.length === 0) return false
  const within = new RangeSet(ranges)
  return addresses.some((address) => within.has(address) && !NEVER_NODE_PORT.has(address))
}

function rangesOf({ ranges = [] }: Claim): readonly string[] {
  return ranges
}

function byAge(one: Claim, other: Claim): number {
  if (one.claimedAtInMs !== other.claimedAtInMs) return one.claimedAtInMs - other.claimedAtInMs
  if (one.subject !== other.subject) return one.subject < other.subject ? -1 : 1
  return one.addresses.join() < other.addresses.join() ? -1 : 1
}

/**
 * Who has what `claim` asks for: undefined when the claim stands, else the claim that beat it.
 *
 * Order: the oldest wins, then the first by name; a claim that was itself beaten beats nobody.
 */
export function beatenBy(claim: Claim, on: ClaimsOn): Claim | undefined {
  const rivals = on(claim.slot)
  if (rivals.length < 2) return undefined
  const standing: Claim[] = []
  for (const rival of rivals.toSorted(byAge)) {
    const winner = standing.find((other) => other.subject !== rival.subject && overlap(other, rival))
    if (rival.subject === claim.subject && rival.addresses.join() === claim.addresses.join()) return winner
    if (winner === undefined) standing.push(rival)
  }
  return undefined
}

/** The finding about a beaten claim; it concerns both. */
export function clash(loser: Claim, winner: Claim): Finding {
  return {
    code: PORT_CLASH,
    subjects: [loser.subject, winner.subject].toSorted(),
    message: `${loser.subject} asks for ${loser.text}, which ${winner.subject} already has (${winner.text}); the older one is served.`,
    fix: PORT_CLASH.fix,
  }
}
