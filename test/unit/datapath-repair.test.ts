/** Large repairs, transaction by transaction: what goes on is never out of service in between. */
import { describe, expect, it } from 'vitest'
import { declarations } from '../../src/engine/nftables/engine.ts'
import { FakeNftables } from '../../src/engine/nftables/fake.ts'
import { Tracer } from '../../src/engine/nftables/trace.ts'
import { INDEX_BASE } from '../../src/engine/nftables/words.ts'
import { createReconciler } from '../../src/engine/reconcile.ts'
import { type DataPathEntry, frontendKey } from '../../src/model/datapath.ts'
import { fakeEngine } from '../support/datapath.ts'

const PORTS = Array.from({ length: 700 }, (_, index) => 1 + index)
const WORLD = PORTS.flatMap((port): readonly DataPathEntry[] => {
  const group = `g${port}/host/ipv4`
  const place = { at: 'host-port', from: 'anywhere', family: 'ipv4', address: '', protocol: 'tcp', port } as const
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
      backends: [{ address: '10.0.0.1', port }],
    },
  ]
})
const at = { family: 'ip', table: 'fairway' } as const

/** The ports that are translated as they should be. */
function served(fake: FakeNftables): readonly number[] {
  const tracer = new Tracer(fake.list('ip') ?? [])
  const from = { family: 'ipv4', protocol: 'tcp', from: '192.0.2.1', fromPort: 4000, to: '192.0.2.2', interface: 'eth0' } as const
  const node = { isLocal: (address: string) => address === '192.0.2.2', draw: () => 0 }
  return PORTS.filter((port) => {
    const trace = tracer.trace({ ...from, port }, node)
    return trace.translated && trace.to === '10.0.0.1' && trace.port === port
  })
}

/** Has the world repaired; returns how many ports were served at the beginning of each transaction and at the end. */
async function repair(fake: FakeNftables): Promise<readonly number[]> {
  const counts: number[] = []
  fake.fault = () => void counts.push(served(fake).length)
  const engine = fakeEngine(fake)
  const loop = createReconciler<DataPathEntry>({ engine, minRetryInMs: 0 })
  loop.want({ upserts: WORLD, removals: [] })
  await loop.settled()
  await loop.stop()
  const reader = fakeEngine(fake)
  await reader.refresh(new AbortController().signal)
  expect(new Map(reader.observed)).toEqual(new Map(WORLD.map((entry) => [entry.key, entry])))
  return [...counts, served(fake).length]
}

async function load(): Promise<FakeNftables> {
  const fake = new FakeNftables()
  await fakeEngine(fake).apply({ upserts: WORLD, removals: [] }, new AbortController().signal)
  return fake
}

/** The ids of all groups. */
function ids(fake: FakeNftables): readonly string[] {
  return (fake.list('ip') ?? [])
    .flatMap((object) => ('map' in object && object.map.name === 'host_port' ? (object.map.elem ?? []) : []))
    .map((element) => String((element as readonly unknown[])[1]))
}

describe('a repair of more than one transaction', () => {
  it('replaces groups with foreign parts while they go on', async () => {
    const fake = await load()
    const elem = ids(fake).map((id) => [{ concat: [id, INDEX_BASE + 7] }, { concat: ['10.0.0.9', 9] }] as const)
    await fake.run([{ add: { element: { ...at, name: 'backend', elem } } }])
    const counts = await repair(fake)
    expect(counts.length).toBeGreaterThan(3)
    expect(new Set(counts)).toEqual(new Set([PORTS.length]))
  })

  it('keeps clear of ids of groups that somebody made half', async () => {
    const fake = await load()
    const half = PORTS.map((port) => `8000:${(0x1000 + port).toString(16)}`)
    const elem = half.map((id) => [{ concat: [id, INDEX_BASE] }, { concat: ['10.0.0.9', 9] }] as const)
    const gone = ids(fake).map(
      (id, index) => [{ concat: [id, INDEX_BASE] }, { concat: ['10.0.0.1', PORTS[index] ?? 0] }] as const,
    )
    await fake.run([
      { add: { element: { ...at, name: 'backend', elem } } },
      { delete: { element: { ...at, name: 'backend', elem: gone } } },
    ])
    const counts = await repair(fake)
    expect(counts[0]).toBe(0)
    expect(counts.at(-1)).toBe(PORTS.length)
    expect(counts).toEqual(counts.toSorted((one, other) => one - other))
  })

  it('puts a whole table in the place of one whose sets have other types, at once', async () => {
    const fake = new FakeNftables()
    const ours = declarations('ipv4')
    await fake.declare([{ ...ours, sets: ours.sets.map((set) => (set.name === 'endpoint' ? { ...set, type: 'classid' } : set)) }])
    expect(await repair(fake)).toEqual([0, PORTS.length])
  })
})
