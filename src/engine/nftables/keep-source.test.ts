/** Whose source is replaced, kept for good, or left to whoever comes behind: as the rendered rules have it. */
import { beforeEach, expect, test } from 'vitest'
import { NEVER, NO_LOOPBACK } from '../../../test/support/datapath.ts'
import { addressKey, type DataPathEntry, familyOf, frontendKey, normalGroup, rangeKey } from '../../model/datapath.ts'
import { TransportEngine } from './engine.ts'
import { FakeNftables } from './fake.ts'
import { Tracer } from './trace.ts'

const POD = { ipv4: '10.244.1.5', ipv6: 'fd00:244:1::5' }
const OTHER_POD = { ipv4: '10.244.2.5', ipv6: 'fd00:244:2::5' }
const NODE = { ipv4: '192.168.0.1', ipv6: 'fd00:192::1' }
const FAR = { ipv4: '172.30.0.10', ipv6: 'fd00:30::10' }
const FARTHER = { ipv4: '172.31.0.10', ipv6: 'fd00:31::10' }
const FAMILIES = ['ipv4', 'ipv6'] as const
const ADDRESSES = { POD, OTHER_POD, NODE, FAR, FARTHER }

const range = (kind: 'local-source' | 'keep-source', cidr: string): DataPathEntry => {
  return { kind, key: rangeKey(kind, cidr), family: familyOf(cidr), cidr }
}
const kept = FAMILIES.map((family) => range('keep-source', family === 'ipv4' ? '172.30.0.0/24' : 'fd00:30::/64'))

/** A nodePort 30001 with a pod elsewhere, 30002 with a pod here and 30003 with a server far away. */
function served(family: (typeof FAMILIES)[number]): readonly DataPathEntry[] {
  const ends = [OTHER_POD, POD, FAR].map((one) => one[family])
  const ports = ends.flatMap((address, index): readonly DataPathEntry[] => {
    const key = `s${index}/cluster/${family}`
    const at = { at: 'node-port', from: 'anywhere', family, address: '', protocol: 'tcp', port: 30_001 + index } as const
    const shape = { kind: 'group', key, family, masquerade: 'outsiders', whenEmpty: 'refuse', affinityInSeconds: 0 } as const
    const group = normalGroup({ ...shape, sourceRanges: [], backends: [{ address, port: 80 }] })
    return [group, { kind: 'frontend', key: frontendKey(at), ...at, group: key }]
  })
  const address = NODE[family]
  const node: DataPathEntry = { kind: 'node-address', key: addressKey('node-address', address), family, address }
  const pod: DataPathEntry = { kind: 'local-pod', key: addressKey('local-pod', POD[family]), family, address: POD[family] }
  return [...ports, node, pod, range('local-source', family === 'ipv4' ? '10.244.1.0/24' : 'fd00:244:1::/64')]
}

let fake: FakeNftables
let engine: TransportEngine
beforeEach(async () => {
  fake = new FakeNftables()
  engine = new TransportEngine(fake, NO_LOOPBACK)
  await engine.apply({ upserts: [...FAMILIES.flatMap(served), ...kept], removals: [] }, NEVER)
})

type Place = keyof typeof ADDRESSES

function sourceOf(family: (typeof FAMILIES)[number], from: Place, to: Place, port = 443): 'node' | 'kept' | 'left' {
  const isLocal = (address: string) => address === NODE[family]
  const ends = { from: ADDRESSES[from][family], fromPort: 4000, to: ADDRESSES[to][family], port }
  const packet = { family, protocol: 'tcp', ...ends, interface: from === 'NODE' ? '' : 'eth0' } as const
  const listing = fake.list(family === 'ipv4' ? 'ip' : 'ip6') ?? []
  const { masqueraded, sourceKept } = new Tracer(listing).trace(packet, { isLocal, draw: () => 0 })
  if (masqueraded) return 'node'
  return sourceKept ? 'kept' : 'left'
}

const CASES: readonly (readonly [string, Place, Place, number, 'node' | 'kept' | 'left'])[] = [
  ['a pod here to the range', 'POD', 'FAR', 443, 'kept'],
  ['a pod here elsewhere', 'POD', 'FARTHER', 443, 'left'],
  ['a pod here to another pod', 'POD', 'OTHER_POD', 443, 'left'],
  ['a pod of another node to the range', 'OTHER_POD', 'FAR', 443, 'left'],
  ['the node to the range', 'NODE', 'FAR', 443, 'left'],
  ['a client in the range to a pod here', 'FAR', 'POD', 443, 'left'],
  ['a client to a nodePort whose pod is elsewhere', 'FAR', 'NODE', 30_001, 'node'],
  ['a client to a nodePort that leads to the range', 'FARTHER', 'NODE', 30_003, 'node'],
  ['a pod here to a Service that leads to the range', 'POD', 'NODE', 30_003, 'kept'],
  ['a pod here to itself by a nodePort', 'POD', 'NODE', 30_002, 'node'],
]

test.each(CASES)('%s', (_, from, to, port, wanted) => {
  for (const family of FAMILIES) expect([family, sourceOf(family, from, to, port)]).toEqual([family, wanted])
})

test('ranges come back from a listing, and go', async () => {
  const reader = new TransportEngine(fake, NO_LOOPBACK)
  await reader.refresh(NEVER)
  expect([...reader.observed.values()].filter(({ kind }) => kind === 'keep-source')).toEqual(kept)
  await reader.apply({ upserts: [], removals: kept.map(({ key }) => key) }, NEVER)
  for (const family of FAMILIES) expect(sourceOf(family, 'POD', 'FAR')).toBe('left')
})
