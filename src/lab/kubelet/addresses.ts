/** Which pod holds which addresses of the node's ranges. */
import { FairwayError } from '../../model/code.ts'
import { POD_ADDRESSES_EXHAUSTED } from '../../model/codes/pod.ts'
import { addressAt, parseCidr, type Range } from './range.ts'

/** What is written to disk: the holder of each address, and where the next search begins, by range. */
export interface AddressState {
  readonly held: Readonly<Record<string, string>>
  readonly next: Readonly<Record<string, string>>
}

/**
 * Addresses for pods, one of each range.
 *
 * Order:  round robin, as CNI's host-local has it: an address that was given back is used again as late as can be.
 * Never:  the range's first address, its second (the gateway that pods see), and an IPv4 range's last.
 * Source: containernetworking/plugins, plugins/ipam/host-local.
 */
export class AddressPool {
  readonly #ranges: readonly Range[]
  readonly #held = new Map<string, string>()
  readonly #next = new Map<string, bigint>()

  constructor(cidrs: readonly string[], state: AddressState = { held: {}, next: {} }) {
    this.#ranges = cidrs.map(parseCidr)
    for (const [address, holder] of Object.entries(state.held)) this.#held.set(address, holder)
    for (const range of this.#ranges) this.#next.set(range.cidr, BigInt(state.next[range.cidr] ?? 2))
  }

  /** The addresses of a holder, in the order of the ranges; the same ones when asked again. @throws {FairwayError} POD_ADDRESSES_EXHAUSTED */
  allocate(holder: string): readonly string[] {
    const mine = this.of(holder)
    if (mine.length > 0) return mine
    const chosen = this.#ranges.map((range) => this.#search(range))
    for (const { range, offset, address } of chosen) {
      this.#held.set(address, holder)
      this.#next.set(range.cidr, offset + 1n)
    }
    return chosen.map(({ address }) => address)
  }

  release(holder: string): void {
    for (const address of this.of(holder)) this.#held.delete(address)
  }

  of(holder: string): readonly string[] {
    return [...this.#held].filter(([, each]) => each === holder).map(([address]) => address)
  }

  /** Gives back what holders outside `kept` have. */
  keepOnly(kept: ReadonlySet<string>): void {
    for (const [address, holder] of this.#held) if (!kept.has(holder)) this.#held.delete(address)
  }

  state(): AddressState {
    const next = Object.fromEntries([...this.#next].map(([cidr, offset]) => [cidr, String(offset)]))
    return { held: Object.fromEntries(this.#held), next }
  }

  #search(range: Range): { range: Range; offset: bigint; address: string } {
    const last = range.size - (range.bits === 32 ? 2n : 1n)
    const count = last - 1n
    const from = this.#next.get(range.cidr) ?? 2n
    for (let step = 0n; step < count && step < 1_000_000n; step++) {
      const offset = ((from - 2n + step) % count) + 2n
      const address = addressAt(range, offset)
      if (!this.#held.has(address)) return { range, offset, address }
    }
    throw new FairwayError(
      POD_ADDRESSES_EXHAUSTED,
      `No address of ${range.cidr} is free: ${this.#held.size} are held by pods of this node.`,
    )
  }
}

/** The gateway that pods of a range see: its second address, on the node's end of every pod's wire. */
export function gatewayOf(cidr: string): string {
  return addressAt(parseCidr(cidr), 1n)
}
