import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DataPathEntry } from '../../src/model/datapath.ts'
import type { Delta } from '../../src/model/plan.ts'
import type { WorldChange } from '../../src/model/world.ts'
import { changesOf, createPlanner, type Planner } from '../../src/plan/planner.ts'
import { emptyWorld, type Step, steps, take } from '../support/arbitrary-world.ts'

/** Some of the addresses that Services ask for are allowed, some are not. */
const OPTIONS = { externalIPs: ['203.0.113.0/29', '192.168.0.0/24', 'fd00:1::/64'] }
const asChange = (step: Step): WorldChange => step as WorldChange

function fromScratch(world: ReturnType<typeof emptyWorld>): Planner {
  const planner = createPlanner('n1', OPTIONS)
  planner.update(world, changesOf(world))
  return planner
}

const sorted = (map: ReadonlyMap<string, DataPathEntry>) => [...map].toSorted(([one], [other]) => (one < other ? -1 : 1))

function replay(onto: Map<string, DataPathEntry>, delta: Delta<DataPathEntry>): void {
  for (const entry of delta.upserts) onto.set(entry.key, entry)
  for (const key of delta.removals) expect(onto.delete(key)).toBe(true)
}

describe('incremental planning', () => {
  it('is planning from scratch, whatever the batches, and its deltas add up', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 5 }), (all, batch) => {
        const world = emptyWorld()
        const planner = createPlanner('n1', OPTIONS)
        const added = new Map<string, DataPathEntry>()
        for (let at = 0; at < all.length; at += batch) {
          const some = all.slice(at, at + batch)
          for (const step of some) take(world, step)
          replay(added, planner.update(world, some.map(asChange)))
        }
        const scratch = fromScratch(world)
        expect(sorted(planner.entries)).toEqual(sorted(scratch.entries))
        expect(sorted(added)).toEqual(sorted(scratch.entries))
        expect(planner.findings).toEqual(scratch.findings)
        expect(new Map(planner.healthChecks)).toEqual(new Map(scratch.healthChecks))
      }),
      { numRuns: 300 },
    )
  })

  it('does not mind order and repetition', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const world = emptyWorld()
        for (const step of all) take(world, step)
        const planner = createPlanner('n1', OPTIONS)
        planner.update(world, [...all, ...all].reverse().map(asChange))
        const scratch = fromScratch(world)
        expect(sorted(planner.entries)).toEqual(sorted(scratch.entries))
        expect(planner.findings).toEqual(scratch.findings)
        const again = planner.update(world, all.map(asChange))
        expect(again).toEqual({ upserts: [], removals: [] })
      }),
      { numRuns: 200 },
    )
  })
})
