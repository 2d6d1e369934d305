/** A lab in which one Service has addresses of two products: Fairway's, and keepalived's on the same nodes and wires. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ANNOUNCERS, FOUR, L2Failover, SIX } from '../../test/support/l2-failover.ts'
import { Keepalived } from './keepalived.ts'

/** By product and family; the keys of the results. */
export const ADDRESSES = {
  fairway: { ipv4: FOUR, ipv6: SIX },
  keepalived: { ipv4: '192.168.7.1', ipv6: 'fd00:192:168::7:1' },
} as const
export type Product = keyof typeof ADDRESSES
export type Family = 'ipv4' | 'ipv6'

export const [OWNER, BACKUP] = ANNOUNCERS

/** New connections to one address during one event. */
export interface Noticed {
  readonly failed: number
  /** Not among the failed: answered at first, and then by a node that knew nothing of it. */
  readonly reset: number
  readonly darkInMs: number
}
export type Round = Readonly<Record<Product, Readonly<Record<Family, Noticed>>>>

/** The same happens to both products at once. */
export interface Event {
  /** Both products' share of it; the same moment. */
  happens(site: FailoverSite): Promise<void>
  /** Resolves once both products have dealt with it. */
  over(site: FailoverSite): Promise<void>
  /** Brings back what was before; not measured. */
  mend(site: FailoverSite): Promise<void>
}

/** `up` first; `down` also after a failure. */
export class FailoverSite {
  readonly fairway: L2Failover
  readonly keepalived: Keepalived
  private readonly directory = mkdtempSync(join(tmpdir(), 'fwt-bench-failover-'))

  /** `lab` is its name. */
  constructor(lab: string) {
    this.fairway = new L2Failover(lab)
    const { ipv4, ipv6 } = ADDRESSES.keepalived
    this.keepalived = new Keepalived(this.directory, (node) => `fw-${lab}-${node}`, [ipv4, ipv6])
  }

  /** Fairway's rules serve keepalived's addresses as externalIPs of the same Service: the way behind an address is the same. */
  async up(): Promise<void> {
    const { ipv4, ipv6 } = ADDRESSES.keepalived
    process.env.FAIRWAY_EXTERNAL_IPS = `${ipv4}/32,${ipv6}/128` // the lab's agents inherit it
    await this.fairway.up().finally(() => delete process.env.FAIRWAY_EXTERNAL_IPS)
    const patch = JSON.stringify({ spec: { externalIPs: [ipv4, ipv6] } })
    await this.fairway.lab.client(`kubectl patch service web --patch '${patch}'`)
    this.keepalived.start(OWNER, 'owner')
    this.keepalived.start(BACKUP, 'backup')
    await this.whole()
  }

  async down(): Promise<void> {
    await this.keepalived.stopAll()
    await this.fairway.down()
    rmSync(this.directory, { recursive: true, force: true })
  }

  /** Resolves once the owner has all addresses, and both nodes know of each other. */
  async whole(): Promise<void> {
    await this.fairway.whole()
    await this.fairway.takenOver(OWNER)
    await this.keepalived.owned(OWNER, BACKUP)
  }

  /** What the client notices of one event on new connections; afterwards everything is as before. */
  async round({ happens, over, mend }: Event): Promise<Round> {
    const all = Object.values(ADDRESSES).flatMap((families) => Object.values(families))
    const results = await this.fairway.during(
      () => happens(this),
      () => over(this),
      all,
    )
    await mend(this)
    await this.whole()
    const of = (address: string): Noticed => {
      const result = results.find((one) => one.address === address)
      if (result === undefined) throw new Error(`nobody asked ${address}`)
      return { failed: result.failed, reset: result.reset, darkInMs: result.darkInMs }
    }
    const both = (product: Product) => ({ ipv4: of(ADDRESSES[product].ipv4), ipv6: of(ADDRESSES[product].ipv6) })
    return { fairway: both('fairway'), keepalived: both('keepalived') }
  }
}
