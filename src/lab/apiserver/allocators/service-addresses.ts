import { type Address, type AddressRange, type IPFamily, parseRange } from './address.ts'
import { keptBand, Pool } from './pool.ts'

interface Family {
  readonly pool: Pool
  readonly range: AddressRange
}

/** The cluster addresses of Services: one range a family. The first range is the primary family. */
export class ServiceAddresses {
  readonly families: readonly IPFamily[]
  private readonly byFamily = new Map<IPFamily, Family>()

  /** @throws {RangeError} when a range is not `ADDRESS/LENGTH`, or two are of one family */
  constructor(ranges: readonly string[]) {
    for (const text of ranges) {
      const range = parseRange(text)
      if (range === undefined || this.byFamily.has(range.family))
        throw new RangeError(`not a list of one range a family: ${ranges.join(',')}`)
      const last = range.family === 'IPv4' ? range.last - 1n : range.last
      const pool = new Pool(range.first + 1n, last, keptBand(range.last - range.first + 1n, 16n, 256n))
      this.byFamily.set(range.family, { pool, range })
    }
    this.families = [...this.byFamily.keys()]
  }

  /** Why the address cannot be claimed, in Kubernetes' words; undefined when it now is. */
  claim(address: Address): string | undefined {
    const family = this.byFamily.get(address.family)
    if (family === undefined || address.value < family.range.first || address.value > family.range.last)
      return 'the provided network does not match the current range'
    const answer = family.pool.claim(address.value)
    if (answer === 'outside') return `provided IP is not in the valid range. The range of valid IPs is ${family.range.text}`
    return answer === 'taken' ? 'provided IP is already allocated' : undefined
  }

  /** A free address; with `dryRun` the range's own, which nobody gets. */
  claimAny(name: IPFamily, dryRun: boolean): Address | undefined {
    const family = this.byFamily.get(name)
    const value = dryRun ? family?.range.first : family?.pool.claimAny()
    return value === undefined ? undefined : { family: name, value }
  }

  release(address: Address): void {
    this.byFamily.get(address.family)?.pool.release(address.value)
  }

  /** How many are claimed. */
  get count(): number {
    return [...this.byFamily.values()].reduce((sum, { pool }) => sum + pool.size, 0)
  }
}
