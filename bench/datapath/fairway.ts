/** Fairway's own way, in one process as in the agent: watch event, world, planner, reconciler, nftables engine. */
import { createNftablesEngine, type NftablesEngine } from '../../src/engine/nftables/engine.ts'
import { createReconciler, type Reconciler } from '../../src/engine/reconcile.ts'
import { convertEndpointSlice } from '../../src/kube/world-objects.ts'
import { netnsPath } from '../../src/linux/netns.ts'
import { type DataPathEntry, sameEntry } from '../../src/model/datapath.ts'
import { changesOf, createPlanner, type Planner } from '../../src/plan/planner.ts'
import { inFreshNamespace } from '../namespace.ts'
import { timed } from '../statistics.ts'
import { type BenchWorld, HERE, replacedEndpoint, watchEvent } from './services.ts'

/** Milliseconds. A load is from a world held in memory to all of it in the kernel; a change from the line of a watch to the kernel's answer. */
export interface FairwayResult {
  readonly loadInMs: number
  /** The part of the load that is planning. */
  readonly planInMs: number
  readonly changesInMs: readonly number[]
  /** Changes of the number of a Service's endpoints: ten, nine, ten... */
  readonly countChangesInMs: readonly number[]
}

interface Bench {
  readonly world: BenchWorld
  readonly planner: Planner
  readonly reconciler: Reconciler<DataPathEntry>
}

const LIMIT_IN_MS = 60_000

/** Loads everything into a fresh namespace, then replaces one endpoint at a time. @throws {Error} when the engine reports one */
export async function measureFairway(world: BenchWorld, changes: number): Promise<FairwayResult> {
  return inFreshNamespace(async (namespace) => {
    const engine = createNftablesEngine({ netns: netnsPath(namespace) })
    const failed = new AbortController()
    const reconciler = createReconciler({ engine, onRound: (round) => round.error && failed.abort(round.error) })
    const bench: Bench = { world, planner: createPlanner(HERE.name), reconciler }
    try {
      const load = await loadAll(bench, failed.signal)
      const changesInMs: number[] = []
      for (let round = 0; round < changes; round++) changesInMs.push(await changeOne(bench, round, false))
      const countChangesInMs: number[] = []
      for (let round = 0; round < changes; round++) countChangesInMs.push(await changeOne(bench, round, round % 2 === 0))
      await assertInstalled(engine, bench.planner)
      return { ...load, changesInMs, countChangesInMs }
    } finally {
      await reconciler.stop()
      await engine.close()
    }
  })
}

/** Outside all timing: reads the kernel anew and compares it with the plan, so that no speed comes of rules that are not there. */
async function assertInstalled(engine: NftablesEngine, planner: Planner): Promise<void> {
  await engine.refresh(AbortSignal.timeout(LIMIT_IN_MS))
  const wrong = [...planner.entries.values()].filter((entry) => {
    const found = engine.observed.get(entry.key)
    return found === undefined || !sameEntry(entry, found)
  })
  if (wrong.length > 0 || engine.observed.size !== planner.entries.size) {
    throw new Error(`the kernel differs from the plan: ${wrong.length} entries, the first ${wrong[0]?.key}`)
  }
}

async function loadAll(
  { world, planner, reconciler }: Bench,
  failed: AbortSignal,
): Promise<Pick<FairwayResult, 'loadInMs' | 'planInMs'>> {
  let planInMs = 0
  const loadInMs = await timed(async () => {
    const startedAt = performance.now()
    const delta = planner.update(world, changesOf(world))
    planInMs = performance.now() - startedAt
    reconciler.want(delta)
    await reconciler.settled(AbortSignal.any([failed, AbortSignal.timeout(LIMIT_IN_MS)]))
  })
  return { loadInMs, planInMs }
}

/**
 * Replaces the last endpoint of a Service, or (`remove`) takes it away; Services spread over the list. Every second one is done
 * to the Service of the round before, so that a removal is followed by its return.
 */
async function changeOne({ world, planner, reconciler }: Bench, round: number, remove: boolean): Promise<number> {
  const index = (Math.floor(round / 2) * 97) % world.services.size
  const line = watchEvent(world, replacedEndpoint(world, index, round, remove))
  return timed(async () => {
    const { value: after } = convertEndpointSlice(JSON.parse(line).object)
    if (after === undefined) throw new Error('the event could not be read')
    world.endpointSlices.set(after.key, after)
    const delta = planner.update(world, [{ kind: 'endpointSlice', key: after.key, after }])
    if (delta.upserts.length + delta.removals.length === 0) throw new Error('the change changed nothing')
    reconciler.want(delta)
    await reconciler.settled()
  })
}
