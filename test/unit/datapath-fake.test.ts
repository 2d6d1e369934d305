import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FakeNftables } from '../../src/engine/nftables/fake.ts'
import { createReconciler, type Round } from '../../src/engine/reconcile.ts'
import { type DataPathEntry, frontendKey } from '../../src/model/datapath.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { emptyWorld, steps, take } from '../support/arbitrary-world.ts'
import { fakeEngine } from '../support/datapath.ts'
import { engineSuite } from '../support/engine-suite.ts'

const shared = new FakeNftables()
engineSuite('nftables in memory', () => shared, 100)

describe('the reconciler', () => {
  it('gets there although transactions fail', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }), async (all, faults) => {
        const fake = new FakeNftables()
        let turn = 0
        fake.fault = () => {
          if (faults[turn++]) throw new Error('injected')
        }
        const world = emptyWorld()
        const planner = createPlanner('n1')
        const loop = createReconciler<DataPathEntry>({ engine: fakeEngine(fake), minRetryInMs: 0, maxRetryInMs: 1 })
        for (const step of all) {
          take(world, step)
          loop.want(planner.update(world, [step as never]))
          await Promise.resolve()
        }
        await loop.settled()
        const reader = fakeEngine(fake)
        fake.fault = undefined
        await reader.refresh(new AbortController().signal)
        expect(new Map(reader.observed)).toEqual(new Map(planner.entries))
        await loop.stop()
      }),
      { numRuns: 100 },
    )
  })

  it('says what is true after a load that failed half-way', async () => {
    const fake = new FakeNftables()
    const upserts = Array.from({ length: 1_200 }, (_, index): DataPathEntry => {
      return {
        kind: 'group',
        key: `g${index}/host/ipv4`,
        family: 'ipv4',
        masquerade: 'none',
        whenEmpty: 'refuse',
        affinityInSeconds: 0,
        sourceRanges: [],
        backends: [{ address: '10.0.0.1', port: index }],
      }
    })
    let transactions = 0
    fake.fault = () => {
      if (++transactions === 3) throw new Error('injected') // the declaration and the first chunk are in
    }
    const rounds: Round[] = []
    const engine = fakeEngine(fake)
    let found = 0
    const onRound = (round: Round) => {
      rounds.push(round)
      if (round.error !== undefined) found = engine.observed.size
    }
    const loop = createReconciler<DataPathEntry>({ engine, minRetryInMs: 0, onRound })
    loop.want({ upserts, removals: [] })
    await loop.settled()
    await loop.stop()
    expect(rounds.map(({ pending, error }) => [pending, error?.message])).toEqual([
      [700, 'injected'],
      [0, undefined],
    ])
    expect(found).toBe(500)
    expect(rounds[1]).toMatchObject({ upserts: 700, refreshed: true })
  })

  it('repairs a large table of which every part is broken', async () => {
    const fake = new FakeNftables()
    const upserts = Array.from({ length: 600 }, (_, index): readonly DataPathEntry[] => {
      const group = `g${index}/host/ipv4`
      const place = { at: 'host-port', from: 'anywhere', family: 'ipv4', address: '', protocol: 'tcp', port: index + 1 } as const
      return [
        { kind: 'frontend', key: frontendKey(place), ...place, group },
        {
          kind: 'group',
          key: group,
          family: 'ipv4',
          masquerade: 'none',
          whenEmpty: 'refuse',
          affinityInSeconds: 0,
          sourceRanges: [],
          backends: [{ address: '10.0.0.1', port: index + 1 }],
        },
      ]
    }).flat()
    const engine = fakeEngine(fake)
    const loop = createReconciler<DataPathEntry>({ engine, minRetryInMs: 0 })
    loop.want({ upserts, removals: [] })
    await loop.settled()
    const listing = fake.list('ip') ?? []
    const backends = listing.flatMap((object) =>
      'map' in object && object.map.name === 'backend' ? (object.map.elem ?? []) : [],
    )
    expect(backends).toHaveLength(600)
    await fake.run([{ delete: { element: { family: 'ip', table: 'fairway', name: 'backend', elem: backends } } }])
    loop.verify()
    await loop.settled()
    await loop.stop()
    expect(new Map(engine.observed)).toEqual(new Map(upserts.map((entry) => [entry.key, entry])))
  })

  it('does nothing before it is told what is desired, and removes the rest then', async () => {
    const fake = new FakeNftables()
    const group: DataPathEntry = {
      kind: 'group',
      key: 'a/host/ipv4',
      family: 'ipv4',
      masquerade: 'none',
      whenEmpty: 'refuse',
      affinityInSeconds: 0,
      sourceRanges: [],
      backends: [{ address: '10.0.0.1', port: 1 }],
    }
    await fakeEngine(fake).apply({ upserts: [group], removals: [] }, new AbortController().signal)
    const engine = fakeEngine(fake)
    const rounds: Round[] = []
    const loop = createReconciler<DataPathEntry>({ engine, onRound: (round) => rounds.push(round) })
    loop.verify() // somebody changed the table before the world is known
    await new Promise((resolve) => setImmediate(resolve))
    expect(rounds).toEqual([])
    loop.want({ upserts: [], removals: [] })
    await loop.settled()
    expect(rounds).toMatchObject([{ removals: 1, refreshed: true }])
    await engine.refresh(new AbortController().signal)
    expect(engine.observed.size).toBe(0)
    await loop.stop()
  })
})
