import { type Address, type AddressRange, type IPFamily, parseRange } from './address.ts'
import { keptBand, Pool } from './pool.ts'

interface Range extends AddressRange {
  readonly pool: Pool
}

interface Family {
  /** What Services have, in whatever range: one set for all, as ranges may overlap. */
  readonly taken: Set<bigint>
  /** The server's own. */
  readonly first: Range
  /** Those of further ServiceCIDRs. */
  readonly further: readonly Range[]
}

/** The cluster addresses of Services: one range a family that the server was started with, and those that ServiceCIDRs add. */
export class ServiceAddresses {
  /** The first range's is the primary family. */
  readonly families: readonly IPFamily[]
  private readonly byFamily = new Map<IPFamily, Family>()

  /** @throws {RangeError} when a range is not `ADDRESS/LENGTH`, or two are of one family */
  constructor(ranges: readonly string[]) {
    for (const text of ranges) {
      const taken = new Set<bigint>()
      const range = rangeOf(text, taken)
      if (range === undefined || this.byFamily.has(range.family))
        throw new RangeError(`not a list of one range a family: ${ranges.join(',')}`)
      this.byFamily.set(range.family, { taken, first: range, further: [] })
    }
    this.families = [...this.byFamily.keys()]
  }

  /** Makes these the further ranges, in place of those given before. What is claimed stays so. Those of no family here are left out. */
  serveBeside(texts: readonly string[]): void {
    for (const [name, family] of this.byFamily) {
      const further = texts.flatMap((text) => rangeOf(text, family.taken) ?? [])
      this.byFamily.set(name, { ...family, further: further.filter((range) => range.family === name) })
    }
  }

  /** Why the address cannot be claimed, in Kubernetes' words; undefined when it now is. */
  claim(address: Address): string | undefined {
    const ranges = this.rangesOf(address.family).filter((range) => address.value >= range.first && address.value <= range.last)
    const [first] = ranges
    if (first === undefined) return 'the provided network does not match the current range'
    const answers = ranges.map((range) => range.pool.contains(address.value))
    const range = ranges[answers.indexOf(true)]
    if (range === undefined) return `provided IP is not in the valid range. The range of valid IPs is ${first.text}`
    return range.pool.claim(address.value) === 'taken' ? 'provided IP is already allocated' : undefined
  }

  /** A free address; with `dryRun` the range's own, which nobody gets. */
  claimAny(name: IPFamily, dryRun: boolean): Address | undefined {
    const ranges = this.rangesOf(name)
    if (dryRun) return ranges[0] === undefined ? undefined : { family: name, value: ranges[0].first }
    for (const { pool } of ranges) {
      const value = pool.claimAny()
      if (value !== undefined) return { family: name, value }
    }
    return undefined
  }

  /** Claims what a stored Service has, be it in a range or not. */
  restore(address: Address): void {
    this.byFamily.get(address.family)?.taken.add(address.value)
  }

  release(address: Address): void {
    this.byFamily.get(address.family)?.taken.delete(address.value)
  }

  /** How many are claimed. */
  get count(): number {
    return [...this.byFamily.values()].reduce((sum, { taken }) => sum + taken.size, 0)
  }

  private rangesOf(name: IPFamily): readonly Range[] {
    const family = this.byFamily.get(name)
    return family === undefined ? [] : [family.first, ...family.further]
  }
}

/** The network's own address, and in IPv4 the last, are nobody's. */
function rangeOf(text: string, taken: Set<bigint>): Range | undefined {
  const range = parseRange(text)
  if (range === undefined) return undefined
  const last = range.family === 'IPv4' ? range.last - 1n : range.last
  return { ...range, pool: new Pool(range.first + 1n, last, keptBand(range.last - range.first + 1n, 16n, 256n), taken) }
}
