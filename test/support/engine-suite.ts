/** What every nftables must do, the kernel's and the one in memory: one suite, run on both. */
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TransportEngine } from '../../src/engine/nftables/engine.ts'
import type { NftTransport } from '../../src/engine/nftables/transport.ts'
import { INDEX_BASE } from '../../src/engine/nftables/words.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import {
  type BackendGroup,
  type DataPathEntry,
  type Frontend,
  familyOf,
  frontendKey,
  rangeKey,
} from '../../src/model/datapath.ts'
import { EngineError } from '../../src/model/engine.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { TEST_OPTIONS, testWorld } from '../live/datapath/world.ts'
import { emptyWorld, steps, take } from './arbitrary-world.ts'
import { NEVER, NO_LOOPBACK } from './datapath.ts'

const group = (name: string, ...addresses: string[]): BackendGroup => {
  const backends = addresses.map((address) => ({ address, port: 80 }))
  return {
    kind: 'group',
    key: `${name}/cluster/ipv4`,
    family: 'ipv4',
    masquerade: 'outsiders',
    whenEmpty: 'refuse',
    affinityInSeconds: 0,
    sourceRanges: [],
    backends,
  }
}
const frontend = (address: string, name: string): Frontend => {
  const at = { at: 'address', from: 'anywhere', family: 'ipv4', address, protocol: 'tcp', port: 80 } as const
  return { kind: 'frontend', key: frontendKey(at), ...at, group: `${name}/cluster/ipv4` }
}
const sorted = (map: ReadonlyMap<string, DataPathEntry>) => [...map].toSorted(([one], [other]) => (one < other ? -1 : 1))
const upsert = (...upserts: DataPathEntry[]) => ({ upserts, removals: [] })

/** `make` gives another transport to the same nftables at each call; it is empty when a test begins. */
export function engineSuite(name: string, make: () => NftTransport, runs: number): void {
  const open: NftTransport[] = []
  const engine = (): TransportEngine => {
    const transport = make()
    open.push(transport)
    return new TransportEngine(transport, NO_LOOPBACK)
  }
  const reread = async (): Promise<ReadonlyMap<string, DataPathEntry>> => {
    const reader = engine()
    await reader.refresh(NEVER)
    return reader.observed
  }
  const clear = async () => {
    await engine().cleanup(NEVER)
    for (const transport of open.splice(0)) await transport.close()
  }
  beforeEach(clear)
  afterEach(clear)

  describe(name, () => {
    it('is read back as it was written', async () => {
      const world = testWorld()
      const planner = createPlanner('n1', TEST_OPTIONS)
      await engine().apply(planner.update(world, changesOf(world)), NEVER)
      expect(sorted(await reread())).toEqual(sorted(planner.entries))
    })

    it('changes backends, counts and groups in place', async () => {
      const one = engine()
      await one.apply(upsert(group('a', '10.0.0.1', '10.0.0.2', '10.0.0.3'), group('b'), frontend('10.96.0.1', 'a')), NEVER)
      await one.apply(upsert(group('a', '10.0.0.2', '10.0.0.4'), group('b', '10.0.0.9')), NEVER)
      await one.apply(upsert(frontend('10.96.0.1', 'b'), frontend('10.96.0.2', 'a')), NEVER)
      expect(sorted(await reread())).toEqual(sorted(one.observed))
      expect((await reread()).get('address/ipv4/10.96.0.1/tcp/80')).toMatchObject({ group: 'b/cluster/ipv4' })
      expect((await reread()).get('a/cluster/ipv4')).toMatchObject({
        backends: [{ address: '10.0.0.2' }, { address: '10.0.0.4' }],
      })
    })

    it('upserts what is there and removes what is not', async () => {
      const one = engine()
      await one.apply(upsert(group('a', '10.0.0.1')), NEVER)
      await one.apply(upsert(group('a', '10.0.0.1')), NEVER)
      await one.apply({ upserts: [], removals: ['nothing/of/this'] }, NEVER)
      expect([...(await reread()).keys()]).toEqual(['a/cluster/ipv4'])
    })

    it('keeps ranges of node addresses: all there are, neighbours, and others in their place', async () => {
      const one = engine()
      const ranges = (...cidrs: string[]) =>
        cidrs.map((cidr): DataPathEntry => {
          return { kind: 'node-range', key: rangeKey('node-range', cidr), family: familyOf(cidr), cidr }
        })
      const before = ranges('0.0.0.0/0', '::/0')
      const after = ranges('10.0.0.0/9', '10.128.0.0/9', '192.168.1.1/32', 'fd00::/9', 'fd80::/9', 'fd00:1::/128')
      await one.apply(upsert(...before), NEVER)
      expect([...(await reread()).values()]).toEqual(before)
      await one.apply({ upserts: after.slice(0, 5), removals: before.map(({ key }) => key) }, NEVER)
      expect([...(await reread()).keys()].toSorted()).toEqual(
        after
          .slice(0, 5)
          .map(({ key }) => key)
          .toSorted(),
      )
      await one.apply({ upserts: [], removals: after.map(({ key }) => key) }, NEVER)
      expect(await reread()).toEqual(new Map())
    })

    it('changes nothing when a transaction fails', async () => {
      const one = engine()
      const other = engine()
      await one.apply(upsert(group('a', '10.0.0.1')), NEVER)
      await other.refresh(NEVER)
      await other.apply({ upserts: [], removals: ['a/cluster/ipv4'] }, NEVER)
      const delta = { upserts: [group('b', '10.0.0.2')], removals: ['a/cluster/ipv4'] }
      await expect(one.apply(delta, NEVER)).rejects.toThrow(EngineError) // what it would remove is gone already
      expect(await reread()).toEqual(new Map())
    })

    it('adopts another engine’s work and changes only what differs', async () => {
      const world = testWorld()
      const planner = createPlanner('n1')
      const delta = planner.update(world, changesOf(world))
      const first = engine()
      await first.apply(delta, NEVER)
      await first.apply(upsert(group('left over', '10.0.0.1')), NEVER)
      const rounds: number[] = []
      const loop = createReconciler<DataPathEntry>({
        engine: engine(),
        onRound: (round) => rounds.push(round.upserts, round.removals),
      })
      loop.want(delta)
      await loop.settled()
      await loop.stop()
      expect(rounds).toEqual([0, 1])
      expect(sorted(await reread())).toEqual(sorted(planner.entries))
    })

    it('finds what is broken or foreign in its tables, and repairs just that', async () => {
      const one = engine()
      const at = { family: 'ip', table: 'fairway' } as const
      const whole = upsert(
        group('a', '10.0.0.1', '10.0.0.2', '10.0.0.3'),
        group('b', '10.0.0.4'),
        frontend('10.96.0.1', 'a'),
        frontend('10.96.0.2', 'b'),
      )
      await one.apply(whole, NEVER)
      const [first] = sorted(one.observed)
      expect(first?.[0]).toBe('a/cluster/ipv4')
      const other = make()
      open.push(other)
      const hole = {
        ...at,
        name: 'backend',
        elem: [[{ concat: ['c000:1', INDEX_BASE + 1] }, { concat: ['10.0.0.2', 80] }]] as const,
      }
      const orphan = {
        ...at,
        name: 'backend',
        elem: [[{ concat: ['c000:99', INDEX_BASE] }, { concat: ['10.0.0.9', 80] }]] as const,
      }
      const nowhere = { ...at, name: 'address', elem: [[{ concat: ['10.96.0.9', 'tcp', 80] }, 'c000:99']] as const }
      const chain = { ...at, name: 'somebody' }
      const rule = { ...at, chain: 'translate', expr: [{ accept: null }] }
      await other.run([{ delete: { element: hole } }, { add: { element: orphan } }, { add: { element: nowhere } }])
      await other.run([{ add: { chain } }, { add: { rule } }])
      const rounds: number[] = []
      const loop = createReconciler<DataPathEntry>({
        engine: one,
        onRound: (round) => rounds.push(round.upserts, round.removals),
      })
      loop.want(whole)
      await loop.settled()
      await loop.stop()
      // the group and its frontend anew; the broken group's rest, its frontend's element, the orphan, the chain and the rules away
      expect(rounds).toEqual([2, 6])
      expect(sorted(await reread())).toEqual(sorted(new Map(whole.upserts.map((entry) => [entry.key, entry]))))
    })

    it('follows any history of a cluster', async () => {
      await fc.assert(
        fc.asyncProperty(steps, async (all) => {
          await clear()
          const world = emptyWorld()
          const planner = createPlanner('n1')
          const one = engine()
          for (const step of all) {
            take(world, step)
            await one.apply(planner.update(world, [step as never]), NEVER)
          }
          expect(sorted(one.observed)).toEqual(sorted(planner.entries))
          expect(sorted(await reread())).toEqual(sorted(planner.entries))
        }),
        { numRuns: runs },
      )
    })
  })
}
