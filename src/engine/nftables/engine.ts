import type { DataPathEntry } from '../../model/datapath.ts'
import type { Engine } from '../../model/engine.ts'

export interface NftablesOptions {
  /** A network namespace file to work in; the process's own by default. */
  readonly netns?: string
}

/** The node's tables `ip fairway` and `ip6 fairway`. */
export interface NftablesEngine extends Engine<DataPathEntry> {
  /** Calls back when somebody else changed or removed our tables: then `verify()` the reconciler. Returns the unsubscriber. */
  onForeignChange(listener: () => void): () => void
  /** Removes both tables and what else was set on the node: nothing of Fairway's is left. */
  cleanup(signal: AbortSignal): Promise<void>
  /** Ends threads and descriptors; what is installed stays and goes on working. */
  close(): Promise<void>
}

/** @throws {FairwayError} when libnftables cannot be loaded */
export declare function createNftablesEngine(options?: NftablesOptions): NftablesEngine
