/** What every BIRD must do, the node's and the one in memory: one suite, run on both. */
import { afterEach, describe, expect, it } from 'vitest'
import { TransportEngine } from '../../src/engine/bird/engine.ts'
import type { BirdTransport } from '../../src/engine/bird/transport.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import type { BgpEntry } from '../../src/model/bgp.ts'
import { EngineError } from '../../src/model/engine.ts'
import { accepted, route, SPEAKER, session, watch } from './bgp-entries.ts'
import { NEVER } from './datapath.ts'

const upsert = (...upserts: BgpEntry[]) => ({ upserts, removals: [] })
const sorted = (map: ReadonlyMap<string, BgpEntry>) => [...map].toSorted(([one], [other]) => (one < other ? -1 : 1))

/** `make` gives another transport to the same BIRD at each call. */
export function birdSuite(name: string, make: () => BirdTransport): void {
  const open: BirdTransport[] = []
  const engine = (): TransportEngine => {
    const transport = make()
    open.push(transport)
    return new TransportEngine(transport)
  }
  const reread = async () => {
    const reader = engine()
    await reader.refresh(NEVER)
    return sorted(reader.observed)
  }
  afterEach(async () => {
    for (const transport of open.splice(0)) await transport.close() // else it would start again what is removed
    await make().remove()
  })

  describe(name, () => {
    it('is read back as it was written', async () => {
      const one = engine()
      const bfd = { receiveInMs: 50, transmitInMs: 50, detectMultiplier: 3, passive: false }
      const entries = [
        SPEAKER,
        session({ password: "it's {secret}; # }", bfd, accept: [accepted('172.16.0.0/12', 24), accepted('2001:db8::/32')] }),
        session({ name: 'a "quoted"\nname', peerAddress: '2001:db8::9', sourceAddress: '', peerAs: 'external', hops: 3 }),
        watch('n2', '192.0.2.2'),
        watch('n3', '2001:db8::3'),
        session({ name: 'inner', peerAddress: '192.0.2.7', peerAs: 'internal', drain: 'discouraged' }),
        session({ name: 'gone', peerAddress: '192.0.2.8', drain: 'closed' }),
        route('10.244.1.1/32'),
        route('10.244.1.0/24', [{ sessions: ['session/tor'], communities: ['64512:7', '64512:1:2'], localPreference: 200 }]),
        route('fd00:244::1/128'),
      ]
      await one.apply(upsert(...entries), NEVER)
      expect(one.findings).toEqual([])
      expect(await reread()).toEqual(sorted(new Map(entries.map((entry) => [entry.key, entry]))))
    })

    it('upserts what is there and removes what is not', async () => {
      const one = engine()
      await one.apply(upsert(SPEAKER, route('10.244.1.1/32'), route('10.244.1.2/32')), NEVER)
      await one.apply(upsert(route('10.244.1.1/32')), NEVER)
      await one.apply({ upserts: [], removals: ['route/10.9.9.9/32', 'route/10.244.1.2/32'] }, NEVER)
      expect((await reread()).map(([key]) => key)).toEqual(['route/10.244.1.1/32', 'speaker'])
    })

    it('leaves out what no BIRD can be given, and only that', async () => {
      const one = engine()
      const bad = session({ name: 'bad', password: 'a"; } protocol static { ipv4; route 0.0.0.0/0 blackhole; } #' })
      const wrong = route('10.244.1.9/32', [{ sessions: [], communities: ['70000:1'] }])
      await one.apply(upsert(SPEAKER, bad, session(), wrong, route('10.244.1.1/32')), NEVER)
      expect((await reread()).map(([key]) => key)).toEqual(['route/10.244.1.1/32', 'session/tor', 'speaker'])
      expect(one.findings.map(({ code, subjects }) => [code.name, ...subjects])).toEqual([
        ['BGP_ENTRY_INVALID', 'session/bad'],
        ['BGP_ENTRY_INVALID', 'route/10.244.1.9/32'],
      ])
    })

    it('refuses sessions without a speaker, and changes nothing', async () => {
      const one = engine()
      await one.apply(upsert(SPEAKER, session()), NEVER)
      await expect(one.apply({ upserts: [], removals: ['speaker'] }, NEVER)).rejects.toThrow(EngineError)
      expect((await reread()).map(([key]) => key)).toEqual(['session/tor', 'speaker'])
    })

    it('adopts another engine’s work and changes only what differs', async () => {
      const first = engine()
      await first.apply(upsert(SPEAKER, session(), route('10.244.1.1/32'), route('10.244.1.2/32')), NEVER)
      await first.close()
      const rounds: number[] = []
      const loop = createReconciler<BgpEntry>({
        engine: engine(),
        onRound: (round) => rounds.push(round.upserts, round.removals),
      })
      loop.want(upsert(SPEAKER, session(), route('10.244.1.1/32'), route('fd00::1/128')))
      await loop.settled()
      await loop.stop()
      expect(rounds).toEqual([1, 1])
      expect((await reread()).map(([key]) => key)).toEqual(['route/10.244.1.1/32', 'route/fd00::1/128', 'session/tor', 'speaker'])
    })
  })
}
