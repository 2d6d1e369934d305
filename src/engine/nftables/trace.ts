import type { NftObject } from './json.ts'
import { ListedTable } from './listed-table.ts'
import { Passage, type Trace, type TracedNode, type TracedPacket } from './passage.ts'

/**
 * Follows the first packet of a flow through rendered rules, as the kernel would: what `nft list` says is the input, never the
 * plan, so that a planner and a fake cannot agree with themselves.
 */
export class Tracer {
  private readonly table: ListedTable

  constructor(listing: readonly NftObject[]) {
    this.table = new ListedTable(listing)
  }

  trace(packet: TracedPacket, node: TracedNode): Trace {
    return new Passage(packet, node, this.table).run()
  }
}
