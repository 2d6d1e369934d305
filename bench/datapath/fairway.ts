/** Fairway's own way: world, planner, nftables engine, in one process as in the agent. */
import { createNftablesEngine, type NftablesEngine } from '../../src/engine/nftables/engine.ts'
import { netnsPath } from '../../src/linux/netns.ts'
import { changesOf, createPlanner, type Planner } from '../../src/plan/planner.ts'
import { inFreshNamespace } from '../namespace.ts'
import { timed } from '../statistics.ts'
import { type BenchWorld, HERE, replacedEndpoint } from './services.ts'

/**
 * Milliseconds. `load` is from a world held in memory to everything in the kernel, of which `plan` is planning; a change is from
 * an event's objects (decoded) to the kernel's answer.
 */
export interface FairwayResult {
  readonly loadInMs: number
  readonly planInMs: number
  readonly changesInMs: readonly number[]
  /** Changes of the number of a Service's endpoints: ten, nine, ten... */
  readonly countChangesInMs: readonly number[]
  readonly entries: number
}

interface Bench {
  readonly world: BenchWorld
  readonly planner: Planner
  readonly engine: NftablesEngine
}

const never = new AbortController().signal

/** Loads everything into a fresh namespace, then replaces one endpoint at a time. */
export async function measureFairway(world: BenchWorld, changes: number): Promise<FairwayResult> {
  return inFreshNamespace(async (namespace) => {
    const engine = createNftablesEngine({ netns: netnsPath(namespace) })
    const bench: Bench = { world, planner: createPlanner(HERE.name), engine }
    try {
      await engine.refresh(never)
      const load = await loadAll(bench)
      const changesInMs: number[] = []
      for (let round = 0; round < changes; round++) changesInMs.push(await changeOne(bench, round, false))
      const countChangesInMs: number[] = []
      for (let round = 0; round < changes; round++) countChangesInMs.push(await changeOne(bench, round, round % 2 === 0))
      return { ...load, changesInMs, countChangesInMs }
    } finally {
      await engine.close()
    }
  })
}

async function loadAll({ world, planner, engine }: Bench): Promise<Pick<FairwayResult, 'loadInMs' | 'planInMs' | 'entries'>> {
  let planInMs = 0
  const loadInMs = await timed(async () => {
    const startedAt = performance.now()
    const delta = planner.update(world, changesOf(world))
    planInMs = performance.now() - startedAt
    await engine.apply(delta, never)
  })
  if (engine.observed.size !== planner.entries.size) throw new Error('the engine did not install all that was planned')
  return { loadInMs, planInMs, entries: planner.entries.size }
}

/** Replaces the last endpoint of a Service, or (`remove`) takes it away; Services spread over the list. */
async function changeOne({ world, planner, engine }: Bench, round: number, remove: boolean): Promise<number> {
  const index = (round * 97) % world.services.size
  const replaced = replacedEndpoint(world, index, round)
  const after = remove ? { ...replaced, endpoints: replaced.endpoints.slice(0, -1) } : replaced
  return timed(async () => {
    world.endpointSlices.set(after.key, after)
    const delta = planner.update(world, [{ kind: 'endpointSlice', key: after.key, after }])
    if (delta.upserts.length + delta.removals.length === 0) throw new Error('the change changed nothing')
    await engine.apply(delta, never)
  })
}
