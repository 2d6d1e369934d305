import { expect, it } from 'vitest'
import type { BackendGroup } from '../../model/datapath.ts'
import { TransportEngine } from './engine.ts'
import { FakeNftables } from './fake.ts'
import type { NftObject } from './json.ts'
import { type Listing, listTable } from './listing.ts'
import { readListings } from './reader.ts'

const NEVER = new AbortController().signal
const NO_LOOPBACK = {
  watch: async () => undefined,
  allow: () => undefined,
  forget: () => undefined,
  close: async () => undefined,
}
const STRAY = 'stray/ipv4/chains'
const NOTHING: Listing = { documents: [], rules: true }

function group(name: string, affinityInSeconds: number): BackendGroup {
  const backends = [1, 2].map((n) => ({ address: `10.0.0.${n}`, port: 80 }))
  const conditions = { whenEmpty: 'refuse', affinityInSeconds, sourceRanges: ['10.0.0.0/8'] } as const
  return { kind: 'group', key: name, family: 'ipv4', masquerade: 'outsiders', ...conditions, backends }
}

async function table(...affinities: readonly number[]): Promise<FakeNftables> {
  const fake = new FakeNftables()
  const upserts = affinities.map((one, index) => group(`g${index}/cluster/ipv4`, one))
  await new TransportEngine(fake, NO_LOOPBACK).apply({ upserts, removals: [] }, NEVER)
  return fake
}

/** Answers as nft does, and says what it was asked. */
function asked(fake: FakeNftables) {
  const commands: string[] = []
  const elsewhere: NftObject = { chain: { family: 'ip', table: 'theirs', name: 'sticky_600_2' } }
  const nft = async (args: readonly string[]) => {
    commands.push(args.join(' '))
    const [what = '', , , name] = args.slice(args.indexOf('list') + 1)
    const all = fake.list('ip')
    if (all === undefined && what === 'table') return undefined
    const found = [elsewhere, ...(all ?? [])].flatMap((object): readonly object[] => {
      if (what === 'table') return [object]
      if (what === 'chains') return 'chain' in object ? [object] : []
      const [kind = '', set = { name: '', elem: [] }] = Object.entries(object)[0] ?? []
      if (what === `${kind}s`) return [{ [kind]: { ...set, elem: undefined } }]
      return what === kind && set.name === name ? [object] : []
    })
    return [Buffer.from(JSON.stringify({ nftables: [{ metainfo: {} }, ...found] }))]
  }
  return { nft, commands }
}

it.each<[string, readonly number[], number | undefined]>([
  ['few clients', [600], 16_384],
  ['no clients, as far as chains tell', [0], undefined],
  ['no table', [], undefined],
])('of a table with %s is whole', async (_, affinities, clients) => {
  const fake = affinities.length === 0 ? new FakeNftables() : await table(...affinities)
  const { nft, commands } = asked(fake)
  const listing = await listTable({ nft, countClients: async () => clients }, 'ipv4')
  expect(commands.at(-1)).toBe('list table ip fairway')
  expect(listing.rules).toBe(true)
  expect(readListings({ ipv4: listing, ipv6: NOTHING })).toEqual(await fake.read())
})

it.each([
  ['many clients', 16_385],
  ['clients that the kernel does not count', undefined],
])('of a table with %s leaves them out, and holds all else but rules', async (_, clients) => {
  const fake = await table(600, 0, 3600)
  const { nft, commands } = asked(fake)
  const listing = await listTable({ nft, countClients: async () => clients }, 'ipv4')
  expect(commands.filter((one) => /list table|list chain |affinity|saved|node_seen/.test(one))).toEqual([])
  expect(listing.rules).toBe(false)
  const { mirror } = readListings({ ipv4: listing, ipv6: NOTHING })
  const whole = await fake.read()
  expect([...mirror.entries.keys()].toSorted()).toEqual([...whole.mirror.entries.keys(), STRAY].toSorted())
  expect([mirror.groups, mirror.chains, mirror.declared]).toEqual([
    whole.mirror.groups,
    whole.mirror.chains,
    whole.mirror.declared,
  ])
})

it('rules that were not read are written again, those of groups too', async () => {
  const fake = await table(600, 0)
  const before = await fake.read()
  const { nft } = asked(fake)
  const damage = ['translate', 'sticky_600_2', 'ranged_spread_2'].map((name) => {
    return { flush: { chain: { family: 'ip', table: 'fairway', name } } } as const
  })
  await fake.run(damage)
  expect((await fake.read()).mirror.strays.size).toBeGreaterThan(1)
  const reading = async () => {
    const ipv4 = await listTable({ nft, countClients: async () => undefined }, 'ipv4')
    return readListings({ ipv4, ipv6: NOTHING })
  }
  const engine = new TransportEngine(Object.assign(Object.create(fake), { read: reading }) as FakeNftables, NO_LOOPBACK)
  await engine.refresh(NEVER)
  await engine.apply({ upserts: [], removals: [STRAY] }, NEVER)
  expect(await fake.read()).toEqual(before)
})
