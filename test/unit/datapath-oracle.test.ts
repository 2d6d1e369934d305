/**
 * Random worlds, and an independent statement of what Services and hostPorts mean: planner, renderer and tracer together must say
 * of every packet what it says.
 */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Tracer } from '../../src/engine/nftables/trace.ts'
import { familyOf } from '../../src/model/datapath.ts'
import type { Family, Protocol, World } from '../../src/model/world.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { emptyWorld, steps, take } from '../support/arbitrary-world.ts'
import { everyTrace, nodeOf } from '../support/datapath.ts'
import { entriesSay } from '../support/entries.ts'
import { ALLOWED, LOCAL, type Meaning, meaningOf, NODE, type Packet } from '../support/oracle.ts'

const isLocal = (address: string): boolean => LOCAL.includes(address)
const PORTS: readonly (readonly [Protocol, number])[] = [
  ['tcp', 80],
  ['udp', 81],
  ['tcp', 30001],
  ['udp', 30002],
  ['udp', 80],
]
const TOS = [
  ...['10.96.0.1', '10.96.0.2', '10.96.7.7', 'fd00:96::1', '192.168.0.1', 'fd00::1', '127.0.0.1', '::1', '10.9.9.9'],
  ...['203.0.113.1', '203.0.113.2', '203.0.113.9', '192.168.0.2', 'fd00:1::1'],
]
/** The node itself, pods that may be its own or one of its endpoints, hosts outside. */
const FROMS: readonly Pick<Packet, 'sender' | 'from'>[] = [
  { sender: 'node', from: '192.168.0.1' },
  { sender: 'wire', from: '10.244.1.1' },
  { sender: 'wire', from: '192.168.0.200' },
  { sender: 'wire', from: '198.51.100.7' },
  { sender: 'node', from: 'fd00::1' },
  { sender: 'wire', from: 'fd00:244:1::1' },
  { sender: 'wire', from: 'fd00::200' },
]
/** The node reaches its loopback addresses, others do not. */
const PACKETS: readonly Packet[] = TOS.flatMap((to) =>
  FROMS.filter(({ sender, from }) => familyOf(from) === familyOf(to) && (sender === 'node' || !/^127|^::1$/.test(to))).flatMap(
    (sent) => PORTS.map(([protocol, port]) => ({ ...sent, to, protocol, port })),
  ),
)

/** The packets of which something else is true than was said. */
function wrong(world: World, say: (packet: Packet) => Meaning, nodeRanges?: readonly string[]): readonly unknown[] {
  return PACKETS.flatMap((packet) => {
    const [said, meant] = [say(packet), meaningOf(world, packet, nodeRanges)]
    return isDeepStrictEqual(said, meant) ? [] : [{ packet, said, meant }]
  })
}

/** What the tracer says, by every backend that can be drawn. */
function traced(tracers: Readonly<Record<Family, Tracer>>, packet: Packet): Meaning {
  const sent = { ...packet, family: familyOf(packet.to), fromPort: 40_000, interface: packet.sender === 'node' ? '' : 'eth0' }
  const traces = everyTrace(tracers[sent.family], sent, isLocal)
  const to = traces.map((one) => `${one.to} ${one.port} ${one.masqueraded ? 'node' : 'kept'}`).toSorted()
  const [first] = traces
  if (first?.translated === true) return { is: 'to', to }
  return { is: first?.outcome === 'refused' || first?.outcome === 'dropped' ? first.outcome : 'alone' }
}

/** nodePortAddresses; by default what the Node object has. */
const ranges = fc.constantFrom<readonly string[] | undefined>(
  undefined,
  ['0.0.0.0/0', '::/0'],
  ['10.9.0.0/16', '10.0.0.0/8', '192.168.0.0/30'],
  ['fd00::/8'],
  [],
)

it('what the plan says is what Services and hostPorts mean', () => {
  fc.assert(
    fc.property(steps, ranges, (all, nodePortAddresses) => {
      const world = emptyWorld()
      for (const step of all) take(world, step)
      const planner = createPlanner(NODE, { externalIPs: ALLOWED, nodePortAddresses })
      planner.update(world, changesOf(world))
      expect(wrong(world, (packet) => entriesSay(planner.entries, packet, isLocal), nodePortAddresses)).toEqual([])
    }),
    { numRuns: 500 },
  )
})

it('what the rules do is what Services and hostPorts mean', async () => {
  await fc.assert(
    fc.asyncProperty(steps, ranges, async (all, nodePortAddresses) => {
      const world = emptyWorld()
      for (const step of all) take(world, step)
      const tracers = await nodeOf(world, NODE, { externalIPs: ALLOWED, nodePortAddresses })
      expect(wrong(world, (packet) => traced(tracers, packet), nodePortAddresses)).toEqual([])
    }),
    { numRuns: 300 },
  )
})
