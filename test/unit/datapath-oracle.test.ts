/**
 * Random worlds, and an independent statement of what Services and hostPorts mean: planner, renderer and tracer together must say
 * of every packet what it says.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { familyOf } from '../../src/model/datapath.ts'
import type { Protocol } from '../../src/model/world.ts'
import { changesOf, createPlanner } from '../../src/plan/planner.ts'
import { emptyWorld, fullSteps, steps, take } from '../support/arbitrary-world.ts'
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

it('what the plan says is what Services and hostPorts mean', () => {
  fc.assert(
    fc.property(fullSteps, (all) => {
      const world = emptyWorld()
      for (const step of all) if (step.kind !== 'serviceCIDR') take(world, step) // until the engine carries ranges
      const planner = createPlanner(NODE, { externalIPs: ALLOWED })
      planner.update(world, changesOf(world))
      for (const packet of PACKETS) {
        const said = entriesSay(planner.entries, packet, isLocal)
        expect({ packet, said }).toEqual({ packet, said: meaningOf(world, packet) })
      }
    }),
    { numRuns: 300 },
  )
})

it('what the rules do is what Services and hostPorts mean', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const world = emptyWorld()
      for (const step of all) take(world, step)
      const tracers = await nodeOf(world, NODE, { externalIPs: ALLOWED })
      for (const packet of PACKETS) {
        const sent = {
          ...packet,
          family: familyOf(packet.to),
          fromPort: 40_000,
          interface: packet.sender === 'node' ? '' : 'eth0',
        }
        const traces = everyTrace(tracers[sent.family], sent, isLocal)
        const [is] = traces.map((one): Meaning['is'] => {
          if (one.translated) return 'to'
          return one.outcome === 'refused' || one.outcome === 'dropped' ? one.outcome : 'alone'
        })
        const to = traces.map((one) => `${one.to} ${one.port} ${one.masqueraded ? 'node' : 'kept'}`).toSorted()
        const did = is === 'to' ? { is, to } : { is }
        expect({ packet, did }).toEqual({ packet, did: meaningOf(world, packet) })
      }
    }),
    { numRuns: 300 },
  )
})
