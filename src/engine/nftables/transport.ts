import type { NftCommand, NftFamily } from './json.ts'
import type { Reading } from './observe.ts'
import type { Declarations } from './text.ts'

/** How commands get to an nftables: the kernel's, or one in memory. Every call is one transaction. @throws {EngineError} */
export interface NftTransport {
  /** Declares tables; the rules of the chains are replaced. */
  declare(tables: readonly Declarations[]): Promise<void>
  /** Removes the tables of some families, elements and all, declares tables, and runs commands on them: at once. */
  replace(families: readonly NftFamily[], tables: readonly Declarations[], commands: readonly NftCommand[]): Promise<void>
  run(commands: readonly NftCommand[]): Promise<void>
  /** Reads what the fairway tables hold. */
  read(signal: AbortSignal): Promise<Reading>
  /** Removes the tables that are there. */
  remove(families: readonly NftFamily[]): Promise<void>
  /** Calls back after each change of a fairway table that did not come by this transport. Resolves once nothing can be missed. */
  watch(onForeignChange: () => void): Promise<void>
  close(): Promise<void>
}
