import type { Finding } from '../model/code.ts'
import type { DataPathEntry } from '../model/datapath.ts'
import type { Delta } from '../model/plan.ts'
import type { NodeName, World, WorldChange } from '../model/world.ts'

/**
 * Keeps the plan of one node's data path in step with the world: each call replans only what the changes touch.
 *
 * Order:  the order, batching and repetition of changes never matter; the result is that of planning the world from scratch.
 * Errors: never throws; what cannot be served becomes a finding.
 */
export interface Planner {
  /** All that is desired now, by key. */
  readonly entries: ReadonlyMap<string, DataPathEntry>
  /** All findings now, by code and subjects, in a stable order. */
  readonly findings: readonly Finding[]
  /** Takes changes that `world` already holds and returns what became different in `entries`. */
  update(world: World, changes: readonly WorldChange[]): Delta<DataPathEntry>
}

/** A planner of the data path of `node` (its name in the API). Feed it the whole world once, as additions (`changesOf`). */
export declare function createPlanner(node: NodeName): Planner
/** The whole world as additions: the first update of a planner. */
export declare function changesOf(world: World): readonly WorldChange[]
