import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { benchWorld, HERE, replacedEndpoint } from '../../bench/datapath/services.ts'
import { createNftablesEngine, type NftablesEngine } from '../../src/engine/nftables/engine.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import { netnsPath } from '../../src/linux/netns.ts'
import { run, tryRun } from '../../src/linux/run.ts'
import { sameEntry } from '../../src/model/datapath.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'

const SERVICES = 2_000
const CHANGES = 100_000
/** Growth of the whole process over the second half: what libnftables would leak shows here, and not in the heap. */
const GROWTH_IN_BYTES = 48 * 2 ** 20
const namespace = `fwt-soak-${process.pid}`
let engine: NftablesEngine

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of memory that the process holds, without what only waits for the collector. */
function held(): number {
  collectGarbage()
  return process.memoryUsage.rss()
}

beforeAll(async () => {
  await run(['ip', 'netns', 'add', namespace])
  engine = createNftablesEngine({ netns: netnsPath(namespace) })
})
afterAll(async () => {
  await engine?.close()
  await tryRun(['ip', 'netns', 'delete', namespace])
})

it('after 100,000 endpoint changes the kernel holds what is planned, and the process has not grown', async () => {
  const world = benchWorld(SERVICES)
  const planner = createPlanner(HERE.name)
  const reconciler = createReconciler({ engine })
  reconciler.want(planner.update(world, changesOf(world)))
  await reconciler.settled()
  let earlier = 0
  for (let round = 0; round < CHANGES; round++) {
    // a stride that meets every Service, and every third time takes an endpoint away instead of replacing it
    const after = replacedEndpoint(world, (round * 97) % SERVICES, round, round % 3 === 0)
    world.endpointSlices.set(after.key, after)
    reconciler.want(planner.update(world, [{ kind: 'endpointSlice', key: after.key, after }]))
    await reconciler.settled()
    if (round === CHANGES / 2) earlier = held()
  }
  const growth = held() - earlier
  await engine.refresh(AbortSignal.timeout(60_000))
  const wrong = [...planner.entries.values()].filter((entry) => {
    const found = engine.observed.get(entry.key)
    return found === undefined || !sameEntry(entry, found)
  })
  await reconciler.stop()
  expect(wrong).toEqual([])
  expect(engine.observed.size).toBe(planner.entries.size)
  expect(growth).toBeLessThan(GROWTH_IN_BYTES)
})
